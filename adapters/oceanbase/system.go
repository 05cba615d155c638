package oceanbase

// system is one replicated tenant of the inventory.
type system struct {
	name  string
	set   systemNode
	sites []site
}

// site is one tenant of a system in its cluster.
type site struct {
	Name        string
	Sources     []string
	Pool        string
	PrimaryZone string
	Locality    string
	ArchiveDest string
	BackupDest  string
	Place       Place
}
