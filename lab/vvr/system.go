package vvr

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/switchback-dr/switchback/lab/labkit"
	"github.com/switchback-dr/switchback/lab/ledger"
	"github.com/switchback-dr/switchback/lab/vvr/kernel"
	"github.com/switchback-dr/switchback/lab/vvr/shop"
	"github.com/switchback-dr/switchback/lab/writer"
)

// system is the lab's running RDS.
type system struct {
	lab   *labkit.Lab
	set   settings
	asks  map[string]*asker
	pipes []*os.File
}

// Entry is the inventory's entry.
func (s *system) Entry() labkit.Entry {
	e := labkit.Entry{System: systemName, Sites: map[string]map[string]any{}}
	hosts := map[string]string{}
	for _, site := range s.lab.Sites {
		h, err := s.lab.Host(site)
		if err != nil {
			continue
		}
		hosts[site] = site
		e.Sites[site] = map[string]any{
			"vvr_host": s.vvrName(site), "bin": h.Path(sbin), "vcs_bin": h.Path(vcsBin),
			"snapshot": map[string]any{
				"take":  []string{h.Path("usr/local/bin/snapshot"), "take"},
				"check": []string{h.Path("usr/local/bin/snapshot"), "check"},
			},
		}
	}
	e.Product = map[string]any{"disk_group": diskGroup, "rvg": rvg}
	for name, value := range s.set.inventory {
		e.Product[name] = value
	}
	app := map[string]any{"name": "shop", "hosts": hosts}
	if s.set.vcs == "off" {
		app["start"], app["stop"], app["running"] = []string{"shop", "start"}, []string{"shop", "stop"}, []string{"shop", "status"}
	} else {
		app["vcs_group"] = vcsApp
	}
	e.More = map[string]any{"applications": []any{app}}
	return e
}

// Endpoints are the application's addresses, for people and tests.
func (s *system) Endpoints() map[string]string {
	all := map[string]string{"client": s.lab.Client().Addr()}
	for _, site := range s.lab.Sites {
		all[site] = s.lab.Inner(site)
	}
	return all
}

// Target is the application of a site.
func (s *system) Target(site string) string { return s.lab.Inner(site) }

// session is one connection to the application.
type session struct {
	conn  net.Conn
	lines *bufio.Reader
}

// Dial opens a client's session with the application at an address.
func (s *system) Dial(ctx context.Context, address string) (writer.Session, error) {
	return dial(ctx, address)
}

func dial(ctx context.Context, address string) (*session, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("no session at %s: %w", address, err)
	}
	s := &session{c, bufio.NewReader(c)}
	if err := s.deadline(ctx); err != nil {
		s.Close()
		return nil, err
	}
	if hello, err := s.lines.ReadString('\n'); err != nil || hello != shop.Greeting+"\n" {
		s.Close()
		return nil, fmt.Errorf("nobody takes orders at %s", address)
	}
	return s, nil
}

// deadline bounds the next exchange by the context's.
func (s *session) deadline(ctx context.Context) error {
	late, ok := ctx.Deadline()
	if !ok {
		late = time.Now().Add(time.Minute)
	}
	return s.conn.SetDeadline(late)
}

// Commit orders a row and waits for its answer.
func (s *session) Commit(ctx context.Context, number int64) error {
	answer, err := s.order(ctx, fmt.Sprintf("put %d", number))
	if err != nil {
		return err
	}
	if reason, refused := strings.CutPrefix(answer, "refused "); refused {
		return fmt.Errorf("%w: %s", writer.ErrRefused, reason)
	}
	if answer != "ok" {
		return fmt.Errorf("the application answered %q", answer)
	}
	return nil
}

func (s *session) order(ctx context.Context, line string) (string, error) {
	if err := s.deadline(ctx); err != nil {
		return "", err
	}
	if _, err := io.WriteString(s.conn, line+"\n"); err != nil {
		return "", err
	}
	answer, err := s.lines.ReadString('\n')
	return strings.TrimSuffix(answer, "\n"), err
}

// Close drops the connection.
func (s *session) Close() { _ = s.conn.Close() }

// asker asks one site's application whether it takes orders, on a connection
// that it keeps.
type asker struct {
	at string

	mu      sync.Mutex
	session *session
}

func (a *asker) writable(ctx context.Context) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.session == nil {
		s, err := dial(ctx, a.at)
		if err != nil {
			return false
		}
		a.session = s
	}
	answer, err := a.session.order(ctx, "can")
	if err != nil {
		a.session.Close()
		a.session = nil
		return false
	}
	return answer == "yes"
}

func (a *asker) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.session != nil {
		a.session.Close()
	}
}

// Writable asks the site's application.
func (s *system) Writable(ctx context.Context, site string) bool { return s.asks[site].writable(ctx) }

// Rows reads a site's rows from the files of its volumes, past every program of
// the lab.
func (s *system) Rows(_ context.Context, site string) (ledger.Rows, error) {
	h, err := s.lab.Host(site)
	if err != nil {
		return nil, err
	}
	rows := ledger.Rows{}
	for n := range s.set.volumes {
		b, err := os.ReadFile(kernel.DevicePath(h.Root, diskGroup, volumeName(n)))
		if err != nil {
			return nil, fmt.Errorf("the rows on %s cannot be read: %w", site, err)
		}
		b = b[:shop.Table(int64(len(b)))]
		for ; len(b) >= shop.RowSize; b = b[shop.RowSize:] {
			if number, ok := shop.Decode(b); ok {
				rows[number]++
			}
		}
	}
	return rows, nil
}

// Changes counts the events that VVR's kernel wrote down on a site, such as
// changes of role, whoever caused them.
func (s *system) Changes(name string) (map[string]int, error) {
	h, err := s.lab.Host(name)
	if err != nil {
		return nil, err
	}
	b, err := os.ReadFile(h.Path(kernel.Events))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the events of %s cannot be read: %w", name, err)
	}
	counts := map[string]int{}
	for _, line := range strings.Split(string(b), "\n") {
		if f := strings.SplitN(line, ":", 4); len(f) == 4 {
			counts["kernel: "+f[1]]++
		}
	}
	return counts, nil
}

// changers are the verbs of programs that change something.
var changers = map[string][]string{
	"vradmin": {
		"addsec", "delsec", "startrep", "stoprep", "pauserep", "resumerep", "syncrvg", "migrate", "takeover", "fbsync", "makesec", "resync", "resizesrl",
	},
	"vxrvg":    {"start", "stop", "checkstart", "checkend", "checkdelete"},
	"vxrlink":  {"att", "det", "pause", "resume"},
	"vxdg":     {"import", "deport"},
	"shop":     {"start", "stop", "enable", "disable"},
	"snapshot": {"take"},
	"hagrp":    {"-online", "-offline", "-switch", "-freeze", "-unfreeze"},
	"hares":    {"-online", "-offline", "-action"},
}

// Changing names a program's call that changes something.
func (s *system) Changing(argv []string) string {
	for _, word := range argv[1:] {
		for _, verb := range changers[argv[0]] {
			if word != verb {
				continue
			}
			if verb == "syncrvg" && contains(argv, "-verify") {
				return ""
			}
			return argv[0] + " " + verb
		}
	}
	return ""
}

func contains(all []string, one string) bool {
	for _, a := range all {
		if a == one {
			return true
		}
	}
	return false
}

// Close ends the questions to the sites.
func (s *system) Close() {
	for _, a := range s.asks {
		a.close()
	}
	for _, f := range s.pipes {
		_ = f.Close()
	}
}
