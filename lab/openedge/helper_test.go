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
	"github.com/switchback-dr/switchback/lab/ledger"
	"github.com/switchback-dr/switchback/lab/openedge"
)

// patience bounds every wait of these tests.
const patience = 20 * time.Second

// bench is a running lab with a person's hands on it.
type bench struct {
	*labkit.Lab
	t *testing.T
}

// up starts a lab that writes every 5 ms; settings are "name=value".
func up(t *testing.T, sites int, settings ...string) bench {
	t.Helper()
	o := labkit.Options{WriteEvery: 5 * time.Millisecond, Sites: sites}
	for _, s := range settings {
		require.NoError(t, o.Set(s))
	}
	l, err := labkit.Up(t.Context(), openedge.Product{}, filepath.Join(t.TempDir(), "lab"), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	b := bench{l, t}
	b.moreWrites()
	return b
}

// root is a host's root directory.
func (b bench) root(site string) string {
	b.t.Helper()
	h, err := b.Host(site)
	require.NoError(b.t, err)
	return h.Root
}

// try runs a text on a host as a person would after proenv: $DB is the
// database, $SPOOL the directory for backups, $R the root.
func (b bench) try(host, text string) (string, int) {
	b.t.Helper()
	h, err := b.Host(host)
	require.NoError(b.t, err)
	proenv := "R=" + h.Root + `; DLC=$R/usr/dlc; PATH=$DLC/bin:$PATH; PROMSGS=$DLC/promsgs; DSRHOME=$DLC; DB=$R/data/depot; SPOOL=$R/spool; export DLC PATH PROMSGS DSRHOME; `
	out, exit, err := h.Run("/bin/sh", "-c", proenv+text)
	require.NoError(b.t, err)
	if exit.Signal != 0 {
		return out, 128 + exit.Signal
	}
	return out, exit.Code
}

func (b bench) sh(host, text string) string {
	b.t.Helper()
	out, code := b.try(host, text)
	require.Zero(b.t, code, "%s: %s\n%s", host, text, out)
	return strings.TrimSpace(out)
}

// refused runs a text that must fail, and gives what it printed.
func (b bench) refused(host, text string) string {
	b.t.Helper()
	out, code := b.try(host, text)
	require.NotZero(b.t, code, "%s: %s\n%s", host, text, out)
	return out
}

// status is the detail code of a site, or of an agent as the source sees it.
func (b bench) status(site, agent string) string {
	b.t.Helper()
	out, _ := b.try(site, "dsrutil $DB -C status "+agent+" -detail")
	return strings.TrimSpace(out)
}

func (b bench) awaitStatus(site, want string) {
	b.t.Helper()
	b.until(site+" has status "+want, func() bool { return b.status(site, "") == want })
}

// inStep waits until source and target are in normal processing.
func (b bench) inStep(source, target string) {
	b.t.Helper()
	b.until("source "+source+" and target "+target+" in step", func() bool {
		return b.status(source, "ag_"+target) == "3049" && b.status(target, "") == "3049" && b.status(source, "") == "6021"
	})
}

func (b bench) role(site string) string {
	b.t.Helper()
	out := b.sh(site, "proutil $DB -C describe")
	for _, role := range []string{"Source", "Target"} {
		if strings.Contains(out, "     1 OpenEdge Replication               Yes "+role+" database") {
			return role
		}
	}
	return ""
}

func (b bench) ledger() ledger.Ledger {
	b.t.Helper()
	l, err := b.Ledger(b.t.Context())
	require.NoError(b.t, err)
	return l
}

// lossless says that nothing acknowledged is missing or twice there, and that
// there never were two primaries.
func (b bench) lossless() {
	b.t.Helper()
	l := b.ledger()
	require.NotNil(b.t, l.Lost, l.Complaint)
	require.Zero(b.t, *l.Lost, l.LostNumbers)
	require.Zero(b.t, l.Doubled)
	require.Empty(b.t, l.TwoPrimaries)
}

// point leads the client address to a site, or nowhere.
func (b bench) point(site string) { b.sh("edge", "client-address point "+site) }

// moreWrites waits until ten more writes are acknowledged.
func (b bench) moreWrites() {
	b.t.Helper()
	before := b.acknowledged()
	b.until("ten more writes", func() bool { return b.acknowledged() >= before+10 })
}

func (b bench) acknowledged() int {
	record, err := os.ReadFile(filepath.Join(b.Dir, "writes.log"))
	require.NoError(b.t, err)
	return strings.Count(string(record), " acknowledged")
}

func (b bench) until(what string, condition func() bool) {
	b.t.Helper()
	require.Eventually(b.t, condition, patience, 25*time.Millisecond, what)
}

func (b bench) fault(name string, args ...string) string {
	b.t.Helper()
	said, err := b.Fault(b.t.Context(), name, args, true)
	require.NoError(b.t, err)
	return said
}

func (b bench) repair(name string, args ...string) {
	b.t.Helper()
	_, err := b.Fault(b.t.Context(), name, args, false)
	require.NoError(b.t, err)
}

// sameRecords waits until both databases hold the same records.
func (b bench) sameRecords(one, other string) {
	b.t.Helper()
	b.until("the same records on "+one+" and "+other, func() bool {
		x, err := b.System.Rows(b.t.Context(), one)
		require.NoError(b.t, err)
		y, err := b.System.Rows(b.t.Context(), other)
		require.NoError(b.t, err)
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
	b.t.Helper()
	text, err := os.ReadFile(filepath.Join(b.root(site), "data/depot.lg"))
	require.NoError(b.t, err)
	return string(text)
}

// disableStart keeps a site's database from being started at boot.
func (b bench) disableStart(site string) {
	b.t.Helper()
	require.NoError(b.t, os.WriteFile(filepath.Join(b.root(site), "etc/openedge/start.conf"), []byte("disabled\n"), 0o644))
}

// serve starts a site's database with a service.
func (b bench) serve(site, service string) {
	b.t.Helper()
	b.sh(site, fmt.Sprintf("proserve $DB -pf $DB.pf -S %d -DBService %s", b.Port(), service))
}

// reseed makes a target anew from an online backup of the source.
func (b bench) reseed(source, target, route string) {
	b.t.Helper()
	b.sh(source, "prostrct list $DB $SPOOL/list.st")
	out := b.sh(source, "probkup online $DB $SPOOL/seed.bck -REPLTargetCreation -verbose")
	require.Contains(b.t, out, "Backup complete. (3740)")
	b.sh(target, "cp "+filepath.Join(b.root(source), "spool/seed.bck")+" $SPOOL/seed.bck")
	require.Contains(b.t, b.sh(target, "prorest $DB $SPOOL/seed.bck -vp"), "verified ok. (6758)")
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
	b.t.Helper()
	b.try(source, "dsrutil $DB -C terminate server")
	b.awaitStatus(source, "6060")
	b.sh(source, "dsrutil $DB -C restart server")
}
