package openedge_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/lab/labkit"
	"github.com/switchback-dr/switchback/lab/labtest"
	"github.com/switchback-dr/switchback/lab/openedge"
)

// bench is a running lab, with what only OpenEdge's tests need.
type bench struct{ labtest.Bench }

// up starts a lab that writes every 5 ms; settings are "name=value".
func up(t *testing.T, sites int, settings ...string) bench {
	t.Helper()
	o := labkit.Options{WriteEvery: 5 * time.Millisecond, Sites: sites}
	b := bench{labtest.Up(t, openedge.Product{}, o, settings...)}
	b.FirstWrites()
	return b
}

// root is a host's root directory.
func (b bench) root(site string) string {
	b.T.Helper()
	return b.Host(site).Root
}

// try runs a text on a host as a person would after proenv: $DB is the
// database, $SPOOL the directory for backups, $R the root.
func (b bench) try(host, text string) (string, int) {
	b.T.Helper()
	proenv := "R=" + b.root(host) + `; DLC=$R/usr/dlc; PATH=$DLC/bin:$PATH; PROMSGS=$DLC/promsgs; DSRHOME=$DLC; DB=$R/data/depot; SPOOL=$R/spool; export DLC PATH PROMSGS DSRHOME; `
	return b.Shell(host, "-c", proenv+text)
}

func (b bench) sh(host, text string) string {
	b.T.Helper()
	out, code := b.try(host, text)
	require.Zero(b.T, code, "%s: %s\n%s", host, text, out)
	return strings.TrimSpace(out)
}

// refused runs a text that must fail, and gives what it printed.
func (b bench) refused(host, text string) string {
	b.T.Helper()
	out, code := b.try(host, text)
	require.NotZero(b.T, code, "%s: %s\n%s", host, text, out)
	return out
}

// status is the detail code of a site, or of an agent as the source sees it.
func (b bench) status(site, agent string) string {
	b.T.Helper()
	out, _ := b.try(site, "dsrutil $DB -C status "+agent+" -detail")
	return strings.TrimSpace(out)
}

func (b bench) awaitStatus(site, want string) {
	b.T.Helper()
	b.Until(site+" has status "+want, func() bool { return b.status(site, "") == want })
}

// inStep waits until source and target are in normal processing.
func (b bench) inStep(source, target string) {
	b.T.Helper()
	b.Until("source "+source+" and target "+target+" in step", func() bool {
		return b.status(source, "ag_"+target) == "3049" && b.status(target, "") == "3049" && b.status(source, "") == "6021"
	})
}

func (b bench) role(site string) string {
	b.T.Helper()
	out := b.sh(site, "proutil $DB -C describe")
	for _, role := range []string{"Source", "Target"} {
		if strings.Contains(out, "     1 OpenEdge Replication               Yes "+role+" database") {
			return role
		}
	}
	return ""
}

// sameRecords waits until both databases hold the same records.
func (b bench) sameRecords(one, other string) {
	b.T.Helper()
	b.Until("the same records on "+one+" and "+other, func() bool {
		x, err := b.System.Rows(b.T.Context(), one)
		require.NoError(b.T, err)
		y, err := b.System.Rows(b.T.Context(), other)
		require.NoError(b.T, err)
		if len(x) == 0 || len(x) != len(y) {
			return false
		}
		for n, times := range x {
			if y[n] != times {
				return false
			}
		}
		return true
	})
}

// log is the database's log on a site.
func (b bench) log(site string) string {
	b.T.Helper()
	text, err := os.ReadFile(filepath.Join(b.root(site), "data/depot.lg"))
	require.NoError(b.T, err)
	return string(text)
}

// disableStart keeps a site's database from being started at boot.
func (b bench) disableStart(site string) {
	b.T.Helper()
	require.NoError(b.T, os.WriteFile(filepath.Join(b.root(site), "etc/openedge/start.conf"), []byte("disabled\n"), 0o644))
}

// serve starts a site's database with a service.
func (b bench) serve(site, service string) {
	b.T.Helper()
	b.sh(site, fmt.Sprintf("proserve $DB -pf $DB.pf -S %d -DBService %s", b.Port(), service))
}

// reseed makes a target anew from an online backup of the source.
func (b bench) reseed(source, target, route string) {
	b.T.Helper()
	b.sh(source, "prostrct list $DB $SPOOL/list.st")
	out := b.sh(source, "probkup online $DB $SPOOL/seed.bck -REPLTargetCreation -verbose")
	require.Contains(b.T, out, "Backup complete. (3740)")
	b.sh(target, "cp "+filepath.Join(b.root(source), "spool/seed.bck")+" $SPOOL/seed.bck")
	require.Contains(b.T, b.sh(target, "prorest $DB $SPOOL/seed.bck -vp"), "verified ok. (6758)")
	role := strings.ToLower(b.role(target))
	b.sh(target, "rm -f $DB.repl.recovery")
	if route == "transition" {
		b.sh(target, "echo y | prorest $DB $SPOOL/seed.bck -REPLTransition")
	} else {
		b.sh(target, "proutil $DB -C disableSiteReplication "+role)
		b.sh(target, "echo y | prorest $DB $SPOOL/seed.bck")
		b.sh(target, "proutil $DB -C enableSiteReplication target")
	}
	b.serve(target, "replagent")
	b.nudge(source)
	b.inStep(source, target)
}

// nudge makes a source's server look for its agents, or starts it anew when it
// gave one up.
func (b bench) nudge(source string) {
	b.T.Helper()
	b.try(source, "dsrutil $DB -C terminate server")
	b.awaitStatus(source, "6060")
	b.sh(source, "dsrutil $DB -C restart server")
}
