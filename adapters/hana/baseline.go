package hana

import (
	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// The names of settings in a baseline.
const (
	setMode      = "replication_mode"
	setOperation = "operation_mode"
	setName      = "site_name"
	setAutostart = "autostart"
)

// Baseline records, before a takeover, what -sr_state does not tell any more
// after it: names, modes, operation modes and who fed whom.
func (s *system) Baseline(sit dr.Situation) []dr.BaselineSite {
	rs := kit.Details[Reading](sit)
	var told *State
	if prim := sit.Primaries(); len(prim) == 1 {
		told = rs[prim[0]].State
	}
	var out []dr.BaselineSite
	for _, st := range s.sites {
		v, _ := sit.Site(st.Place.Site)
		b := dr.BaselineSite{Site: st.Place.Site, Role: v.Role, Settings: map[string]string{setName: st.Place.Name}}
		if v.Role == "" {
			b.Role = dr.RoleUnknown
		}
		mode, operation, source := "", "", ""
		if told != nil {
			mode, operation, source = told.Modes[st.Place.Name], told.Operations[st.Place.Name], told.Source(st.Place.Name)
		}
		if r, ok := rs[st.Place.Site]; ok {
			if mode == "" && r.State != nil {
				mode, operation = r.State.Mode, r.State.Operation
			}
			for _, h := range st.Place.Hosts {
				if a, ok := r.Autostart[h.Name]; ok && h == st.Place.main() {
					b.Settings[setAutostart] = a.String()
				}
			}
		}
		if replModes[mode] {
			b.Settings[setMode] = mode
		}
		if opModes[operation] {
			b.Settings[setOperation] = operation
		}
		if up, ok := s.named(source); ok {
			b.Upstream = up.Place.Site
		}
		out = append(out, b)
	}
	return out
}

// secondaryAs says with which modes a site shall be a secondary: by the record,
// by the inventory, or as its partner was. Both must be told to -sr_register
// each time, or HANA takes others.
func (s *system) secondaryAs(b *dr.Baseline, name, primary string) (mode, operation string) {
	st, _ := s.site(name)
	take := func(m, o string) {
		if mode == "" && replModes[m] {
			mode = m
		}
		if operation == "" && opModes[o] {
			operation = o
		}
	}
	if b != nil {
		for _, v := range b.Sites {
			if v.Site == name {
				take(v.Settings[setMode], v.Settings[setOperation])
			}
		}
	}
	take(st.Mode, st.Operation)
	if b != nil {
		for _, v := range b.Sites {
			if v.Site == primary {
				take(v.Settings[setMode], v.Settings[setOperation])
			}
		}
	}
	other, _ := s.site(primary)
	take(other.Mode, other.Operation)
	return mode, operation
}
