package vvr

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// settings are the variants of a lab, set by --set NAME=VALUE.
type settings struct {
	// names: "own" gives VVR host names of its own (seattle-rep ...), "same"
	// those of the inventory.
	names string
	// volumes is how many data volumes there are; volumeMB and srlKB are
	// sizes.
	volumes, volumeMB, srlKB int
	blockKB                  int
	srlprot                  string
	dcm, mesh, autostart     bool
	heartbeat, pace          time.Duration
	verifyExit               int
	vcs                      string
	// inventory are fields that are only passed on to the inventory.
	inventory map[string]any
}

// field reads one setting.
type field func(s *settings, value string) error

// fields are the settings by name.
var fields = map[string]field{
	"names":       word(func(s *settings) *string { return &s.names }, "own", "same"),
	"volumes":     number(func(s *settings) *int { return &s.volumes }, 1, 8),
	"volume-mb":   number(func(s *settings) *int { return &s.volumeMB }, 1, 1024),
	"srl-kb":      number(func(s *settings) *int { return &s.srlKB }, 64, 1<<20),
	"block-kb":    number(func(s *settings) *int { return &s.blockKB }, 4, 1024),
	"verify-exit": number(func(s *settings) *int { return &s.verifyExit }, 0, 1),
	"srlprot":     word(func(s *settings) *string { return &s.srlprot }, "autodcm", "dcm", "override", "off"),
	"dcm":         toggle(func(s *settings) *bool { return &s.dcm }),
	"mesh":        toggle(func(s *settings) *bool { return &s.mesh }),
	"autostart":   toggle(func(s *settings) *bool { return &s.autostart }),
	"heartbeat":   duration(func(s *settings) *time.Duration { return &s.heartbeat }),
	"pace":        duration(func(s *settings) *time.Duration { return &s.pace }),
	"vcs":         word(func(s *settings) *string { return &s.vcs }, "off", "on", "frozen"),

	"order":            passed("order"),
	"fast_failback":    passed("fast_failback"),
	"reseed":           passed("reseed"),
	"max_behind_mb":    passed("max_behind_mb"),
	"srl_stop_percent": passed("srl_stop_percent"),
	"sudo":             passed("sudo"),
}

// readSettings reads a lab's settings over the defaults.
func readSettings(given map[string]string) (settings, error) {
	s := settings{
		names: "own", volumes: 2, volumeMB: 4, srlKB: 16 << 10, blockKB: 64, srlprot: "autodcm", dcm: true, mesh: true,
		heartbeat: time.Second, pace: time.Millisecond, vcs: "off", inventory: map[string]any{},
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		set := fields[name]
		if set == nil {
			return s, fmt.Errorf("the vvr lab has no setting %q: it has %v", name, slices.Sorted(maps.Keys(fields)))
		}
		if err := set(&s, given[name]); err != nil {
			return s, fmt.Errorf("the setting %s: %w", name, err)
		}
	}
	return s, nil
}

func word(at func(*settings) *string, allowed ...string) field {
	return func(s *settings, value string) error {
		if !slices.Contains(allowed, value) {
			return fmt.Errorf("%q is none of %v", value, allowed)
		}
		*at(s) = value
		return nil
	}
}

func number(at func(*settings) *int, low, high int) field {
	return func(s *settings, value string) error {
		n, err := strconv.Atoi(value)
		if err != nil || n < low || n > high {
			return fmt.Errorf("%q is no number from %d to %d", value, low, high)
		}
		*at(s) = n
		return nil
	}
}

func toggle(at func(*settings) *bool) field {
	return func(s *settings, value string) error {
		if value != "on" && value != "off" {
			return fmt.Errorf("%q is neither on nor off", value)
		}
		*at(s) = value == "on"
		return nil
	}
}

func duration(at func(*settings) *time.Duration) field {
	return func(s *settings, value string) error {
		d, err := time.ParseDuration(value)
		if err != nil || d < 0 || d > time.Minute {
			return fmt.Errorf("%q is no duration up to 1m", value)
		}
		*at(s) = d
		return nil
	}
}

// passed is a setting that the lab itself does not read.
func passed(name string) field {
	return func(s *settings, value string) error {
		var v any = value
		if n, err := strconv.Atoi(value); err == nil {
			v = n
		}
		if b, err := strconv.ParseBool(value); err == nil && name == "sudo" {
			v = b
		}
		s.inventory[name] = v
		return nil
	}
}
