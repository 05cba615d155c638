package engine

import (
	"encoding/json"
	"os"

	"github.com/switchback-dr/switchback/lab/hana/hdbsql"
)

// Installation is what the lab asks of the very first start of a system: its
// users, and the clients' table.
type Installation struct {
	// Admin and Client are the users of every database; passwords by name.
	Admin     string            `json:"admin"`
	Client    string            `json:"client"`
	Passwords map[string]string `json:"passwords"`
	Table     string            `json:"table"`
}

// InstallationFile is the name of the installation's file in the directory of
// the volumes; it is gone after the first start.
const InstallationFile = ".installation.json"

// install makes the volumes of a new system.
func (e *engine) install() error {
	file := e.conf.Data() + "/" + InstallationFile
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var i Installation
	if err := json.Unmarshal(b, &i); err != nil {
		return err
	}
	for _, d := range e.databases {
		if err := d.vol.create(e.ctx); err != nil {
			return err
		}
		var all []statement
		for name, password := range i.Passwords {
			v, err := hdbsql.NewVerifier(password)
			if err != nil {
				return err
			}
			text, err := json.Marshal(v)
			if err != nil {
				return err
			}
			all = append(all, statement{"insert into " + d.vol.schema + "._SYS_USERS values (?, ?, ?)", []any{name, string(text), name == i.Admin}})
		}
		if d.name != systemDatabase {
			all = append(all, statement{"CREATE TABLE " + d.vol.schema + "." + i.Table + " (N BIGINT NOT NULL, AT LONGDATE)", nil})
		}
		if err := e.write(d.vol, all...); err != nil {
			return err
		}
	}
	return os.Remove(file)
}
