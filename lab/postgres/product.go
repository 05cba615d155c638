// Package postgres is the lab's real PostgreSQL: streaming replication between
// two or three sites, each a server with a directory, an address and an owner
// of its own. Nothing of it is simulated.
package postgres

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"github.com/switchback-dr/switchback/lab/labkit"
)

// Product is PostgreSQL.
type Product struct {
	// Bin is the directory of the server's programs; default: the newest
	// that is installed.
	Bin string
}

// Name is "postgres".
func (Product) Name() string { return "postgres" }

// Accounts are users that PostgreSQL's packages make.
func (Product) Accounts() []string { return []string{"postgres"} }

// Tale is PostgreSQL's part of a demonstration.
func (Product) Tale() labkit.Tale {
	return labkit.Tale{
		Server: "PostgreSQL", Kill: "postmaster-kill", Lists: true,
		Failback: "What only west had is listed and kept before anything is overwritten; then pg_rewind copies " +
			"the difference, not the whole database, west catches up, and after a second gate it becomes the primary again.",
	}
}

// Check says which package is missing.
func (p Product) Check() error {
	_, err := p.bin()
	return err
}

// needed are the programs of the server's package that the lab itself runs.
var needed = []string{"initdb", "postgres", "pg_ctl", "psql", "pg_rewind", "pg_basebackup", "pg_controldata"}

// bin finds the directory of the server's programs: Debian keeps several
// versions side by side, others tell through pg_config.
func (p Product) bin() (string, error) {
	var places []string
	if p.Bin != "" {
		places = []string{p.Bin}
	} else {
		places, _ = filepath.Glob("/usr/lib/postgresql/*/bin")
		sort.Slice(places, func(i, j int) bool { return major(places[i]) > major(places[j]) })
		if out, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
			places = append(places, strings.TrimSpace(string(out)))
		}
	}
	for _, dir := range places {
		if complete(dir) {
			return dir, nil
		}
	}
	return "", fmt.Errorf("PostgreSQL is not installed on this machine: apt-get install postgresql")
}

func major(bin string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(bin)))
	return n
}

func complete(dir string) bool {
	for _, name := range needed {
		if s, err := os.Stat(filepath.Join(dir, name)); err != nil || s.Mode()&0o111 == 0 {
			return false
		}
	}
	return true
}
