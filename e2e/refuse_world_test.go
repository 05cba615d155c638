package e2e_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
	"golang.org/x/crypto/ssh"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/e2e"
)

// document is an inventory as data.
type document map[string]any

func (d document) part(names ...string) map[string]any {
	m := map[string]any(d)
	for _, n := range names {
		m = m[n].(map[string]any)
	}
	return m
}

// document reads the lab's inventory.
func (s *stage) document() document {
	s.T.Helper()
	var d map[string]any
	require.NoError(s.T, yaml.Unmarshal([]byte(s.inventoryText()), &d))
	return deepCopy(s.T, d)
}

// write writes an inventory to a file.
func (s *stage) write(d document) string {
	s.T.Helper()
	b, err := yaml.Marshal(deepCopy(s.T, d))
	require.NoError(s.T, err)
	return s.file("systems.yaml", string(b))
}

// deepCopy takes shared parts apart, which YAML would write as anchors.
func deepCopy(t testing.TB, d map[string]any) map[string]any {
	b, err := json.Marshal(d)
	require.NoError(t, err)
	var c map[string]any
	require.NoError(t, json.Unmarshal(b, &c))
	return c
}

// addSystem adds a copy of the lab's system under a name, whose western site has
// a host of its own with other settings.
func (d document) addSystem(t testing.TB, name string, host, site, product map[string]any) {
	c := document(deepCopy(t, d.part("systems", system)))
	west := c.part("sites", "west")
	if host != nil {
		h := deepCopy(t, d.part("hosts", "west"))
		maps.Copy(h, host)
		maps.DeleteFunc(h, func(_ string, v any) bool { return v == nil })
		d.part("hosts")[name+"-west"] = h
		west["host"] = name + "-west"
	}
	maps.Copy(west, site)
	maps.Copy(c.part("postgres"), product)
	d.part("systems")[name] = map[string]any(c)
}

// anotherKey is a known_hosts file with a key that the western host does not
// have.
func (s *stage) anotherKey() string {
	pub, _, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(s.T, err)
	key, err := ssh.NewPublicKey(pub)
	require.NoError(s.T, err)
	west := s.Lab.Hosts["west"]
	return s.file("changed", fmt.Sprintf("[%s]:%d %s", west.Address, west.Port, ssh.MarshalAuthorizedKey(key)))
}

// verdict is what must be said about a broken system.
type verdict struct {
	exit int
	says []string
}

// brokenWorld is an inventory with one good system and many whose western site
// is wrong in one way each, and what must be said about each.
func (s *stage) brokenWorld() (inventory string, says map[string]verdict) {
	d := s.document()
	root, bin := s.Lab.Hosts["west"].Root, d.part("systems", system, "sites", "west")["bin"].(string)
	s.foreignCluster(root)
	s.oldServer(root, bin)
	d["credentials"] = map[string]any{"absent": map[string]any{"file": root + "/no-such-secret"}, "wrong": map[string]any{"file": s.file("secret", "wrong password\n")}}
	empty, changed := s.file("empty", ""), s.anotherKey()
	sys := func(name string, host, site, product map[string]any, want ...string) {
		d.addSystem(s.T, name, host, site, product)
		if says == nil {
			says = map[string]verdict{}
		}
		says[name] = verdict{exit: 3, says: want}
	}
	sys("unknown-key", map[string]any{"known_hosts": []string{empty}}, nil, nil, "unknown-key-west", "offers the key ssh-ed25519 SHA256:", empty)
	sys("changed-key", map[string]any{"known_hosts": []string{changed}}, nil, nil, "changed-key-west", "SHA256:", changed)
	sys("no-credential", map[string]any{"keys": nil, "password": "absent"}, nil, nil, "absent", "no-such-secret")
	// The inventory is to blame, and that is another exit code.
	says["no-credential"] = verdict{exit: 2, says: says["no-credential"].says}
	sys("wrong-login", map[string]any{"keys": nil, "password": "wrong"}, nil, nil, "wrong-login-west", "refused the login")
	sys("wrong-password", nil, nil, map[string]any{"user": "stranger"}, "PostgreSQL on west", "password")
	sys("no-postgres", nil, map[string]any{"data": root + "/var/lib/nothing"}, nil, "no PostgreSQL on west", root+"/var/lib/nothing")
	sys("no-server", nil, map[string]any{"port": 5999}, nil, "PostgreSQL on west", "5999")
	sys("old-version", nil, map[string]any{"bin": root + "/old-bin"}, nil, "west", "PostgreSQL 12", "13")
	sys("foreign", nil, map[string]any{"data": root + "/foreign"}, nil, "east and west are different clusters")
	return s.write(d), says
}

// foreignCluster puts a cluster of another system identifier on the western
// host; it is not started.
func (s *stage) foreignCluster(root string) {
	s.Shell("west", fmt.Sprintf(`for d in /usr/lib/postgresql/*/bin; do :; done; "$d/initdb" --no-sync -A trust -D %s >/dev/null`, dr.Quote(root+"/foreign")))
}

// oldServer puts programs on the western host among which psql tells of a
// release that is not supported.
func (s *stage) oldServer(root, bin string) {
	s.Shell("west", fmt.Sprintf(`mkdir %[1]s && cd %[1]s && ln -s %[2]s/* . && rm psql && printf '%%s\n' '#!/bin/sh' '%[2]s/psql "$@" | sed s/15[0-9][0-9][0-9][0-9]/120018/' >psql && chmod 755 psql`,
		dr.Quote(root+"/old-bin"), bin))
}

func TestABrokenWorldIsRefusedInOneSentenceAndNothingIsChanged(t *testing.T) {
	t.Parallel()
	s := quietStage(t)
	inventory, says := s.brokenWorld()
	s.Worker = e2e.StartWorker(t, s.Dev, inventory, "--no-watch")
	e2e.AwaitPoller(t, s.Client, dr.TaskQueue, s.Worker)
	for name, want := range says {
		t.Run(name, func(t *testing.T) {
			s.on(t).refuses("starter", complaint{
				env: []string{"SWITCHBACK_INVENTORY=" + inventory}, exit: want.exit, says: want.says,
				args: []string{"takeover", name, "--to", "west", "--reason", "test", "--no-wait", "--every", "200ms"},
			})
		})
	}
	t.Run("two workers with different inventories", func(t *testing.T) { s.on(t).anotherInventory() })
	d := s.document()
	d.part("systems", system, "postgres")["max_lag_mb"] = 1
	s.Worker = e2e.StartWorker(t, s.Dev, s.write(d), "--no-watch")
	e2e.AwaitPoller(t, s.Client, dr.TaskQueue, s.Worker)
	t.Run("lag over the limit", func(t *testing.T) { s.on(t).lagging() })
	t.Run("no standby", func(t *testing.T) { s.on(t).withoutStandby() })
	t.Run("two primaries", func(t *testing.T) { s.on(t).twoPrimaries() })
}

func takeoverWest() []string {
	return []string{"takeover", system, "--to", "west", "--reason", "test", "--no-wait", "--every", "200ms"}
}

// sql runs a statement on a site's server as the lab's own role.
func (s *stage) sql(site, statement string) string {
	bin := s.document().part("systems", system, "sites", site)["bin"].(string)
	return s.Shell(site, fmt.Sprintf("%s/psql -XAtc %s %s", bin, dr.Quote(statement), dr.Quote(s.Lab.Endpoints[site])))
}

// anotherInventory approves a plan that one worker made and another one, with
// another entry for the system, is asked to carry out.
func (s *stage) anotherInventory() {
	run := s.Start(dr.ProcTakeover, planned)
	s.Gate(dr.GateDecide)
	before := s.Ledger().Commands
	s.Worker.Kill(s.T)
	d := s.document()
	d.part("systems", system, "postgres")["max_lag_mb"] = 7
	other := e2e.StartWorker(s.T, s.Dev, s.write(d), "--no-watch")
	e2e.AwaitPoller(s.T, s.Client, dr.TaskQueue, other)
	st := s.Gate(dr.GateDecide)
	s.Signal(dr.VerbApprove, fmt.Sprintf(`{"gate":"decide","digest":%q,"person":"ana"}`, st.Gate.Digest))
	now := s.Await("the refusal of the other worker", func(now dr.Status) bool {
		return now.Hold != nil || now.Ending != nil || now.Gate != nil && now.Gate.Occurrence > st.Gate.Occurrence
	})
	text := ""
	switch {
	case now.Hold != nil:
		text = now.Hold.Text
	case now.Gate != nil:
		text = now.Gate.Again
	}
	require.Contains(s.T, text, "max_lag_mb", "%+v", now)
	s.T.Log(text)
	r := s.program("starter", nil, "status", system, "--exit-code")
	require.Equal(s.T, 8, r.Exit, r.Stdout)
	require.Equal(s.T, before, s.Ledger().Commands, "something was changed")
	s.Signal(dr.VerbAbort, `{"person":"ana"}`)
	s.Await("the end", func(now dr.Status) bool { return now.Ending != nil })
	require.NoError(s.T, run.Get(s.T.Context(), nil))
}

func (s *stage) lagging() {
	s.sql("west", "select pg_wal_replay_pause()")
	s.sql("east", "select count(pg_logical_emit_message(false, 'test', repeat('x', 1000000))) from generate_series(1, 3)")
	s.refuses("starter", complaint{args: takeoverWest(), exit: 3, says: []string{"west is", "MB behind", "the limit is 1 MB", "max_lag_mb"}})
	s.sql("west", "select pg_wal_replay_resume()")
}

func (s *stage) withoutStandby() {
	s.Fault("postmaster-kill", "west")
	s.refuses("starter", complaint{args: takeoverWest(), exit: 3, says: []string{"west is no running standby"}})
	s.Fault("old-primary-returns", "west")
}

func (s *stage) twoPrimaries() {
	s.sql("west", "select pg_promote()")
	s.refuses("starter", complaint{args: takeoverWest(), exit: 3, says: []string{"two primaries", "east", "west"}})
}
