package oceanbase

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/lab/oceanbase/observer"
)

// Product is OceanBase.
type Product struct{}

// Name is "oceanbase".
func (Product) Name() string { return "oceanbase" }

// Accounts are users that OceanBase's packages make.
func (Product) Accounts() []string { return []string{"admin"} }

// Check finds nothing missing: everything is part of the lab.
func (Product) Check() error { return nil }

// settings are the lab's own, read from --set.
type settings struct {
	version          observer.Version
	location, oracle bool
	archive          bool
	ownLogin         bool // the inventory logs in to the tenant itself
	tenants, servers int
	streams          int
	pace             observer.Pace
}

func defaults() settings {
	return settings{
		version: "4.2.5.4", tenants: 2, servers: 3, streams: 2,
		pace: observer.Pace{
			Step: observer.Duration(30 * time.Millisecond), Poll: observer.Duration(40 * time.Millisecond),
			Job: observer.Duration(60 * time.Millisecond), Ahead: observer.Duration(2 * time.Second),
		},
	}
}

// readSettings refuses what it does not know.
func readSettings(given map[string]string) (settings, error) {
	s := defaults()
	words := map[string]struct {
		to      *bool
		yes, no string
	}{
		"source": {&s.location, "location", "service"}, "mode": {&s.oracle, "oracle", "mysql"}, "archive": {&s.archive, "on", "off"},
		"login": {&s.ownLogin, "tenant", "sys"},
	}
	numbers := map[string]struct {
		to   *int
		most int
	}{
		"tenants": {&s.tenants, 4}, "servers": {&s.servers, 5}, "streams": {&s.streams, 8},
	}
	spans := map[string]*observer.Duration{"step": &s.pace.Step, "poll": &s.pace.Poll, "job": &s.pace.Job, "ahead": &s.pace.Ahead}
	for name, value := range given {
		if w, ok := words[name]; ok {
			if value != w.yes && value != w.no {
				return s, fmt.Errorf("the setting %s is %s or %s, not %q", name, w.no, w.yes, value)
			}
			*w.to = value == w.yes
			continue
		}
		if n, ok := numbers[name]; ok {
			v, err := strconv.Atoi(value)
			if err != nil || v < 1 || v > n.most {
				return s, fmt.Errorf("the setting %s is a number from 1 to %d, not %q", name, n.most, value)
			}
			*n.to = v
			continue
		}
		if d, ok := spans[name]; ok {
			v, err := time.ParseDuration(value)
			if err != nil || v < 0 || v > time.Minute {
				return s, fmt.Errorf("the setting %s is a time span up to 1m, not %q", name, value)
			}
			*d = observer.Duration(v)
			continue
		}
		if name != "version" {
			return s, fmt.Errorf("OceanBase in the lab has no setting %q: it has archive, ahead, job, login, mode, poll, servers, source, step, streams, tenants, version", name)
		}
		if strings.Count(value, ".") != 3 {
			return s, fmt.Errorf("the setting version is like 4.2.5.4, not %q", value)
		}
		s.version = observer.Version(value)
	}
	if s.pace.Poll < observer.Duration(time.Millisecond) {
		return s, fmt.Errorf("the setting poll is 1ms at least")
	}
	if !s.version.AtLeast("4.2.0.0") && !s.location {
		return s, fmt.Errorf("version %s has no network standby: add --set source=location", s.version)
	}
	return s, nil
}
