package openedge

import (
	"path"
	"regexp"
	"slices"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// A complete example, with every field; what stands behind "default" may be
// left out:
//
//	sites:
//	  east:
//	    host: oe-east                  # a host of the inventory
//	    dlc: /usr/dlc                  # DLC; programs are taken from its bin
//	    dsrhome: /usr/dlc              # DSRHOME; default: dlc
//	    promsgs: /usr/dlc/promsgs      # PROMSGS; default: promsgs in dlc
//	    database: /data/depot          # path of the database without .db
//	    port: 4501                     # -S of the broker, as a number
//	    address: east.example.com      # host= of this site's control agent
//	    agent: ag_east                 # name= of this site's control agent
//	    arguments: [-pf, /data/depot.pf] # more start arguments; default: none
//	    spool: /spool                  # directory for backups, not the database's
//	    ssh: oe@east.example.com       # how the other host's ssh reaches this one
//	    ssh_config: /home/oe/.ssh/dr   # file for ssh -F here; default: none
//	    extents: {west: /mnt/west/ai}  # where this host can read another site's
//	                                   # AI extents; default: nowhere
//	  west:
//	    host: oe-west
//	    dlc: /usr/dlc
//	    database: /data/depot
//	    port: 4501
//	    address: west.example.com
//	    agent: ag_west
//	    spool: /spool
//	    ssh: oe@west.example.com
//	openedge:
//	  takeover: failover     # planned: "failover" (dsrutil -C transition failover)
//	                         # or "controlled" (two offline transitions)
//	  reseed: transition     # prorest -REPLTransition, or "enable": disable,
//	                         # restore, proutil -C enableSiteReplication target
//	  target_creation: true  # probkup -REPLTargetCreation
//	  transfer: copy         # by ssh with resume, or "shared": both spools are
//	                         # one device
//	  compress: false        # probkup -com
//	  threads: 0             # probkup -threadnum; 0: not given
//	  seed_hours: 4          # how long a seed is expected to take
//	  extent_minutes: 15     # how long one AI extent lasts under load
//	  min_empty_extents: 2   # alarm below
//	  shutdown_minutes: 10   # proshut -shutdownTimeout of a planned stop
//	  sync_hours: 8          # how long a wait for synchronisation lasts

// siteNode is a site's settings in the inventory.
type siteNode struct {
	// Host is the inventory's name of the host.
	Host string `yaml:"host"`
	// DLC is the installation, DSRHOME that of OpenEdge Replication, PROMSGS
	// the message file: a non-interactive session has none of them set.
	DLC     string `yaml:"dlc"`
	DSRHome string `yaml:"dsrhome"`
	ProMsgs string `yaml:"promsgs"`
	// Database is the path of the database without ".db".
	Database string `yaml:"database"`
	// Port is the broker's -S; the other site's control-agent names it.
	Port int `yaml:"port"`
	// Address is what host= of this site's control agent says elsewhere.
	Address string `yaml:"address"`
	// Agent is this site's control agent: at most 15 characters, never ALL.
	Agent string `yaml:"agent"`
	// Arguments are added to proserve.
	Arguments []string `yaml:"arguments"`
	// Spool holds backups and what belongs to them.
	Spool string `yaml:"spool"`
	// SSH is the destination by which other sites' hosts reach this one.
	SSH string `yaml:"ssh"`
	// SSHConfig is a file for ssh -F on this host: port, key, known hosts.
	SSHConfig string `yaml:"ssh_config"`
	// Extents says where this host can read other sites' AI extents.
	Extents map[string]string `yaml:"extents"`
}

// systemNode is the node "openedge" of a system.
type systemNode struct {
	// Takeover is the form of a planned one: "failover" or "controlled".
	Takeover string `yaml:"takeover"`
	// Reseed is "transition" or "enable".
	Reseed         string `yaml:"reseed"`
	TargetCreation *bool  `yaml:"target_creation"`
	// Transfer is "copy" or "shared".
	Transfer        string `yaml:"transfer"`
	Compress        bool   `yaml:"compress"`
	Threads         int    `yaml:"threads"`
	SeedHours       int    `yaml:"seed_hours"`
	ExtentMinutes   int    `yaml:"extent_minutes"`
	MinEmptyExtents int    `yaml:"min_empty_extents"`
	ShutdownMinutes int    `yaml:"shutdown_minutes"`
	SyncHours       int    `yaml:"sync_hours"`
}

// The values of settings.
const (
	takeoverFailover   = "failover"
	takeoverControlled = "controlled"
	reseedTransition   = "transition"
	reseedEnable       = "enable"
	transferCopy       = "copy"
	transferShared     = "shared"
)

var (
	agentName   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,14}$`)
	destination = regexp.MustCompile(`^([A-Za-z0-9_][A-Za-z0-9_.-]{0,62}@)?[A-Za-z0-9]([A-Za-z0-9.:-]{0,252}[A-Za-z0-9])?$`)
	argument    = regexp.MustCompile(`^[A-Za-z0-9._/+@:=-]{1,120}$`)
)

// Adapter is the OpenEdge adapter.
type Adapter struct{}

// New gives the adapter.
func New() kit.Adapter { return Adapter{} }

// Product is "openedge".
func (Adapter) Product() string { return "openedge" }

// Decode reads the system's nodes.
func (Adapter) Decode(e kit.Entry) (kit.System, error) {
	s := &system{name: e.Name}
	if err := s.decodeSettings(e); err != nil {
		return nil, err
	}
	if len(e.Sites) < 2 || len(e.Sites) > 3 {
		return nil, dr.Refuse("inventory", "the system %s needs two sites, or three with a replication set, it has %d", e.Name, len(e.Sites))
	}
	names := map[string]bool{}
	for _, se := range e.Sites {
		names[se.Name] = true
	}
	agents := kit.Distinct{}
	for _, se := range e.Sites {
		st, err := s.decodeSite(e, se, names)
		if err != nil {
			return nil, err
		}
		if err := agents.Add(se, "agent", st.Place.Agent); err != nil {
			return nil, err
		}
		s.sites = append(s.sites, st)
	}
	return s, nil
}

func (s *system) decodeSettings(e kit.Entry) error {
	v := systemNode{}
	if err := e.Settings(&v); err != nil {
		return err
	}
	for _, w := range []struct {
		field string
		value *string
		words []string // the first is the default
	}{
		{"takeover", &v.Takeover, []string{takeoverFailover, takeoverControlled}},
		{"reseed", &v.Reseed, []string{reseedTransition, reseedEnable}},
		{"transfer", &v.Transfer, []string{transferCopy, transferShared}},
	} {
		kit.Default(w.value, w.words[0])
		if !slices.Contains(w.words, *w.value) {
			return e.Complain(w.field, "%s is %q, not %q or %q", w.field, dr.Clip(*w.value, 40), w.words[0], w.words[1])
		}
	}
	if v.TargetCreation == nil {
		on := true
		v.TargetCreation = &on
	}
	for _, w := range []struct {
		field         string
		value         *int
		def, min, max int
	}{
		{"threads", &v.Threads, 0, 0, 64},
		{"seed_hours", &v.SeedHours, 4, 1, 168},
		{"extent_minutes", &v.ExtentMinutes, 15, 1, 10080},
		{"min_empty_extents", &v.MinEmptyExtents, 2, 1, 1000},
		{"shutdown_minutes", &v.ShutdownMinutes, 10, 1, 600},
		{"sync_hours", &v.SyncHours, 8, 1, 168},
	} {
		kit.Default(w.value, w.def)
		if *w.value < w.min || *w.value > w.max {
			return e.Complain(w.field, "%s is %d: it must be %d to %d", w.field, *w.value, w.min, w.max)
		}
	}
	s.set = v
	return nil
}

func (s *system) decodeSite(e kit.Entry, se kit.SiteEntry, names map[string]bool) (site, error) {
	var v siteNode
	if err := e.SiteSettings(se, &v); err != nil {
		return site{}, err
	}
	if err := e.KnownHost(se, v.Host); err != nil {
		return site{}, err
	}
	kit.Default(&v.DSRHome, v.DLC)
	kit.Default(&v.ProMsgs, v.DLC+"/promsgs")
	if err := checkPaths(se, v); err != nil {
		return site{}, err
	}
	if err := s.checkWords(se, v, names); err != nil {
		return site{}, err
	}
	return site{
		Name: se.Name, SSH: v.SSH, SSHConfig: v.SSHConfig, Extents: v.Extents,
		Place: Place{
			Site: se.Name, Host: v.Host, DLC: v.DLC, DSRHome: v.DSRHome, ProMsgs: v.ProMsgs, Database: v.Database, Port: v.Port,
			Address: v.Address, Agent: v.Agent, Arguments: v.Arguments, Spool: v.Spool,
		},
	}, nil
}

func checkPaths(se kit.SiteEntry, v siteNode) error {
	if err := kit.Checks(
		se.NeedPath("dlc", v.DLC), se.NeedPath("dsrhome", v.DSRHome), se.NeedPath("promsgs", v.ProMsgs),
		se.NeedPath("database", v.Database), se.NeedPath("spool", v.Spool), se.OptionalPath("ssh_config", v.SSHConfig),
	); err != nil {
		return err
	}
	if path.Ext(v.Database) == ".db" {
		return se.Node.Complain("database", "database of the site %s ends in .db: give the path without it", se.Name)
	}
	if v.Spool == path.Dir(v.Database) {
		return se.Node.Complain("spool", "spool of the site %s is the directory of its database", se.Name)
	}
	return nil
}

func (s *system) checkWords(se kit.SiteEntry, v siteNode, names map[string]bool) error {
	if v.Port < 1 || v.Port > 65535 {
		return se.Node.Complain("port", "port of the site %s is %d: it must be 1 to 65535", se.Name, v.Port)
	}
	if !kit.Address.MatchString(v.Address) {
		return se.Node.Complain("address", "address of the site %s is %q: it must be what host= of its control agent says", se.Name, dr.Clip(v.Address, 80))
	}
	if !agentName.MatchString(v.Agent) || reservedAgent(v.Agent) {
		return se.Node.Complain("agent", "agent of the site %s is %q: a letter, then letters, digits, - and _, at most 15, and not ALL", se.Name, dr.Clip(v.Agent, 40))
	}
	for _, a := range v.Arguments {
		if !argument.MatchString(a) || a == "-DBService" || a == "-S" {
			return se.Node.Complain("arguments", "the argument %q of the site %s is not allowed; -S and -DBService are the adapter's own", dr.Clip(a, 80), se.Name)
		}
	}
	switch {
	case s.set.Transfer == transferCopy && !destination.MatchString(v.SSH):
		return se.Node.Complain("ssh", "ssh of the site %s is %q: it must be how the other host reaches it, user@host (port and key belong in ssh_config)", se.Name, dr.Clip(v.SSH, 80))
	case v.SSH != "" && !destination.MatchString(v.SSH):
		return se.Node.Complain("ssh", "ssh of the site %s is %q: it must be user@host", se.Name, dr.Clip(v.SSH, 80))
	}
	for other, dir := range v.Extents {
		if !names[other] || other == se.Name || !kit.PlainPath(dir) {
			return se.Node.Complain("extents", "extents of the site %s names %q at %q: give another site of the system and a plain absolute path", se.Name, dr.Clip(other, 60), dr.Clip(dir, 80))
		}
	}
	return nil
}

// reservedAgent says whether dsrutil would take the name for all agents.
func reservedAgent(name string) bool {
	return len(name) == 3 && regexp.MustCompile(`(?i)^all$`).MatchString(name)
}
