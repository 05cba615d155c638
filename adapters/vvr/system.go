package vvr

// system is one replicated data set of the inventory.
type system struct {
	name  string
	set   systemNode
	sites []site
}

// site is one host of a system.
type site struct {
	Name     string
	Snapshot *snapshotNode
	Place    Place
}

// Place is an RVG on its host as an action is given it.
type Place struct {
	Site string `json:"site"`
	Host string `json:"host"`
	// VVRHost is the name that VVR itself uses for the host.
	VVRHost string `json:"vvr_host"`
	DG      string `json:"disk_group"`
	RVG     string `json:"rvg"`
	Bin     string `json:"bin"`
	VCSBin  string `json:"vcs_bin"`
	Sudo    bool   `json:"sudo,omitempty"`
}
