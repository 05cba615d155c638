package instance

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"time"
)

// Arguments and results of the daemon's operations; programs fill them from
// their command lines.
type (
	// Nothing has no arguments.
	Nothing struct{}
	// Done is a result without content.
	Done struct{}
	// EnableArgs are those of -sr_enable.
	EnableArgs struct {
		Name string `json:"name"`
	}
	// UnregisterArgs are those of -sr_unregister.
	UnregisterArgs struct {
		ID   int    `json:"id"`
		Name string `json:"name"`
	}
	// TakeoverArgs are those of -sr_takeover; MaxWait is in HANA's seconds.
	TakeoverArgs struct {
		SuspendPrimary bool `json:"suspend_primary"`
		MaxWait        int  `json:"max_wait"`
	}
	// FullSyncArgs are those of -sr_fullsync.
	FullSyncArgs struct {
		On bool `json:"on"`
	}
	// ModeArgs are those of -sr_changemode, with the site that it is about.
	ModeArgs struct {
		Mode string `json:"mode"`
		Site string `json:"site,omitempty"`
	}
	// InitializeArgs are those of -sr_initialize.
	InitializeArgs struct {
		Database string `json:"database"`
		Volume   int    `json:"volume"`
	}
	// Reregister tells a secondary of another site its new source.
	Reregister struct {
		SourceID int     `json:"source_id"`
		Master   string  `json:"master"`
		Sites    []Known `json:"sites"`
	}
)

// RegisterArgs is what a site tells its source in -sr_register.
type RegisterArgs struct {
	Name          string   `json:"name"`
	Mode          string   `json:"mode"`
	OperationMode string   `json:"operation_mode"`
	Hosts         []string `json:"hosts"`
	SID           string   `json:"sid"`
	Number        string   `json:"number"`
	SSFS          []string `json:"ssfs"`
}

// Registered is the source's answer.
type Registered struct {
	ID       int     `json:"id"`
	SourceID int     `json:"source_id"`
	Sites    []Known `json:"sites"`
}

// Registration is a registration that the source has accepted.
type Registration struct {
	RegisterArgs
	Registered
	Master string `json:"master"`
	Force  bool   `json:"force"`
}

// Registered writes an accepted registration into the site's files.
func (c Config) Registered(r Registration) error {
	done, err := filepath.Glob(filepath.Join(c.Data(), "*/*/*.full-done"))
	if err != nil {
		return err
	}
	for _, old := range done {
		if err := os.Remove(old); err != nil {
			return err
		}
	}
	_, err = c.Update(func(s *Site) error {
		source := s.Source
		s.Mode, s.OperationMode, s.ID, s.Name = r.Mode, r.OperationMode, r.ID, r.Name
		s.Masters = []string{r.Master}
		s.Topology = Topology{Sites: r.Sites, ForceFull: r.Force, Registered: time.Now().UTC(), Source: source && len(s.Topology.Targets(r.ID)) > 0}
		return nil
	})
	return err
}

// SSFSSums are the checksums of the files that all sites must have in common.
func (c Config) SSFSSums() ([]string, error) {
	var all []string
	for _, name := range c.SSFS() {
		b, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(b)
		all = append(all, hex.EncodeToString(sum[:]))
	}
	return all, nil
}

// Enable makes a site the primary of system replication.
func (s *Site) Enable(name string, hosts []string) error {
	if s.Mode == ModePrimary {
		if name != "" && name != s.Name {
			return Fail(1, "%s", Text("enable-again"))
		}
		return nil
	}
	if err := CheckSiteName(name); err != nil {
		return err
	}
	id := 1
	s.Mode, s.OperationMode, s.ID, s.Name, s.Source = ModePrimary, OperationPrimary, id, name, true
	s.Put(Known{ID: id, Name: name, Mode: ModePrimary, OperationMode: OperationPrimary, Hosts: hosts})
	return nil
}

// Clear removes all of system replication from the site.
func (s *Site) Clear() {
	s.Mode, s.OperationMode, s.ID, s.Name, s.Masters = ModeNone, "", 0, "", nil
	s.Topology = Topology{}
}

// BecomePrimary is a takeover in the site's files.
func (s *Site) BecomePrimary(t Takeover) {
	s.Mode, s.OperationMode, s.Masters = ModePrimary, OperationPrimary, nil
	s.Source, s.Suspended, s.ForceFull, s.Pending, s.LastTakeover = true, false, false, &t, t.ID
	if own := s.ByID(s.ID); own != nil {
		own.Mode, own.OperationMode, own.Source = ModePrimary, OperationPrimary, 0
	}
	s.Drop(t.SourceID)
}

// CheckSiteName refuses names that are no site names: 2 to 32 characters, a
// letter or a digit first, then also - and _.
func CheckSiteName(name string) error {
	ok := len(name) >= 2 && len(name) <= 32
	for i, c := range name {
		alpha := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !alpha && (i == 0 || c != '-' && c != '_') {
			ok = false
		}
	}
	if !ok {
		return Fail(1, "%s", Text("site-name"))
	}
	return nil
}
