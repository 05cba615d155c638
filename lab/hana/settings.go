package hana

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/lab/hana/instance"
)

// settings are what `--set` can change.
type settings struct {
	sid       string
	tenants   []string
	mode      string
	operation string
	topology  string
	fullSync  bool
	register  bool // register_secondaries_on_takeover
	autostart bool
	tls       bool // SQL ports take TLS beside plain connections
	hosts     int
	second    time.Duration
	transfer  time.Duration
	start     time.Duration
	version   string
}

var (
	sidPattern    = regexp.MustCompile(`^[A-Z][A-Z0-9]{2}$`)
	tenantPattern = regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,29}$`)
)

// read reads the product's settings. sync is the option of all products.
func read(given map[string]string, sync bool) (settings, error) {
	s := settings{
		sid: "DRT", tenants: []string{"DRT"}, mode: instance.ModeSync, operation: instance.OperationReplay, topology: "multitarget", autostart: true, hosts: 1,
		second: 20 * time.Millisecond, transfer: 300 * time.Millisecond, start: 40 * time.Millisecond, version: "2.00.077.00.1700000000",
	}
	for name, value := range given {
		set, known := s.setters()[name]
		if !known {
			return s, fmt.Errorf("the lab of hana has no setting %q: it has fullsync, hosts, mode, operation, register, second, sid, start, tenants, tls, topology, transfer, autostart", name)
		}
		if !set(value) {
			return s, fmt.Errorf("the setting %s of the lab of hana cannot be %q", name, value)
		}
	}
	if sync {
		s.mode = instance.ModeSync
	}
	return s, nil
}

func oneOf(into *string, values ...string) func(string) bool {
	return func(v string) bool {
		*into = v
		return slices.Contains(values, v)
	}
}

func duration(into *time.Duration) func(string) bool {
	return func(v string) bool {
		d, err := time.ParseDuration(v)
		*into = d
		return err == nil && d >= 0 && d <= time.Hour
	}
}

func boolean(into *bool) func(string) bool {
	return func(v string) bool {
		b, err := strconv.ParseBool(v)
		*into = b
		return err == nil
	}
}

func (s *settings) setters() map[string]func(string) bool {
	return map[string]func(string) bool{
		"mode":      oneOf(&s.mode, instance.ModeSync, instance.ModeSyncmem, instance.ModeAsync),
		"operation": oneOf(&s.operation, instance.OperationReplay, instance.OperationReadAccess, instance.OperationDelta),
		"topology":  oneOf(&s.topology, "multitarget", "multitier"),
		"second":    duration(&s.second),
		"transfer":  duration(&s.transfer),
		"start":     duration(&s.start),
		"fullsync":  boolean(&s.fullSync),
		"register":  boolean(&s.register),
		"autostart": boolean(&s.autostart),
		"tls":       boolean(&s.tls),
		"hosts": func(v string) bool {
			n, err := strconv.Atoi(v)
			s.hosts = n
			return err == nil && n >= 1 && n <= 3
		},
		"sid": func(v string) bool {
			s.sid = v
			return sidPattern.MatchString(v)
		},
		"tenants": func(v string) bool {
			s.tenants = strings.Split(v, ",")
			return !slices.ContainsFunc(s.tenants, func(t string) bool { return !tenantPattern.MatchString(t) || t == "SYSTEMDB" })
		},
	}
}
