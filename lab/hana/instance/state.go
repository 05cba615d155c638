package instance

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// Modes of a site in system replication.
const (
	ModeNone    = "none"
	ModePrimary = "primary"
	ModeSync    = "sync"
	ModeSyncmem = "syncmem"
	ModeAsync   = "async"
)

// Operation modes of a secondary.
const (
	OperationPrimary    = "primary"
	OperationReplay     = "logreplay"
	OperationReadAccess = "logreplay_readaccess"
	OperationDelta      = "delta_datashipping"
)

// Site is what a site's files say about itself: its own part of global.ini, and
// the topology.
type Site struct {
	// Mode, OperationMode, ID and Name are those of global.ini, Mode being
	// actual_mode. A site in mode none has ID 0 and no name.
	Mode          string
	OperationMode string
	ID            int
	Name          string
	// Masters are the hosts of the source site with their nameserver ports.
	Masters []string
	Topology
	ini Ini
}

// Topology is what a nameserver keeps in its own persistence.
type Topology struct {
	// Sites are all sites that this one knows of, itself included.
	Sites []Known `json:"sites"`
	// Source says that secondaries may register here (-sr_enable).
	Source bool `json:"source"`
	// Suspended is set on a primary that a takeover with handshake has
	// suspended.
	Suspended bool `json:"suspended"`
	// ForceFull asks for a full replica at the next connect; Registered is
	// when the site was last registered.
	ForceFull  bool      `json:"force_full,omitempty"`
	Registered time.Time `json:"registered,omitzero"`
	// Pending is a takeover whose rows are not written yet: the site is
	// primary by its files, and finishes it at its next start.
	Pending *Takeover `json:"pending,omitempty"`
	// LastTakeover is the ID of the site's last takeover: its log's name.
	LastTakeover string `json:"last_takeover,omitempty"`
	// FullSync is the full sync option.
	FullSync bool `json:"full_sync,omitempty"`
}

// Known is a site as another one knows it.
type Known struct {
	ID            int      `json:"id"`
	Name          string   `json:"name"`
	Mode          string   `json:"mode"`
	OperationMode string   `json:"operation_mode"`
	Source        int      `json:"source,omitempty"`
	Hosts         []string `json:"hosts"`
	// Gone is a site whose replication ended (it was the primary before a
	// takeover, or was unregistered): its number stays its own.
	Gone bool `json:"gone,omitempty"`
	// Primary is set by a nameserver that has learnt from the site itself
	// that it is a primary.
	Primary bool `json:"primary,omitempty"`
}

// Takeover is a takeover that has been decided.
type Takeover struct {
	ID      string    `json:"id"`
	Type    string    `json:"type"` // ONLINE, OFFLINE
	Started time.Time `json:"started"`
	// What the site was before.
	SourceID      int    `json:"source_id"`
	SourceName    string `json:"source_name"`
	SourceHost    string `json:"source_host"`
	Mode          string `json:"mode"`
	OperationMode string `json:"operation_mode"`
	Status        string `json:"status"`
}

// Secondary says whether the site is a secondary.
func (s Site) Secondary() bool {
	return s.Mode == ModeSync || s.Mode == ModeSyncmem || s.Mode == ModeAsync
}

// Find gives a known site by its name.
func (t Topology) Find(name string) *Known {
	for i := range t.Sites {
		if t.Sites[i].Name == name {
			return &t.Sites[i]
		}
	}
	return nil
}

// ByID gives a known site by its number.
func (t Topology) ByID(id int) *Known {
	for i := range t.Sites {
		if t.Sites[i].ID == id {
			return &t.Sites[i]
		}
	}
	return nil
}

// Targets are the sites that a site feeds.
func (t Topology) Targets(id int) []Known {
	var all []Known
	for _, k := range t.Sites {
		if k.Source == id && !k.Gone {
			all = append(all, k)
		}
	}
	return all
}

// NextID is the lowest number that no site has had.
func (t Topology) NextID() int {
	for id := 1; ; id++ {
		if t.ByID(id) == nil {
			return id
		}
	}
}

// Drop forgets that a site is fed from anywhere; its number stays its own.
func (t *Topology) Drop(id int) {
	for i := range t.Sites {
		if t.Sites[i].ID == id {
			t.Sites[i].Gone, t.Sites[i].Source = true, 0
		}
	}
}

// Put adds a site or replaces what is known of it.
func (t *Topology) Put(k Known) {
	if at := t.ByID(k.ID); at != nil {
		*at = k
		return
	}
	t.Sites = append(t.Sites, k)
	slices.SortFunc(t.Sites, func(a, b Known) int { return a.ID - b.ID })
}

// Sections of global.ini.
const (
	sectionSR      = "system_replication"
	sectionMasters = "system_replication_site_masters"
)

func (c Config) topologyFile() string {
	return filepath.Join(c.Data(), "mnt00001/hdb00001/topology.json")
}

// Load reads the site's files. Readers need no lock: each file is replaced in
// one step, and the ini file decides.
func (c Config) Load() (Site, error) {
	s := Site{Mode: ModeNone}
	var err error
	if s.ini, err = ReadIni(c.GlobalIni()); err != nil {
		return s, err
	}
	sr := s.ini.Section(sectionSR)
	if sr["actual_mode"] != "" {
		s.Mode = sr["actual_mode"]
	}
	s.OperationMode, s.Name = sr["operation_mode"], sr["site_name"]
	if s.Mode == ModePrimary {
		s.OperationMode = OperationPrimary
	}
	s.ID, _ = strconv.Atoi(sr["site_id"])
	masters := s.ini.Section(sectionMasters)
	for i := 1; masters[strconv.Itoa(i)] != ""; i++ {
		s.Masters = append(s.Masters, masters[strconv.Itoa(i)])
	}
	b, err := os.ReadFile(c.topologyFile())
	if os.IsNotExist(err) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(b, &s.Topology); err != nil {
		return s, fmt.Errorf("the topology of %s is damaged: %w", c.Host, err)
	}
	return s, nil
}

// Parameter gives a parameter of the site's section system_replication, or its
// default.
func (s Site) Parameter(name, otherwise string) string {
	if v := s.ini.Get(sectionSR, name); v != "" {
		return v
	}
	return otherwise
}

// Update changes the site's files under their lock. The topology is written
// first and global.ini last: its mode is what counts after a crash in between.
func (c Config) Update(change func(*Site) error) (Site, error) {
	if err := os.MkdirAll(filepath.Dir(c.topologyFile()), 0o755); err != nil {
		return Site{}, err
	}
	lock, err := os.OpenFile(c.topologyFile()+".lock", os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return Site{}, err
	}
	defer func() { _ = lock.Close() }()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return Site{}, err
	}
	s, err := c.Load()
	if err != nil {
		return s, err
	}
	if err := change(&s); err != nil {
		return s, err
	}
	b, err := json.MarshalIndent(s.Topology, "", "  ")
	if err != nil {
		return s, err
	}
	if err := replace(c.topologyFile(), append(b, '\n'), 0o644); err != nil {
		return s, err
	}
	before := s.ini.String()
	s.store()
	if after := s.ini.String(); after != before {
		return s, replace(c.GlobalIni(), []byte(after), 0o644)
	}
	return s, nil
}

// store writes the site's own part into its ini file.
func (s *Site) store() {
	s.ini.Clear(sectionMasters)
	if s.Mode == ModeNone {
		for _, key := range []string{"mode", "actual_mode", "site_id", "site_name", "timetravel_logreplay_mode"} {
			s.ini.Set(sectionSR, key, "")
		}
		return
	}
	s.ini.Set(sectionSR, "mode", s.Mode)
	s.ini.Set(sectionSR, "actual_mode", s.Mode)
	s.ini.Set(sectionSR, "site_id", strconv.Itoa(s.ID))
	s.ini.Set(sectionSR, "site_name", s.Name)
	if s.Secondary() {
		s.ini.Set(sectionSR, "operation_mode", s.OperationMode)
		s.ini.Set(sectionSR, "timetravel_logreplay_mode", "auto")
	}
	for i, m := range s.Masters {
		s.ini.Set(sectionMasters, strconv.Itoa(i+1), m)
	}
}

// SetParameter sets a parameter of the section system_replication.
func (s *Site) SetParameter(name, value string) { s.ini.Set(sectionSR, name, value) }

// ConfiguredMode is the key mode of global.ini, which may be older than
// actual_mode for a while after a takeover.
func (s Site) ConfiguredMode() string { return s.Parameter("mode", s.Mode) }

// Tier is a site's distance from the primary, which has tier 1; 0 when the
// chain of sources is not known.
func (t Topology) Tier(id int) int {
	for tier := 1; tier <= len(t.Sites); tier++ {
		k := t.ByID(id)
		if k == nil {
			return 0
		}
		if k.Source == 0 {
			return tier
		}
		id = k.Source
	}
	return 0
}

// SetAny sets a parameter of any section of global.ini; "" removes it.
func (s *Site) SetAny(section, name, value string) { s.ini.Set(section, name, value) }
