package hana

import (
	"fmt"
	"strings"

	"github.com/switchback-dr/switchback/dr"
)

// pair is one line of a program's --sapcontrol=1 form. Keys hold blanks and
// repeat, so a list is kept and never a map.
type pair struct{ key, value string }

const (
	frameBegin = "SAPCONTROL-OK: <begin>"
	frameEnd   = "SAPCONTROL-OK: <end>"
)

// parseFrame gives the pairs between the begin and the end line. Without an end
// the answer is not complete, whatever it says.
func parseFrame(out string) ([]pair, error) {
	var pairs []pair
	inside, ended := false, false
	for line := range strings.Lines(out) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case line == frameBegin && !inside && !ended:
			inside = true
		case line == frameBegin:
			return nil, fmt.Errorf("it begins twice")
		case line == frameEnd && inside:
			inside, ended = false, true
		case line == frameEnd:
			return nil, fmt.Errorf("it ends without a beginning")
		case inside && strings.TrimSpace(line) != "":
			key, value, ok := strings.Cut(line, "=")
			if !ok || strings.TrimSpace(key) == "" {
				return nil, fmt.Errorf("the line %q has no =", dr.Clip(line, 80))
			}
			pairs = append(pairs, pair{strings.TrimSpace(key), strings.TrimSpace(value)})
		}
	}
	if !ended {
		return nil, fmt.Errorf("the answer is cut off: its end line is missing")
	}
	return pairs, nil
}

// State is what hdbnsutil -sr_state or -sr_stateConfiguration said.
type State struct {
	Online dr.Tri `json:"online"`
	// Mode is primary, sync, syncmem, async or none: by the files, so that a
	// stopped old primary still says primary.
	Mode      string `json:"mode,omitempty"`
	Operation string `json:"operation,omitempty"`
	SiteID    string `json:"site_id,omitempty"`
	SiteName  string `json:"site_name,omitempty"`
	// TakeoverActive, Suspended and HasConsumers are unknown when the revision
	// does not print them.
	TakeoverActive dr.Tri `json:"takeover_active"`
	Suspended      dr.Tri `json:"suspended"`
	HasConsumers   dr.Tri `json:"has_consumers"`
	// Masters are the primary's master hosts, as a secondary knows them.
	Masters []string `json:"masters,omitempty"`
	// Links are the site mapping: who feeds whom.
	Links []Link `json:"links,omitempty"`
	// Modes and Operations are per site name, as a primary tells them.
	Modes      map[string]string `json:"modes,omitempty"`
	Operations map[string]string `json:"operations,omitempty"`
	Tiers      map[string]string `json:"tiers,omitempty"`
}

// Link says that one site feeds another, by their replication names.
type Link struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// ParseState reads the --sapcontrol=1 form of hdbnsutil's states.
func ParseState(out string) (State, error) {
	pairs, err := parseFrame(out)
	if err != nil {
		return State{}, err
	}
	s := State{Modes: map[string]string{}, Operations: map[string]string{}, Tiers: map[string]string{}}
	seen := map[string]string{}
	for _, p := range pairs {
		if !strings.Contains(p.key, "/") {
			if old, ok := seen[p.key]; ok && old != p.value {
				return State{}, fmt.Errorf("%s stands twice, as %q and %q", p.key, dr.Clip(old, 40), dr.Clip(p.value, 40))
			}
			seen[p.key] = p.value
		}
		if err := s.put(p); err != nil {
			return State{}, err
		}
	}
	if s.Mode == "" {
		return State{}, fmt.Errorf("it names no mode")
	}
	return s, nil
}

func (s *State) put(p pair) (err error) {
	switch p.key {
	case "online":
		s.Online, err = truth(p)
	case "mode":
		if p.value != "primary" && p.value != "none" && !replModes[p.value] {
			return fmt.Errorf("the mode %q is not recognised", dr.Clip(p.value, 40))
		}
		s.Mode = p.value
	case "operation mode":
		s.Operation = dr.Clip(p.value, 40)
	case "site id":
		s.SiteID = dr.Clip(p.value, 20)
	case "site name":
		s.SiteName = dr.Clip(p.value, 80)
	case "isTakeoverActive":
		s.TakeoverActive, err = truth(p)
	case "isPrimarySuspended":
		s.Suspended, err = truth(p)
	case "hasConsumers":
		s.HasConsumers, err = truth(p)
	case "primary masters":
		s.Masters = strings.Fields(dr.Clip(p.value, 500))
	default:
		s.putSite(p)
	}
	return err
}

// putSite takes the keys that hold a site's name; others are of no concern.
func (s *State) putSite(p pair) {
	kind, site, ok := strings.Cut(p.key, "/")
	if !ok || len(s.Links)+len(s.Modes) > 200 {
		return
	}
	switch kind {
	case "siteReplicationMode":
		s.Modes[site] = p.value
	case "siteOperationMode":
		s.Operations[site] = p.value
	case "siteTier":
		s.Tiers[site] = p.value
	case "siteMapping":
		s.Links = append(s.Links, Link{From: site, To: p.value})
	}
}

func truth(p pair) (dr.Tri, error) {
	switch p.value {
	case "true":
		return dr.Yes, nil
	case "false":
		return dr.No, nil
	case "unknown":
		return dr.Unknown, nil
	}
	return dr.Unknown, fmt.Errorf("%s is %q, not true, false or unknown", p.key, dr.Clip(p.value, 40))
}

// Source gives the site that feeds the named one, "" when not told.
func (s State) Source(name string) string {
	for _, l := range s.Links {
		if l.To == name {
			return l.From
		}
	}
	return ""
}
