package vvr

import (
	"regexp"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// A complete example. Everything but host, vvr_host, disk_group and rvg has
// the default that is shown.
//
//	systems:
//	  hr:
//	    product: vvr
//	    home: seattle
//	    sites:
//	      seattle:
//	        host: sea-db             # the inventory's host: how SSH reaches it
//	        vvr_host: seattle-rep    # the name VVR itself uses (vradmin printrvg)
//	        disk_group: hrdg         # where it differs from the system's
//	        rvg: hr_rvg              # where it differs from the system's
//	        bin: /usr/sbin           # where it differs from the system's
//	        vcs_bin: /opt/VRTSvcs/bin
//	        snapshot:                # optional: a snapshot of the data volumes
//	          take: [/opt/dr/snapshot, take]    # the run's ID is added as last argument
//	          check: [/opt/dr/snapshot, check]  # also with the ID; exit 0 there; 1, printing nothing, not there
//	      london: {host: lon-db, vvr_host: london-rep}
//	      tokyo: {host: tok-db, vvr_host: tokyo-rep}
//	    vvr:
//	      disk_group: hrdg
//	      rvg: hr_rvg
//	      bin: /usr/sbin             # vradmin, vxprint, vxrlink, vxrvg, vxdg
//	      vcs_bin: /opt/VRTSvcs/bin  # hares, hagrp; looked at only where they exist
//	      sudo: false                # true: every command begins with sudo -n
//	      order: protect             # or manual: Example 3 and 4 of the manual to the letter
//	      fast_failback: on          # on, auto (-autofb) or off (-N)
//	      snapshot_cache: hr_cache   # cache object for fbsync and resync; none
//	      snapshot_cachesize: 2g     # or a size instead of an object; none
//	      reseed: full               # full (syncrvg -full) or autosync (startrep -a)
//	      max_behind_mb: 256         # a planned takeover refuses a Secondary further behind
//	      srl_stop_percent: 80       # a synchronisation is stopped before the SRL is fuller

// siteNode is a site's settings in the inventory.
type siteNode struct {
	// Host is the inventory's name of the host.
	Host string `yaml:"host"`
	// VVRHost is the name that VVR itself uses for the host in its RDS, often
	// one of a replication network. The site's name by default.
	VVRHost   string        `yaml:"vvr_host"`
	DiskGroup string        `yaml:"disk_group"`
	RVG       string        `yaml:"rvg"`
	Bin       string        `yaml:"bin"`
	VCSBin    string        `yaml:"vcs_bin"`
	Snapshot  *snapshotNode `yaml:"snapshot"`
}

// snapshotNode are the operator's own commands for a snapshot of the data
// volumes. Both get the run's ID as their last argument.
type snapshotNode struct {
	Take  []string `yaml:"take"`
	Check []string `yaml:"check"`
}

// systemNode is the node "vvr" of a system.
type systemNode struct {
	DiskGroup string `yaml:"disk_group"`
	RVG       string `yaml:"rvg"`
	Bin       string `yaml:"bin"`
	VCSBin    string `yaml:"vcs_bin"`
	Sudo      bool   `yaml:"sudo"`
	// Order is "protect" (replication starts, and further Secondaries are
	// synchronised, before and after the outage) or "manual" (in the order of
	// the manual's Example 3 and 4, within the outage).
	Order string `yaml:"order"`
	// FastFailback is "on", "auto" (-autofb) or "off" (-N).
	FastFailback      string `yaml:"fast_failback"`
	SnapshotCache     string `yaml:"snapshot_cache"`
	SnapshotCachesize string `yaml:"snapshot_cachesize"`
	// Reseed is "full" or "autosync".
	Reseed string `yaml:"reseed"`
	// MaxBehindMB refuses a planned takeover of a Secondary further behind.
	MaxBehindMB int64 `yaml:"max_behind_mb"`
	// SRLStopPercent is how full the SRL may get during a synchronisation.
	SRLStopPercent int64 `yaml:"srl_stop_percent"`
}

// The values of the settings that choose a form.
const (
	orderProtect = "protect"
	orderManual  = "manual"

	fastOn   = "on"
	fastAuto = "auto"
	fastOff  = "off"

	reseedFull     = "full"
	reseedAutosync = "autosync"
)

var (
	// object is a name of VxVM: at most 31 characters (VxVM's limit).
	object    = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,30}$`)
	hostName  = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.:_-]{0,252}[A-Za-z0-9])?$`)
	cacheSize = regexp.MustCompile(`^[1-9][0-9]{0,11}[kmgtKMGT]?$`)
	plainWord = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]{1,200}$`)
)

// Adapter is the VVR adapter.
type Adapter struct{}

// New gives the adapter.
func New() kit.Adapter { return Adapter{} }

// Product is "vvr".
func (Adapter) Product() string { return "vvr" }

// Decode reads the system's nodes.
func (Adapter) Decode(e kit.Entry) (kit.System, error) {
	s := &system{name: e.Name}
	if err := s.decodeSettings(e); err != nil {
		return nil, err
	}
	if err := e.TwoSites(); err != nil {
		return nil, err
	}
	hosts, vvrHosts := map[string]string{}, kit.Distinct{}
	for _, se := range e.Sites {
		st, err := s.decodeSite(e, se)
		if err != nil {
			return nil, err
		}
		if other, ok := hosts[st.Place.Host]; ok {
			return nil, se.Node.Complain("host", "the sites %s and %s are the same host %q", other, se.Name, st.Place.Host)
		}
		if err := vvrHosts.Add(se, "vvr_host", st.Place.VVRHost); err != nil {
			return nil, err
		}
		hosts[st.Place.Host] = se.Name
		s.sites = append(s.sites, st)
	}
	return s, nil
}

func (s *system) decodeSettings(e kit.Entry) error {
	v := systemNode{}
	if err := e.Settings(&v); err != nil {
		return err
	}
	v.defaults()
	for field, val := range map[string]string{"bin": v.Bin, "vcs_bin": v.VCSBin} {
		if !kit.PlainPath(val) {
			return e.Complain(field, "%s is %q: it must be a plain absolute path", field, dr.Clip(val, 80))
		}
	}
	for field, val := range map[string]string{"disk_group": v.DiskGroup, "rvg": v.RVG, "snapshot_cache": v.SnapshotCache} {
		if val != "" && !object.MatchString(val) {
			return e.Complain(field, "%s %q is no name of a VxVM object", field, dr.Clip(val, 80))
		}
	}
	for _, c := range []struct {
		field, value string
		allowed      []string
	}{
		{"order", v.Order, []string{orderProtect, orderManual}},
		{"fast_failback", v.FastFailback, []string{fastOn, fastAuto, fastOff}},
		{"reseed", v.Reseed, []string{reseedFull, reseedAutosync}},
	} {
		if err := oneOf(c.value, c.allowed); err != "" {
			return e.Complain(c.field, "%s is %q, not %s", c.field, dr.Clip(c.value, 40), err)
		}
	}
	if v.SnapshotCachesize != "" && !cacheSize.MatchString(v.SnapshotCachesize) {
		return e.Complain("snapshot_cachesize", "snapshot_cachesize %q is no size such as 2g", dr.Clip(v.SnapshotCachesize, 40))
	}
	if v.SnapshotCache != "" && v.SnapshotCachesize != "" {
		return e.Complain("snapshot_cachesize", "give snapshot_cache or snapshot_cachesize, not both")
	}
	if v.MaxBehindMB < 0 {
		return e.Complain("max_behind_mb", "max_behind_mb cannot be negative")
	}
	if v.SRLStopPercent < 10 || v.SRLStopPercent > 95 {
		return e.Complain("srl_stop_percent", "srl_stop_percent is %d: it must be 10 to 95", v.SRLStopPercent)
	}
	s.set = v
	return nil
}

func (v *systemNode) defaults() {
	kit.Default(&v.Bin, "/usr/sbin")
	kit.Default(&v.VCSBin, "/opt/VRTSvcs/bin")
	kit.Default(&v.Order, orderProtect)
	kit.Default(&v.FastFailback, fastOn)
	kit.Default(&v.Reseed, reseedFull)
	kit.Default(&v.MaxBehindMB, 256)
	kit.Default(&v.SRLStopPercent, 80)
}

// oneOf gives the allowed words when v is none of them.
func oneOf(v string, allowed []string) string {
	text := ""
	for i, a := range allowed {
		if v == a {
			return ""
		}
		if i > 0 {
			text += " or "
		}
		text += `"` + a + `"`
	}
	return text
}

func (s *system) decodeSite(e kit.Entry, se kit.SiteEntry) (site, error) {
	var v siteNode
	if err := e.SiteSettings(se, &v); err != nil {
		return site{}, err
	}
	if err := e.KnownHost(se, v.Host); err != nil {
		return site{}, err
	}
	kit.Default(&v.VVRHost, se.Name)
	kit.Default(&v.DiskGroup, s.set.DiskGroup)
	kit.Default(&v.RVG, s.set.RVG)
	kit.Default(&v.Bin, s.set.Bin)
	kit.Default(&v.VCSBin, s.set.VCSBin)
	if !hostName.MatchString(v.VVRHost) {
		return site{}, se.Node.Complain("vvr_host", "vvr_host of the site %s is %q: it must be the host name that vradmin printrvg shows", se.Name, dr.Clip(v.VVRHost, 80))
	}
	for field, val := range map[string]string{"disk_group": v.DiskGroup, "rvg": v.RVG} {
		if !object.MatchString(val) {
			return site{}, se.Node.Complain(field, "%s of the site %s is %q: it must be the name of a VxVM object", field, se.Name, dr.Clip(val, 80))
		}
	}
	if err := kit.Checks(se.NeedPath("bin", v.Bin), se.NeedPath("vcs_bin", v.VCSBin)); err != nil {
		return site{}, err
	}
	if v.Snapshot != nil {
		for field, argv := range map[string][]string{"take": v.Snapshot.Take, "check": v.Snapshot.Check} {
			if !plainWords(argv) {
				return site{}, se.Node.Complain("snapshot."+field, "snapshot.%s of the site %s must be a program with its arguments, in plain words", field, se.Name)
			}
		}
	}
	return site{Name: se.Name, Snapshot: v.Snapshot, Place: Place{
		Site: se.Name, Host: v.Host, VVRHost: v.VVRHost, DG: v.DiskGroup, RVG: v.RVG, Bin: v.Bin, VCSBin: v.VCSBin, Sudo: s.set.Sudo, System: s.name,
	}}, nil
}

func plainWords(argv []string) bool {
	for _, a := range argv {
		if !plainWord.MatchString(a) {
			return false
		}
	}
	return len(argv) > 0
}
