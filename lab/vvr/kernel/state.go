// Package kernel is the VVR kernel of one simulated host with its
// configuration daemon: the only process that touches the volumes, the SRL and
// the state of the RVG. Everything it knows is in files; when it is killed, the
// next one goes on from them.
package kernel

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Role is the RVG's role on this host.
type Role string

// The roles. An acting secondary is a Primary with State.Acting.
const (
	Primary   Role = "primary"
	Secondary Role = "secondary"
)

// Mode says why an RLINK uses the DCM.
type Mode string

// The modes.
const (
	ModeSRL      Mode = ""         // the SRL is used
	ModeAutosync Mode = "autosync" // startrep -a
	ModeOverflow Mode = "overflow" // SRL protection: needs resync
	ModeFailback Mode = "failback" // after takeover: needs fbsync
)

// Limits of VVR.
const (
	MaxCheckpoints    = 46
	MaxCheckpointName = 19
)

// State is everything about the RVG that must survive.
type State struct {
	DG       string   `json:"dg"`
	Deported bool     `json:"deported,omitempty"`
	RVG      string   `json:"rvg"`
	SRL      string   `json:"srl"`
	Volumes  []Volume `json:"volumes"`
	Role     Role     `json:"role"`
	// Acting: an original Primary that learned of a fast-failback takeover.
	// Merged: the new Primary has its map of unsent changes.
	Acting  bool `json:"acting,omitempty"`
	Merged  bool `json:"merged,omitempty"`
	Started bool `json:"started"`
	// Generation names the history of writes that this Primary makes; it is
	// new with every change of role.
	Generation string `json:"generation,omitempty"`
	// TookFrom is the host that this Primary was taken over from, Failback
	// that fast failback was enabled then.
	TookFrom string `json:"took_from,omitempty"`
	Failback bool   `json:"failback,omitempty"`
	// Follows is the Primary whose RLINK is the Secondary's active one.
	Follows string `json:"follows,omitempty"`
	// Before is the state before the first half of a migration to the host
	// MigratesTo whose second half is not known to have been done.
	Before      *State        `json:"before,omitempty"`
	MigratesTo  string        `json:"migrates_to,omitempty"`
	Links       []*Link       `json:"links"`
	Checkpoints []*Checkpoint `json:"checkpoints,omitempty"`
	Tags        int           `json:"tags"`
}

// Volume is one data volume.
type Volume struct {
	Name string `json:"name"`
	Size int64  `json:"size"` // bytes
	DCM  bool   `json:"dcm"`
}

// Link is this host's end of an RLINK.
type Link struct {
	Name       string `json:"name"`
	Remote     string `json:"remote"`
	RemoteName string `json:"remote_name"`
	Attached   bool   `json:"attached"`
	// Removed: the other host is no longer in the RDS (takeover -N).
	Removed         bool `json:"removed,omitempty"`
	PrimaryPaused   bool `json:"primary_paused,omitempty"`
	SecondaryPaused bool `json:"secondary_paused,omitempty"`
	// Consistent is the state of the Secondary's data, as this end knows it.
	Consistent bool `json:"consistent"`
	Mode       Mode `json:"mode,omitempty"`
	// Resync: the DCM is being replayed. AutoFB: fast failback begins by
	// itself; FBWanted: it was asked for.
	Resync   bool `json:"resync,omitempty"`
	AutoFB   bool `json:"autofb,omitempty"`
	FBWanted bool `json:"fb_wanted,omitempty"`
	// Checkpoint is what the Primary RLINK was attached with; until the
	// position Until the Secondary is inconsistent.
	Checkpoint string `json:"checkpoint,omitempty"`
	Until      int64  `json:"until,omitempty"`
	Sync       bool   `json:"sync,omitempty"`
	SRLProt    string `json:"srlprot"`
	// Generation is the history that the Secondary's applied position is of.
	Generation string `json:"generation,omitempty"`

	at position
	// notUntil delays the connection (a fault); current is when the Secondary
	// last had everything.
	notUntil, current time.Time
	// sent counts the regions of this DCM replay.
	sent int
}

// Checkpoint is a mark in the Primary's SRL.
type Checkpoint struct {
	Name       string `json:"name"`
	Start      int64  `json:"start"`
	StartSeq   int64  `json:"start_seq"`
	End        int64  `json:"end,omitempty"`
	Ended      bool   `json:"ended,omitempty"`
	Overflowed bool   `json:"overflowed,omitempty"`
}

// position is how far the Secondary's data are: at the Primary what was
// acknowledged, at the Secondary what was applied.
type position struct{ pos, seq int64 }

// link finds an RLINK by the other host's name.
func (s *State) link(remote string) *Link {
	for _, l := range s.Links {
		if l.Remote == remote {
			return l
		}
	}
	return nil
}

// checkpoint finds a checkpoint.
func (s *State) checkpoint(name string) *Checkpoint {
	for _, c := range s.Checkpoints {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// Config is what the lab tells a host about itself and its peers. It is no
// state of VVR's.
type Config struct {
	// Host is VVR's own name of the host, Site the lab's.
	Host string `json:"host"`
	Site string `json:"site"`
	// IP is the address under which others know the host; Kernel and Admin
	// are where its daemons listen.
	IP     string `json:"ip"`
	Kernel string `json:"kernel"`
	Admin  string `json:"admin"`
	// Shop is where the application listens.
	Shop  string          `json:"shop"`
	Peers map[string]Peer `json:"peers"`
	// Heartbeat is after how much silence an RLINK is disconnected.
	Heartbeat time.Duration `json:"heartbeat"`
	// Pace is how long the comparison or copy of one block takes at least.
	Pace time.Duration `json:"pace"`
	// Block is the size of a region, for checksums and for the DCM, in bytes.
	Block int `json:"block"`
	// SRLSize is the capacity of a new SRL in bytes.
	SRLSize int64 `json:"srl_size"`
	// VerifyExit is the exit status of a verification that finds differences.
	VerifyExit int `json:"verify_exit"`
}

// Peer is another host of the RDS, reached through its site's link.
type Peer struct {
	IP     string `json:"ip"`
	Kernel string `json:"kernel"`
	Admin  string `json:"admin"`
}

// Places below a host's root.
const (
	ConfigFile = "etc/vx/lab.json"
	StateFile  = "etc/vx/rvg.json"
	kernelDir  = "var/vx/kernel"
	// Socket is where the kernel listens for programs of its own host.
	Socket = "var/vx/k.sock"
	// Knobs are the lab's fault switches, one file each.
	Knobs = "var/vx/faults"
)

// ReadConfig reads a host's configuration.
func ReadConfig(root string) (Config, error) {
	var c Config
	b, err := os.ReadFile(filepath.Join(root, ConfigFile))
	if err != nil {
		return c, fmt.Errorf("no configuration: %w", err)
	}
	return c, json.Unmarshal(b, &c)
}

// DevicePath is the device of a volume below a host's root.
func DevicePath(root, dg, volume string) string {
	return filepath.Join(root, "dev/vx/rdsk", dg, volume)
}

// readState reads the state of an RVG.
func readState(root string) (*State, error) {
	var s State
	b, err := os.ReadFile(filepath.Join(root, StateFile))
	if err != nil {
		return nil, fmt.Errorf("no configuration of an RVG: %w", err)
	}
	return &s, json.Unmarshal(b, &s)
}

// WriteState writes a state in one step.
func WriteState(root string, s *State) error {
	b, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		return err
	}
	path := filepath.Join(root, StateFile)
	if err := os.WriteFile(path+".new", append(b, '\n'), 0o644); err != nil {
		return fmt.Errorf("the configuration cannot be written: %w", err)
	}
	return os.Rename(path+".new", path)
}

// positionFile keeps one RLINK's position. It is written for every batch and
// has a fixed size, so that it is never half written.
func positionFile(root, link string) string {
	return filepath.Join(root, kernelDir, link+".pos")
}

func readPosition(root, link string) (position, error) {
	var p position
	b, err := os.ReadFile(positionFile(root, link))
	if errors.Is(err, os.ErrNotExist) {
		return p, nil
	}
	if err != nil {
		return p, err
	}
	_, err = fmt.Sscanf(string(b), "%x %x", &p.pos, &p.seq)
	return p, err
}

func writePosition(root, link string, p position) error {
	f, err := os.OpenFile(positionFile(root, link), os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return fmt.Errorf("the position of %s cannot be kept: %w", link, err)
	}
	_, err = fmt.Fprintf(f, "%016x %016x\n", p.pos, p.seq)
	return errors.Join(err, f.Close())
}
