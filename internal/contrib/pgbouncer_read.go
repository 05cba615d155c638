package contrib

import (
	"encoding/csv"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// pgDatabase is one row of SHOW DATABASES.
type pgDatabase struct {
	Host             string
	Port             int
	Mode             string // of its pool; "" is the process's default
	Connections      int    // to the server
	Paused, Disabled bool
}

// at says whether the database leads to a server.
func (d pgDatabase) at(host string, port int) bool { return d.Host == host && d.Port == port }

// psqlTable reads what psql --csv printed: a header and rows, every column once.
func psqlTable(text string, columns ...string) ([]map[string]string, error) {
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(rows) == 0 {
		return nil, fmt.Errorf("psql printed no table")
	}
	for _, c := range columns {
		if !slices.Contains(rows[0], c) {
			return nil, fmt.Errorf("the table has no column %s", c)
		}
	}
	var out []map[string]string
	for _, row := range rows[1:] {
		m := map[string]string{}
		for i, name := range rows[0] {
			if _, twice := m[name]; twice {
				return nil, fmt.Errorf("the table has the column %s twice", name)
			}
			m[name] = row[i]
		}
		out = append(out, m)
	}
	return out, nil
}

// parsePgBouncer reads SHOW DATABASES (PgBouncer's manual, "Admin console").
func parsePgBouncer(text string) (map[string]pgDatabase, error) {
	rows, err := psqlTable(text, "name", "host", "port", "pool_mode", "current_connections", "paused", "disabled")
	if err != nil {
		return nil, err
	}
	all := map[string]pgDatabase{}
	for _, r := range rows {
		d := pgDatabase{Host: r["host"], Mode: r["pool_mode"], Paused: r["paused"] == "1", Disabled: r["disabled"] == "1"}
		port, err1 := strconv.Atoi(r["port"])
		n, err2 := strconv.Atoi(r["current_connections"])
		name := r["name"]
		_, twice := all[name]
		flags := strings.Trim(r["paused"]+r["disabled"], "01") == "" && len(r["paused"]) == 1 && len(r["disabled"]) == 1
		if err1 != nil || err2 != nil || port < 0 || n < 0 || name == "" || twice || !flags {
			return nil, fmt.Errorf("a row of the databases is not understood")
		}
		d.Port, d.Connections = port, n
		all[name] = d
	}
	return all, nil
}

// defaultPoolMode reads pool_mode out of SHOW CONFIG.
func defaultPoolMode(text string) (string, error) {
	rows, err := psqlTable(text, "key", "value")
	if err != nil {
		return "", err
	}
	for _, r := range rows {
		if r["key"] == "pool_mode" && slices.Contains([]string{"session", "transaction", "statement"}, r["value"]) {
			return r["value"], nil
		}
	}
	return "", fmt.Errorf("the configuration has no pool_mode")
}
