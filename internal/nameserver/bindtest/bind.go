// Package bindtest starts real BIND 9 servers for tests: ordinary processes on
// loopback with a configuration of their own, ended with the test.
package bindtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/internal/nettest"
)

// The zone that a primary has, and the keys that may update it: Key everything,
// OtherKey only names below other.
const (
	Zone      = "example.com"
	Key       = "switchback"
	OtherKey  = "other"
	Algorithm = "hmac-sha256"
	// Secret and OtherSecret are in base64, as in BIND's key files.
	Secret      = "c3dpdGNoYmFjayB0c2lnIHRlc3Qga2V5IG51bWJlciAxIQ==" //nolint:gosec // of servers that end with their test
	OtherSecret = "c3dpdGNoYmFjayB0c2lnIHRlc3Qga2V5IG51bWJlciAyIQ==" //nolint:gosec // of servers that end with their test
	// Absent is how many seconds a resolver may keep that a name is not there.
	Absent = 2
)

// Server is a running BIND.
type Server struct {
	// Address has the port.
	Address string
	port    int
	dir     string
	t       testing.TB
	cmd     *exec.Cmd
}

// Primary starts an authority of Zone that takes updates. records are lines of
// its zone file. It tells nobody of changes: see Transfer.
func Primary(t testing.TB, records ...string) *Server {
	t.Helper()
	s := &Server{t: t, dir: t.TempDir()}
	file := fmt.Sprintf("$TTL 300\n@ IN SOA ns.%[1]s. admin.%[1]s. (1 3600 600 86400 %[2]d)\n@ IN NS ns.%[1]s.\nns IN A 127.0.0.1\n%[3]s\n", Zone, Absent, strings.Join(records, "\n"))
	s.write("zone.db", file)
	s.start(fmt.Sprintf(`
key "%s" { algorithm %s; secret "%s"; };
key "%s" { algorithm %s; secret "%s"; };
zone "%s" { type primary; file "zone.db"; notify no; allow-transfer { any; };
  update-policy { grant %s zonesub ANY; grant %s subdomain other.%s. ANY; }; };
`, Key, Algorithm, Secret, OtherKey, Algorithm, OtherSecret, Zone, Key, OtherKey, Zone), "recursion no;")
	return s
}

// Secondary starts an authority that copies Zone from a primary when Transfer
// is called, or after an hour.
func Secondary(t testing.TB, primary *Server) *Server {
	t.Helper()
	s := &Server{t: t, dir: t.TempDir()}
	s.start(fmt.Sprintf("zone %q { type secondary; file \"copy.db\"; primaries { 127.0.0.1 port %d; }; allow-notify { 127.0.0.1; }; };\n", Zone, primary.port), "recursion no;")
	require.Eventually(t, func() bool { return s.Serial() == primary.Serial() }, time.Minute, 50*time.Millisecond, "the secondary has no copy")
	return s
}

// Resolver starts a server that asks an authority and keeps the answers.
func Resolver(t testing.TB, authority *Server) *Server {
	t.Helper()
	s := &Server{t: t, dir: t.TempDir()}
	s.start(fmt.Sprintf("zone %q { type forward; forward only; forwarders { 127.0.0.1 port %d; }; };\n", Zone, authority.port),
		"recursion yes; dnssec-validation no; allow-query { any; };")
	return s
}

// Stop ends the server; another Start brings it back with what it had.
func (s *Server) Stop() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	s.cmd = nil
}

// Transfer has a secondary copy the primary's changes, and waits for it.
func (s *Server) Transfer(primary *Server) {
	s.t.Helper()
	m := new(dns.Msg)
	m.SetNotify(dns.Fqdn(Zone))
	require.Eventually(s.t, func() bool {
		_, _, err := new(dns.Client).Exchange(m, s.Address)
		return err == nil && s.Serial() == primary.Serial()
	}, time.Minute, 100*time.Millisecond, "the secondary did not copy the zone")
}

// Serial is that of the server's zone; -1 when it does not answer.
func (s *Server) Serial() int64 {
	m := new(dns.Msg)
	m.SetQuestion(dns.Fqdn(Zone), dns.TypeSOA)
	r, _, err := (&dns.Client{Net: "tcp", Timeout: time.Second}).Exchange(m, s.Address)
	if err != nil {
		return -1
	}
	for _, rr := range r.Answer {
		if soa, ok := rr.(*dns.SOA); ok {
			return int64(soa.Serial)
		}
	}
	return -1
}

func (s *Server) write(name, text string) {
	s.t.Helper()
	require.NoError(s.t, os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600))
}

// start runs named on a free port; one that somebody else was quicker to take
// is replaced by another.
func (s *Server) start(zones, options string) {
	s.t.Helper()
	s.t.Cleanup(s.Stop)
	var last string
	for range 5 {
		s.port = nettest.Port(s.t)
		s.Address = "127.0.0.1:" + strconv.Itoa(s.port)
		s.write("named.conf", fmt.Sprintf(`options { directory %q; listen-on port %d { 127.0.0.1; }; listen-on-v6 { none; };
  pid-file "named.pid"; session-keyfile "session.key"; managed-keys-directory "."; empty-zones-enable no; %s };
controls { };
%s`, s.dir, s.port, options, zones))
		var err error
		if last, err = s.run(); err == nil {
			return
		}
	}
	require.FailNow(s.t, "BIND did not start (apt-get install bind9)", "%s", last)
}

// run starts named and waits until it serves.
func (s *Server) run() (said string, err error) {
	path, err := exec.LookPath("named")
	if err != nil {
		path = "/usr/sbin/named"
	}
	out, err := os.Create(filepath.Join(s.dir, "log"))
	if err != nil {
		return "", err
	}
	defer func() { _ = out.Close() }()
	s.cmd = exec.Command(path, "-g", "-n", "1", "-c", filepath.Join(s.dir, "named.conf"))
	s.cmd.Stdout, s.cmd.Stderr = out, out
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		s.cmd = nil
		return err.Error(), err
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	for ctx.Err() == nil {
		log, _ := os.ReadFile(out.Name())
		text := string(log)
		if strings.Contains(text, "\n") && strings.Contains(text, " running\n") && !strings.Contains(text, "address in use") {
			return text, nil
		}
		if syscall.Kill(s.cmd.Process.Pid, 0) != nil || strings.Contains(text, "address in use") || strings.Contains(text, "exiting (due to") {
			s.Stop()
			return text, errors.New("named ended")
		}
		time.Sleep(20 * time.Millisecond)
	}
	s.Stop()
	return "it was not running within a minute", ctx.Err()
}
