package hana

import (
	_ "embed" // the HA/DR provider

	"github.com/switchback-dr/switchback/adapters/kit"
)

//go:embed provider/switchback_hook.py
var providerBody string

// Files offers the SQL users and the HA/DR provider.
func (s *system) Files() []kit.File {
	roles := "-- in SYSTEMDB, once, as SYSTEM; then in each tenant the first and the last line with its own user.\n" +
		"CREATE USER " + s.set.User + " PASSWORD \"<write it into the credential too>\" NO FORCE_FIRST_PASSWORD_CHANGE;\n" +
		"ALTER USER " + s.set.User + " DISABLE PASSWORD LIFETIME;\n" +
		"GRANT BACKUP ADMIN, DATABASE BACKUP ADMIN, DATABASE ADMIN TO " + s.set.User + ";\n" +
		"GRANT CATALOG READ TO " + s.set.User + ";\n"
	out := []kit.File{{Name: "users.sql", Where: "run on SYSTEMDB of the primary, then in each tenant", Body: roles}}
	for _, st := range s.sites {
		ini := "[ha_dr_provider_switchback]\nprovider = switchback_hook\npath = " + st.Place.Hook + "\nexecution_order = 1" +
			"\n\n[trace]\nha_dr_switchback_hook = info\n"
		out = append(out, kit.File{Name: "global.ini." + st.Place.Site, Where: "add to global.ini of " + st.Place.Site + ", then hdbnsutil -reloadHADRProviders or a restart", Body: ini})
	}
	where := "copy as <sid>adm to hook_dir of every site, mode 0644"
	return append(out, kit.File{Name: "switchback_hook.py", Where: where, Body: providerBody})
}
