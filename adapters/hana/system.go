package hana

// system is one HANA system of the inventory.
type system struct {
	name  string
	set   systemNode
	sites []site
}

// site is one site of a system.
type site struct {
	Place Place
	// BackupDir takes data backups; empty for HANA's own default.
	BackupDir string
	// Mode, Operation and Source are the site's as a secondary when no record
	// tells.
	Mode, Operation, Source string
}
