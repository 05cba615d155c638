package inventory_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/inventory"
)

func TestAFileThatCannotBeUsedGetsOneSentence(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		return path
	}
	missing := filepath.Join(dir, "missing.yaml")
	for path, want := range map[string]string{
		missing:                              "there is no inventory file " + missing + "; next: write one, or name another with --inventory",
		dir:                                  "the inventory " + dir + " is not a regular file; next: name the file itself with --inventory",
		write("empty.yaml", ""):              "%s: the file is empty",
		write("comment.yaml", "# nothing\n"): "%s: the file is empty",
		write("huge.yaml", strings.Repeat("#", inventory.MaxBytes+1)): "%s: the file is larger than 1 MB",
		write("binary.yaml", "version: \xff\xfe"):                     "%s:1: the file is not UTF-8 text",
		write("list.yaml", "- version: 1\n"):                          "%s:1: the inventory must be a mapping that begins with version: 1",
		write("text.yaml", "hello\n"):                                 "%s:1: the inventory must be a mapping that begins with version: 1",
		write("bracket.yaml", "version: 1\nhosts: {a: [\n"):           "%s:2: this is not YAML, here or in the next line: did not find expected node content",
		write("bomb.yaml", "a: &a [x]\nb: [*a, *a]\n"):                "%[1]s:1: a has the anchor &a; anchors are not allowed\n%[1]s:2: b[0] uses the alias *a; write the values out\n%[1]s:2: b[1] uses the alias *a; write the values out",
		write("merge.yaml", "version: 1\nhosts: {<<: {a: {}}}\n"):     "%s:2: the host name \"<<\" is not allowed: use lower-case letters, digits and inner hyphens, at most 63",
	} {
		_, err := inventory.Load(path, products)
		if strings.Contains(want, "%") {
			want = fmt.Sprintf(want, path)
		}
		require.EqualError(t, err, want)
		require.True(t, dr.HasCode(err, "inventory"))
		require.Equal(t, dr.ClassRefuse, dr.ClassOf(err))
	}
}

func TestAFileThatThisUserMayNotReadGetsOneSentence(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "systems.yaml")
	require.NoError(t, os.WriteFile(path, []byte("version: 1\n"), 0o000))
	if os.Geteuid() == 0 { // root may read everything: be somebody else
		require.NoError(t, syscall.Setfsuid(65534))
		defer func() { require.NoError(t, syscall.Setfsuid(0)) }()
	}
	_, err := inventory.Load(path, products)
	require.EqualError(t, err, "the inventory file "+path+" may not be read by this user; next: allow this user to read it")
}

func TestAllComplaintsAreReportedTogetherInTheOrderOfTheirLines(t *testing.T) {
	raw := strings.NewReplacer("home: east", "home: nowhere", "quorum: 2", "quorum: none", "skip: free", "skip: me", "port: 2222", "port: -1").Replace(string(good(t)))
	require.Equal(t, []string{
		`systems.yaml:23: policies.production.quorum must be a whole number, not "none"`,
		`systems.yaml:46: the port -1 of host db1 is not between 1 and 65535`,
		`systems.yaml:55: the home "nowhere" of system orders is not one of its sites; known: east, west`,
		`systems.yaml:99: systems.orders.hooks[0].skip is "me", not never, decision or free`,
	}, complaints(t, raw))
}

func TestAFileOfAnotherKindDoesNotFloodTheTerminal(t *testing.T) {
	var b strings.Builder
	b.WriteString("version: 1\n")
	for i := range 100 {
		fmt.Fprintf(&b, "x%d: 1\n", i)
	}
	got := complaints(t, b.String())
	require.Len(t, got, 51)
	require.Equal(t, "systems.yaml: and 50 further complaints", got[50])
}

func TestTheSmallestInventoryUsesTheDefaults(t *testing.T) {
	inv, err := inventory.Parse("/etc/switchback/systems.yaml", []byte(`
version: 1
people: {anna: {}, ben: {}}
hosts: {db: {address: 127.0.0.1, user: postgres, agent: true}}
systems: {orders: {product: fake, sites: {east: {host: db}, west: {host: db}}}}
`), products)
	require.NoError(t, err)
	require.Equal(t, "/etc/switchback/reports", inv.Reports.Dir)
	home, err := os.UserHomeDir()
	require.NoError(t, err)
	require.Equal(t, inventory.Host{
		Name: "db", Address: "127.0.0.1", Port: 22, User: "postgres", UseAgent: true, JobDir: "~/.switchback/jobs",
		KnownHosts: []string{filepath.Join(home, ".ssh", "known_hosts")},
	}, inv.Hosts["db"])
	s, err := inv.System("orders")
	require.NoError(t, err)
	require.Equal(t, inventory.DefaultPolicies(), s.Policies)
	require.Equal(t, dr.Duration(inventory.DefaultObserve), s.Limits.Observe)
	require.Empty(t, s.Home)
}

func TestASystemWithoutASecondSiteIsRefused(t *testing.T) {
	for sites, want := range map[string]string{
		"":                         "systems.yaml:4: the system orders has no sites; it needs two or more",
		", sites: {a: {host: db}}": "systems.yaml:4: the system orders has 1 site; it needs two or more",
		", sites: {}":              "systems.yaml:4: the system orders has 0 sites; it needs two or more",
		", sites: ":                "systems.yaml:4: the system orders has 0 sites; it needs two or more",
		", sites: [a, b]":          "systems.yaml:4: systems.orders.sites must be a mapping of names, not a list",
	} {
		require.Equal(t, []string{want}, complaints(t, `version: 1
people: {anna: {}, ben: {}}
hosts: {db: {address: 127.0.0.1, user: postgres, agent: true}}
systems: {orders: {product: fake`+sites+"}}\n"), sites)
	}
}

func TestAGateThatNobodyCouldPassIsFoundBeforeTheNight(t *testing.T) {
	require.Equal(t, []string{"systems.yaml:3: the gate decide of system orders asks for 2 approvals, but under people are only 0 who may decide"}, complaints(t, `version: 1
hosts: {db: {address: 127.0.0.1, user: postgres, agent: true}}
systems: {orders: {product: fake, sites: {east: {host: db}, west: {host: db}}}}
`))
}

func TestAHostThatTheAdapterNeedsMustBeThere(t *testing.T) {
	_, err := inventory.Parse("systems.yaml", good(t), []kit.Adapter{fakeAdapter{needs: []kit.Need{{Site: "east", Host: "db7"}}}})
	require.EqualError(t, err, `systems.yaml:53: the system orders needs the host "db7", which is not under hosts`)
}

func FuzzLoadNeverPanicsAndNamesAreSafe(f *testing.F) {
	raw, err := os.ReadFile(example)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte("version: 1\nhosts: {a: {address: x}}\n"))
	f.Add([]byte("? [a]\n: &b *b\n--- !!x\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		inv, err := inventory.Parse("systems.yaml", raw, products)
		if err != nil {
			require.True(t, dr.HasCode(err, "inventory"))
			require.Contains(t, err.Error(), "systems.yaml")
			return
		}
		for _, s := range inv.Systems {
			require.NoError(t, dr.CheckName("system", s.Name))
			for _, site := range s.Sites {
				require.NoError(t, dr.CheckName("site", site))
			}
			_, _, err := s.Digest()
			require.NoError(t, err)
		}
		for name := range inv.Hosts {
			require.NoError(t, dr.CheckName("host", name))
		}
	})
}

// hosts writes hosts h0, h1, ... from line 3 on, each reached through the
// next.
func hosts(n int, last string) string {
	var b strings.Builder
	b.WriteString("version: 1\nhosts:\n")
	for i := range n {
		jump := fmt.Sprintf("h%d", i+1)
		if i == n-1 {
			jump = last
		}
		fmt.Fprintf(&b, "  h%d: {address: x, user: u, agent: true, jump: %q}\n", i, jump)
	}
	return b.String()
}

func TestJumpHostsMayNotGoInACircleOrOn(t *testing.T) {
	require.Empty(t, complaints(t, hosts(6, "")))
	require.Equal(t, []string{"systems.yaml:3: the host h0 is reached through more than 5 jump hosts"}, complaints(t, hosts(7, "")))
	require.Equal(t, []string{
		"systems.yaml:3: the host h0 can only be reached through itself; its jump hosts go in a circle",
		"systems.yaml:4: the host h1 can only be reached through itself; its jump hosts go in a circle",
	}, complaints(t, hosts(2, "h0")))
}

func TestAHostileFileIsRefusedInReasonableTime(t *testing.T) {
	fill := func(head string, line func(i int) string) string {
		var b strings.Builder
		b.WriteString(head)
		for i := 0; b.Len() < inventory.MaxBytes-200; i++ {
			b.WriteString(line(i))
		}
		return b.String()
	}
	for name, raw := range map[string]string{
		"brackets": strings.Repeat("[", inventory.MaxBytes),
		"nesting":  strings.Repeat("{a: ", inventory.MaxBytes/4),
		"jumps":    fill("version: 1\nhosts:\n", func(i int) string { return fmt.Sprintf("  h%d: {jump: h%d}\n", i, i+1) }),
		"argv":     fill("version: 1\nsystems: {a: {hooks: [{run: [", func(int) string { return `"",` }) + "]}]}}\n",
		"accounts": fill("version: 1\npeople:\n", func(i int) string { return fmt.Sprintf("  p%d: {accounts: [a]}\n", i) }),
		"doubles":  fill("version: 1\n", func(int) string { return "a: 1\n" }),
		"anchors":  fill("a: &a [x, x]\n", func(i int) string { return fmt.Sprintf("b%d: &b%d [*a, *a]\n", i, i) }),
		"roles":    fill("version: 1\npeople: {a: {roles: [", func(int) string { return "A," }) + "]}}\n",
	} {
		done := make(chan error, 1)
		go func() { _, err := inventory.Parse("systems.yaml", []byte(raw), products); done <- err }()
		select {
		case err := <-done:
			require.Error(t, err, name)
			require.Less(t, len(err.Error()), 20000, name)
		case <-time.After(2 * time.Minute):
			t.Fatalf("%s: not refused within two minutes", name)
		}
	}
}
