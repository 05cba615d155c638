package labkit

import (
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

func upToy(t *testing.T) *Lab {
	t.Helper()
	l, err := Up(t.Context(), toy{}, filepath.Join(t.TempDir(), "lab"), Options{WriteEvery: time.Millisecond})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	return l
}

// childrenOfThis lists the processes that this test's process started.
func childrenOfThis(t *testing.T) []string {
	t.Helper()
	var all []string
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	require.NoError(t, err)
	for _, name := range stats {
		b, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
		if len(f) > 1 && f[1] == strconv.Itoa(os.Getpid()) {
			all = append(all, string(b))
		}
	}
	return all
}

// processesIn lists the processes that work below a directory.
func processesIn(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	links, err := filepath.Glob("/proc/[0-9]*/cwd")
	require.NoError(t, err)
	for _, link := range links {
		if cwd, err := os.Readlink(link); err == nil && strings.HasPrefix(cwd, dir) {
			all = append(all, link+" "+cwd)
		}
	}
	return all
}

func TestALabThatIsClosedLeavesNoProcessAndNoListener(t *testing.T) {
	l := upToy(t)
	root := filepath.Dir(l.hosts["east"].Root)
	require.NotEmpty(t, processesIn(t, root), "the lab's programs run below its hosts' roots")
	endpoints := []string{l.hosts["east"].Endpoint(), l.client.Addr(), l.Outer("west")}
	require.NoError(t, l.Close())
	require.Empty(t, processesIn(t, root))
	require.Empty(t, childrenOfThis(t))
	for _, at := range endpoints {
		_, err := net.DialTimeout("tcp", at, time.Second)
		require.Error(t, err)
	}
	require.NoError(t, l.Close(), "closing twice does no harm")
}

func TestAProductThatDoesNotStartLeavesNothingBehind(t *testing.T) {
	_, err := Up(t.Context(), toy{broken: errors.New("the toy is broken")}, filepath.Join(t.TempDir(), "lab"), Options{})
	require.ErrorContains(t, err, "the toy is broken")
	require.Empty(t, childrenOfThis(t))
}

func TestAMissingPackageIsToldBeforeAnythingIsMade(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "lab")
	_, err := Up(t.Context(), toy{missing: errors.New("install toys")}, dir, Options{})
	require.EqualError(t, err, "install toys")
	require.NoDirExists(t, dir)
}

func TestADirectoryThatIsNotALabsIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "thesis.tex"), []byte("ten years"), 0o600))
	_, err := Up(t.Context(), toy{}, dir, Options{})
	require.ErrorContains(t, err, "is not empty and no lab made it")
	require.FileExists(t, filepath.Join(dir, "thesis.tex"))
}

func TestADirectoryIsUsedByOneLabAtATimeAndAgainAfterIt(t *testing.T) {
	l := upToy(t)
	_, err := Up(t.Context(), toy{}, l.Dir, Options{})
	require.ErrorContains(t, err, "a lab runs in "+l.Dir+" already")
	require.NoError(t, l.Close())
	again, err := Up(t.Context(), toy{}, l.Dir, Options{})
	require.NoError(t, err)
	require.NoError(t, again.Close())
}

func TestALongDirectoryStillHasShortPathsForSockets(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("long/", 30)+"lab")
	l, err := Up(t.Context(), toy{}, dir, Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	require.Less(t, len(l.hosts["east"].Path("run/.s.PGSQL.5432.lock")), 108)
	_, err = Ask(dir, "ledger", "", nil, false)
	require.NoError(t, err)
}

func TestWhatAKilledLabLeftElsewhereIsRemovedByTheNext(t *testing.T) {
	dir, left := t.TempDir(), filepath.Join(t.TempDir(), "switchback-lab-1")
	require.NoError(t, os.MkdirAll(filepath.Join(left, "east"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, labFile), nil, 0o644))
	require.NoError(t, os.Symlink(left, filepath.Join(dir, hostsDir)))
	require.NoError(t, prepareDir(dir))
	require.NoDirExists(t, left)
	require.NoError(t, os.WriteFile(filepath.Join(dir, labFile), nil, 0o644))
	require.NoError(t, os.MkdirAll(filepath.Join(left, "east"), 0o755))
	require.NoError(t, os.Rename(left, filepath.Join(filepath.Dir(left), "yours")))
	require.NoError(t, os.Symlink(filepath.Join(filepath.Dir(left), "yours"), filepath.Join(dir, hostsDir)))
	require.NoError(t, prepareDir(dir))
	require.DirExists(t, filepath.Join(filepath.Dir(left), "yours"), "what no lab made stays")
}

func TestTheInventoryAndKnownHostsDescribeTheHosts(t *testing.T) {
	l := upToy(t)
	b, err := os.ReadFile(l.Inventory())
	require.NoError(t, err)
	var doc struct {
		Hosts map[string]struct {
			Address string
			Port    int
			JobDir  string `yaml:"job_dir"`
		}
		Systems map[string]struct {
			Product, Home string
			Sites         map[string]map[string]string
			Toy           map[string]string
			Clients       []struct{ Point map[string][]string }
		}
	}
	require.NoError(t, yaml.Unmarshal(b, &doc))
	require.Len(t, doc.Hosts, 3)
	require.Equal(t, map[string]string{"host": "west", "shelf": "west"}, doc.Systems["toys"].Sites["west"])
	require.Equal(t, map[string]string{"color": "red"}, doc.Systems["toys"].Toy)
	require.Equal(t, []string{"client-address", "point", "west"}, doc.Systems["toys"].Clients[0].Point["west"])
	check, err := knownhosts.New(l.KnownHosts())
	require.NoError(t, err)
	key, err := os.ReadFile(l.ClientKey())
	require.NoError(t, err)
	signer, err := ssh.ParsePrivateKey(key)
	require.NoError(t, err)
	for name, h := range doc.Hosts {
		c, err := ssh.Dial("tcp", net.JoinHostPort(h.Address, strconv.Itoa(h.Port)), &ssh.ClientConfig{
			User: "lab", Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: check,
		})
		require.NoError(t, err, name)
		s, err := c.NewSession()
		require.NoError(t, err)
		require.NoError(t, s.Run("test -d "+h.JobDir+" && test -w "+h.JobDir))
		require.NoError(t, c.Close())
	}
}

func TestOtherProcessesAskThroughTheControlSocket(t *testing.T) {
	l := upToy(t)
	require.Eventually(t, func() bool {
		b, err := Ask(l.Dir, "ledger", "", nil, false)
		var got struct {
			Acknowledged int
			Lost         *int
			Primary      string
		}
		return err == nil && json.Unmarshal(b, &got) == nil && got.Acknowledged > 3 && got.Lost != nil && *got.Lost == 0 && got.Primary == "east"
	}, 10*time.Second, 5*time.Millisecond)
	b, err := Ask(l.Dir, "fault", "host-down", []string{"west"}, true)
	require.NoError(t, err)
	require.Contains(t, string(b), "west is off")
	require.False(t, l.hosts["west"].On())
	_, err = Ask(l.Dir, "fault", "host-down", []string{"west"}, false)
	require.NoError(t, err)
	require.True(t, l.hosts["west"].On())
	_, err = Ask(l.Dir, "dance", "", nil, false)
	require.ErrorContains(t, err, `does not know the question "dance"`)
	_, err = Ask(t.TempDir(), "ledger", "", nil, false)
	require.ErrorContains(t, err, "no lab runs in")
}

func TestTheRecordFileIsTheAccountsOnlySource(t *testing.T) {
	l := upToy(t)
	system := l.System.(*toySystem)
	require.Eventually(t, func() bool {
		system.mu.Lock()
		defer system.mu.Unlock()
		return len(system.rows["east"]) > 20
	}, 10*time.Second, time.Millisecond)
	system.mu.Lock()
	delete(system.rows["east"], 7)
	system.rows["east"][9]++
	system.mu.Unlock()
	got, err := l.Ledger(t.Context())
	require.NoError(t, err)
	require.Equal(t, []int64{7}, got.LostNumbers)
	require.Equal(t, []int64{9}, got.DoubledNumbers)
	system.mu.Lock()
	system.primary["west"] = true
	system.mu.Unlock()
	require.Eventually(t, func() bool { return len(l.watch.Moments()) == 1 }, 10*time.Second, time.Millisecond)
}

func TestWrongFaultsAreRefusedInASentence(t *testing.T) {
	l := upToy(t)
	for want, call := range map[string]struct {
		name string
		args []string
		on   bool
	}{
		`there is no fault "earthquake"`:                        {"earthquake", nil, true},
		"the fault host-down needs: host-down HOST":             {"host-down", nil, true},
		`the lab has no host "moon": it has [east edge west]`:   {"host-down", []string{"moon"}, true},
		"the fault reboot happens once and has no off":          {"reboot", []string{"east"}, false},
		`"fast" is no number of milliseconds`:                   {"slow", []string{"east", "fast"}, true},
		`name the site whose link is meant: one of [east west]`: {"link-cut", []string{"edge"}, true},
		`the host east has no program "rm" that can be broken`:  {"command-hangs", []string{"east", "rm"}, true},
		`name the program after the host`:                       {"command-hangs", []string{"east"}, false},
		`name the host: one of [east edge west]`:                {"slow", nil, false},
		"the fault slow needs: slow HOST MILLISECONDS":          {"slow", []string{"east", "1", "2"}, false},
		`"9 " is no exit code`:                                  {"lying-exit", []string{"edge", "client-address", "9 "}, true},
	} {
		_, err := l.Fault(t.Context(), call.name, call.args, call.on)
		require.ErrorContains(t, err, want)
	}
}

func TestAJobDirectoryThatIsFullTakesNoClaim(t *testing.T) {
	l := upToy(t)
	h := l.hosts["east"]
	claim := func(name string) int {
		_, exit, err := h.Run("/bin/mkdir", h.Path(JobDir, name))
		require.NoError(t, err)
		return exit.Code
	}
	require.Zero(t, claim("before"))
	_, err := l.Fault(t.Context(), "disk-full", []string{"east"}, true)
	require.NoError(t, err)
	require.NotZero(t, claim("during"))
	_, err = l.Fault(t.Context(), "disk-full", []string{"east"}, false)
	require.NoError(t, err)
	require.Zero(t, claim("after"))
}

func TestACutLinkLetsNobodyReachASiteFromAnother(t *testing.T) {
	l := upToy(t)
	server, err := net.Listen("tcp", l.Inner("west"))
	require.NoError(t, err)
	defer func() { _ = server.Close() }()
	go func() {
		for {
			c, err := server.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte("west\n"))
			_ = c.Close()
		}
	}()
	reach := func() string {
		c, err := net.Dial("tcp", l.Outer("west"))
		require.NoError(t, err)
		defer func() { _ = c.Close() }()
		b := make([]byte, 16)
		n, _ := c.Read(b)
		return string(b[:n])
	}
	require.Equal(t, "west\n", reach())
	_, err = l.Fault(t.Context(), "link-cut", []string{"west"}, true)
	require.NoError(t, err)
	require.Empty(t, reach())
	_, err = l.Fault(t.Context(), "link-cut", []string{"west"}, false)
	require.NoError(t, err)
	require.Equal(t, "west\n", reach())
}
