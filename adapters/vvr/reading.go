package vvr

import (
	"slices"
	"strings"

	"github.com/switchback-dr/switchback/dr"
)

// Reading is what one round trip to one host found. A nil part was not read or
// not recognised; Text then says why. It is the Detail of a site's situation,
// so its JSON is kept small.
type Reading struct {
	// Imported says whether the disk group is imported on the host.
	Imported dr.Tri `json:"imported"`
	RVG      *RVG   `json:"rvg,omitempty"`
	// RLinks are those of the RVG.
	RLinks []RLink `json:"rlinks,omitempty"`
	// Links is what vxrlink status said on a Primary, by RLINK.
	Links []LinkStatus `json:"links,omitempty"`
	// Checkpoints is nil when the list was not read; it exists on a Primary.
	Checkpoints *[]Checkpoint `json:"checkpoints,omitempty"`
	// RDS is vradmin's configuration; nil when vradmind gave none.
	RDS *RDS `json:"rds,omitempty"`
	// Vradmind is no only when vradmin said that its server does not run.
	Vradmind dr.Tri       `json:"vradmind"`
	Rep      []RepStatus  `json:"rep,omitempty"`
	Volumes  *[]VolumeRow `json:"volumes,omitempty"`
	Holders  []string     `json:"holders,omitempty"`
	// Updates is the raw answer of vxrlink updates: no public source says how
	// it is laid out, so nobody compares it but people.
	Updates []string `json:"updates,omitempty"`
	// Managed names the VCS resources of type RVGPrimary whose group is not
	// frozen.
	Managed []string `json:"managed,omitempty"`
	// Marks are what actions of this system left beside the job directory.
	Marks []Mark `json:"marks,omitempty"`
	// Text holds the complaints of tools, by section.
	Text map[string]string `json:"text,omitempty"`
}

// RVG is a replicated volume group's record (vxprint -l).
type RVG struct {
	// Role is "primary" or "secondary".
	Role string `json:"role"`
	// Open says whether any of its data volumes is open.
	Open bool `json:"open"`
	// Kernel is "ENABLED" when the volumes can be used.
	Kernel  string   `json:"kernel"`
	State   string   `json:"state"`
	Flags   []string `json:"flags"`
	Volumes []string `json:"volumes,omitempty"`
	SRL     string   `json:"srl,omitempty"`
}

// Has says whether a flag is set.
func (r RVG) Has(flag string) bool { return slices.Contains(r.Flags, flag) }

// RLink is one end of a link (vxprint -Pl).
type RLink struct {
	Name   string `json:"name"`
	Remote string `json:"remote"`
	// RemoteRVG is not shown by VxVM; RemoteDG is.
	RemoteDG string   `json:"remote_dg,omitempty"`
	Local    string   `json:"local,omitempty"`
	State    string   `json:"state,omitempty"`
	SRLProt  string   `json:"srlprot,omitempty"`
	Flags    []string `json:"flags"`
}

// Has says whether a flag is set.
func (l RLink) Has(flag string) bool { return slices.Contains(l.Flags, flag) }

// linkKind is what vxrlink status can say.
type linkKind string

const (
	linkUpToDate    linkKind = "up_to_date"
	linkOutstanding linkKind = "outstanding"
	linkAutosync    linkKind = "autosync"
	linkDCM         linkKind = "dcm"
)

// LinkStatus is one answer of vxrlink status.
type LinkStatus struct {
	RLink string   `json:"rlink"`
	Kind  linkKind `json:"kind"`
	// Writes and KB are what the Secondary does not have yet; Percent is how
	// full of them the SRL is. -1 when the line does not say.
	Writes  int64 `json:"writes"`
	KB      int64 `json:"kb"`
	Percent int64 `json:"percent"`
}

// checkpointState is the life of a checkpoint.
type checkpointState string

const (
	cpStarted    checkpointState = "started"
	cpCompleted  checkpointState = "completed"
	cpOverflowed checkpointState = "overflowed"
	// cpOther is a state that was not recognised.
	cpOther checkpointState = "unknown"
)

// Checkpoint is one mark in the Primary's SRL (vxrvg cplist).
type Checkpoint struct {
	Name    string          `json:"name"`
	Percent int64           `json:"percent"`
	State   checkpointState `json:"state"`
}

// RDS is what vradmin printrvg shows.
type RDS struct {
	Hosts  []RDSHost     `json:"hosts"`
	Errors []ConfigError `json:"errors,omitempty"`
	Bunker bool          `json:"bunker,omitempty"`
}

// RDSHost is one host of an RDS by VVR's own name.
type RDSHost struct {
	Primary     bool   `json:"primary,omitempty"`
	Unreachable bool   `json:"unreachable,omitempty"`
	Name        string `json:"name"`
	RVG         string `json:"rvg"`
	DG          string `json:"disk_group"`
	Local       bool   `json:"local,omitempty"`
}

// ConfigError is one configuration error of an RDS.
type ConfigError struct {
	Host string `json:"host"`
	Text string `json:"text"`
}

// RepStatus is one Secondary of vradmin repstatus, for people and for the
// data status.
type RepStatus struct {
	Host        string `json:"host"`
	Data        string `json:"data"`
	Replication string `json:"replication"`
	Logging     string `json:"logging,omitempty"`
	Timestamp   string `json:"timestamp,omitempty"`
}

// VolumeRow is one data volume of vradmin printvol on the hosts that it names.
type VolumeRow struct {
	// Hosts are VVR's names of the columns, Names the volume's name on each.
	Hosts []string `json:"hosts"`
	Names []string `json:"names"`
	// Sizes are in sectors; -1 where the host did not tell.
	Sizes []int64 `json:"sizes"`
	DCM   []bool  `json:"dcm"`
}

// Mark is a file of an action of some run: "<system>-<run>-<what>".
type Mark struct {
	Name string `json:"name"`
	Text string `json:"text,omitempty"`
}

const (
	rolePrimary   = "primary"
	roleSecondary = "secondary"
	kernelEnabled = "ENABLED"

	flagActing   = "acting_secondary"
	flagFailback = "failback_logging"
	flagDCM      = "dcm_logging"
	flagAttached = "attached"
)

// Acting says whether the host is an original Primary that has seen a takeover
// with fast failback.
func (r Reading) Acting() bool { return r.RVG != nil && r.RVG.Has(flagActing) }

// IsPrimary says whether the RVG is a Primary that takes part as one.
func (r Reading) IsPrimary() bool {
	return r.RVG != nil && r.RVG.Role == rolePrimary && !r.Acting()
}

// IsSecondary says whether the RVG is a true Secondary.
func (r Reading) IsSecondary() bool {
	return r.RVG != nil && r.RVG.Role == roleSecondary && !r.Acting()
}

// Closed says whether no program has a data volume open.
func (r Reading) Closed() dr.Tri {
	if r.RVG == nil {
		return dr.Unknown
	}
	return dr.TriOf(!r.RVG.Open)
}

// AcceptsWrites says whether clients could commit on the host now. A Primary
// whose volumes are closed counts as one that takes writes, except when VVR
// itself calls it one of two Primaries: then the one that no program has open
// is the one that came back, and is no second primary as long as it is closed.
func (r Reading) AcceptsWrites() dr.Tri {
	switch {
	case r.Imported == dr.No:
		return dr.No // without its disk group there is nothing to write to
	case r.RVG == nil:
		return dr.Unknown
	case r.RVG.Role == roleSecondary || r.Acting() || r.RVG.Kernel != kernelEnabled:
		return dr.No
	case r.RVG.Open:
		return dr.Yes
	}
	if _, ok := r.PrimaryPrimary(); ok {
		return dr.No
	}
	return dr.Yes
}

// LocalName is the name that VVR uses for the host itself.
func (r Reading) LocalName() string {
	if r.RDS != nil {
		for _, h := range r.RDS.Hosts {
			if h.Local {
				return h.Name
			}
		}
	}
	return ""
}

// PrimaryPrimary gives the name of the other Primary as VVR's configuration
// error shows it: the name that makesec wants.
func (r Reading) PrimaryPrimary() (string, bool) {
	if r.RDS == nil {
		return "", false
	}
	local, name := r.LocalName(), ""
	for _, e := range r.RDS.Errors {
		if !isPrimaryPrimary(e.Text) || e.Host == local {
			continue
		}
		if name != "" && name != e.Host {
			return "", true
		}
		name = e.Host
	}
	if name != "" {
		return name, true
	}
	for _, e := range r.RDS.Errors {
		if isPrimaryPrimary(e.Text) {
			return "", true
		}
	}
	return "", false
}

func isPrimaryPrimary(text string) bool {
	return strings.Contains(strings.ToLower(text), "primary-primary")
}

// LinkTo finds the RLINK whose other end is one of the given names.
func (r Reading) LinkTo(names ...string) (RLink, bool) {
	for _, l := range r.RLinks {
		if l.Remote != "" && slices.Contains(names, l.Remote) {
			return l, true
		}
	}
	return RLink{}, false
}

// Link gives vxrlink's answer for an RLINK.
func (r Reading) Link(name string) (LinkStatus, bool) {
	for _, l := range r.Links {
		if l.RLink == name {
			return l, true
		}
	}
	return LinkStatus{}, false
}

// Checkpoint finds a checkpoint; read is false when the list is not known.
func (r Reading) Checkpoint(name string) (c Checkpoint, found, read bool) {
	if r.Checkpoints == nil {
		return Checkpoint{}, false, false
	}
	for _, c := range *r.Checkpoints {
		if c.Name == name {
			return c, true, true
		}
	}
	return Checkpoint{}, false, true
}

// SRLPercent is how full the SRL is by the fullest RLINK or checkpoint; -1 when
// nobody says.
func (r Reading) SRLPercent() int64 {
	p := int64(-1)
	for _, l := range r.Links {
		p = max(p, l.Percent)
		if l.Kind == linkUpToDate {
			p = max(p, 0)
		}
	}
	if r.Checkpoints != nil {
		for _, c := range *r.Checkpoints {
			p = max(p, c.Percent)
		}
	}
	return p
}

// HasMark says whether an action of a run left a mark, and what it says.
func (r Reading) HasMark(name string) (string, bool) {
	for _, m := range r.Marks {
		if m.Name == name {
			return m.Text, true
		}
	}
	return "", false
}

// DCMEverywhere says whether every data volume has a DCM on a host, which fast
// failback needs (guide, Taking over from an original Primary).
func (r Reading) DCMEverywhere(host string) dr.Tri {
	return r.everyVolume(func(v VolumeRow) dr.Tri {
		i := slices.Index(v.Hosts, host)
		if i < 0 {
			return dr.Unknown
		}
		return dr.TriOf(v.DCM[i])
	})
}

// SizesEqual says whether the data volumes have equal sizes on two hosts.
func (r Reading) SizesEqual(a, b string) dr.Tri {
	return r.everyVolume(func(v VolumeRow) dr.Tri {
		i, k := slices.Index(v.Hosts, a), slices.Index(v.Hosts, b)
		if i < 0 || k < 0 || v.Sizes[i] < 0 || v.Sizes[k] < 0 {
			return dr.Unknown
		}
		return dr.TriOf(v.Sizes[i] == v.Sizes[k])
	})
}

// everyVolume asks of every data volume of the RVG, by name, in the rows that
// tell of it. A volume that no row tells of is unknown.
func (r Reading) everyVolume(ask func(VolumeRow) dr.Tri) dr.Tri {
	if r.Volumes == nil || r.RVG == nil || len(r.RVG.Volumes) == 0 {
		return dr.Unknown
	}
	all := dr.Yes
	for _, name := range r.RVG.Volumes {
		found := dr.Unknown
		for _, v := range *r.Volumes {
			if !slices.Contains(v.Names, name) {
				continue
			}
			if t := ask(v); t != dr.Unknown {
				found = t
			}
			if found == dr.No {
				break
			}
		}
		all = all.And(found)
	}
	return all
}

// ConfigError gives the first configuration error that concerns one of the
// hosts, or any Primary-Primary configuration.
func (r Reading) ConfigError(hosts ...string) (ConfigError, bool) {
	if r.RDS == nil {
		return ConfigError{}, false
	}
	for _, e := range r.RDS.Errors {
		if isPrimaryPrimary(e.Text) || slices.Contains(hosts, e.Host) {
			return e, true
		}
	}
	return ConfigError{}, false
}
