package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/switchback-dr/switchback/internal/e2e"
	"github.com/switchback-dr/switchback/internal/nettest"
)

// measurePeers measures the switchover of other tools on a pair of the same
// PostgreSQL, with the same client: it commits every 5 ms and finds the primary
// by itself (target_session_attrs).
func measurePeers(s *scene, runs int) ([]Row, error) {
	var rows []Row
	var failed error
	for _, peer := range []struct {
		name string
		up   func(*node) (*peerPair, error)
	}{{"repmgr standby switchover", repmgrPair}, {"patronictl switchover", patroniPair}} {
		err := play(s.ctx, peer.name, s.say, func(s *scene) error {
			values, err := measurePeer(s, peer.up, runs)
			rows = append(rows, Row{Name: peer.name + ", outage seen by a client", Unit: "ms", Values: values})
			return err
		})
		failed = errors.Join(failed, err)
	}
	return rows, failed
}

func measurePeer(s *scene, up func(*node) (*peerPair, error), runs int) ([]float64, error) {
	n, err := newNode(s)
	if err != nil {
		return nil, err
	}
	p, err := up(n)
	if err != nil {
		return nil, err
	}
	w := &peerWriter{dsn: p.client}
	w.start(s)
	var values []float64
	for i := range runs {
		time.Sleep(5 * time.Second) // the pair settles; nothing is measured here
		began := time.Now()
		if err := p.switchover(i); err != nil {
			return values, err
		}
		time.Sleep(3 * time.Second)
		values = append(values, w.longest(began))
		s.Logf("%d of %d: %.0f ms", i+1, runs, values[i])
	}
	return values, nil
}

// peerPair is a pair under the care of another tool.
type peerPair struct {
	client     string // connection string with both servers
	switchover func(round int) error
}

// node is where the pairs live: a directory, the programs' user, the server's
// programs.
type node struct {
	*scene
	dir, bin string
	uid, gid uint32
	ports    [2]int
}

func newNode(s *scene) (*node, error) {
	bins, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	if len(bins) == 0 {
		return nil, errors.New("PostgreSQL is missing: apt-get install postgresql")
	}
	account, err := user.Lookup("postgres")
	if err != nil || os.Geteuid() != 0 {
		return nil, fmt.Errorf("the peers are measured as root, with the user postgres of Debian's packages: %w", err)
	}
	uid, err1 := strconv.ParseUint(account.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(account.Gid, 10, 32)
	n := &node{scene: s, dir: s.TempDir(), bin: slices.Max(bins), uid: uint32(uid), gid: uint32(gid)}
	for i := range n.ports {
		n.ports[i] = nettest.Port(s)
	}
	return n, errors.Join(err1, err2, os.Chown(n.dir, int(uid), int(gid)))
}

// command runs a program as postgres.
func (n *node) command(name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(n.ctx, name, args...)
	cmd.Dir = n.dir
	cmd.Env = append(os.Environ(), "HOME="+n.dir, "PATH="+n.dir+"/bin:"+n.bin+":/usr/bin:/bin", "LC_ALL=C.UTF-8")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: n.uid, Gid: n.gid}, Setpgid: true}
	return cmd
}

// sh runs a script as postgres and waits for it. Output goes to a file: what it
// leaves running must hold no pipe.
func (n *node) sh(script string, args ...string) error {
	out, err := os.CreateTemp(n.dir, "out")
	if err != nil {
		return fmt.Errorf("no log: %w", err)
	}
	defer func() { _ = out.Close() }()
	cmd := n.command("sh", append([]string{"-euc", script, "sh"}, args...)...)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		said, _ := os.ReadFile(out.Name())
		return fmt.Errorf("%w: %s", err, lastLines(string(said)))
	}
	return nil
}

func lastLines(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-12):], "\n")
}

// file writes a file that belongs to postgres.
func (n *node) file(name, text string) string {
	path := filepath.Join(n.dir, name)
	if err := errors.Join(os.WriteFile(path, []byte(text), 0o600), os.Chown(path, int(n.uid), int(n.gid))); err != nil {
		n.Fatal(err)
	}
	return path
}

func (n *node) dsn(role string) string {
	return fmt.Sprintf("postgres://%s@127.0.0.1:%d,127.0.0.1:%d/postgres?sslmode=disable&target_session_attrs=read-write&connect_timeout=2", role, n.ports[0], n.ports[1])
}

// peerWriter commits numbered rows and remembers when each was acknowledged.
type peerWriter struct {
	dsn  string
	mu   sync.Mutex
	acks []time.Time
}

func (w *peerWriter) start(s *scene) {
	var c *pgx.Conn
	e2e.Await(s, time.Minute, "the pair takes a client", func() (bool, string) {
		var err error
		if c, err = pgx.Connect(s.ctx, w.dsn); err != nil {
			return false, err.Error()
		}
		_, err = c.Exec(s.ctx, "create table if not exists written (n bigint)")
		return err == nil, fmt.Sprint(err)
	})
	ctx, stop := context.WithCancel(s.ctx)
	done := make(chan struct{})
	s.Cleanup(func() { stop(); <-done })
	go func() {
		defer close(done)
		w.run(ctx, c)
	}()
}

func (w *peerWriter) run(ctx context.Context, c *pgx.Conn) {
	tick := time.NewTicker(writeEvery)
	defer tick.Stop()
	for n := 0; ctx.Err() == nil; n++ {
		if c == nil {
			try, cancel := context.WithTimeout(ctx, 2*time.Second)
			c, _ = pgx.Connect(try, w.dsn)
			cancel()
		}
		if c != nil {
			try, cancel := context.WithTimeout(ctx, 2*time.Second)
			_, err := c.Exec(try, "insert into written values ($1)", pgx.QueryExecModeSimpleProtocol, n)
			cancel()
			if err == nil {
				w.mu.Lock()
				w.acks = append(w.acks, time.Now())
				w.mu.Unlock()
			} else {
				_ = c.Close(ctx)
				c = nil
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	if c != nil {
		_ = c.Close(context.WithoutCancel(ctx))
	}
}

// longest gives the longest time between two acknowledged writes since a
// moment, in milliseconds.
func (w *peerWriter) longest(since time.Time) float64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	longest, last := time.Duration(0), time.Time{}
	for _, t := range w.acks {
		if !last.IsZero() && t.After(since) {
			longest = max(longest, t.Sub(last))
		}
		last = t
	}
	return ms(longest)
}
