package contrib

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// haproxyArgs are one backend of one HAProxy process.
type haproxyArgs struct {
	Name    string `json:"name"`
	Host    string `json:"host"`
	At      string `json:"at"` // a socket's path, or host:port
	Sudo    bool   `json:"sudo,omitempty"`
	Backend string `json:"backend"`
	// Open is the server that takes clients: after the step, or, for a close,
	// again after the release.
	Open string `json:"open"`
	// Others are the servers of all other sites.
	Others []string `json:"others"`
	// Drain and Release are in seconds; for a close only. Without a release
	// nobody is let in to a site that is given up for lost.
	Drain   int `json:"drain,omitempty"`
	Release int `json:"release,omitempty"`
}

func (a haproxyArgs) check() error {
	if a.Host == "" || a.At == "" || a.Backend == "" || a.Open == "" || len(a.Others) == 0 {
		return fmt.Errorf("%s has no host, socket, backend or servers", a.Name)
	}
	return nil
}

// haproxyShell defines say: it sends commands to the stats socket $at and
// prints the answer. Perl starts faster; where it is missing Python does it.
const haproxyShell = `say() {
  if command -v perl >/dev/null 2>&1; then
    perl -e 'use IO::Socket::UNIX; use IO::Socket::IP; alarm 10; my ($at, $text) = @ARGV;
      my $s = $at =~ m{^/} ? IO::Socket::UNIX->new(Peer => $at) : IO::Socket::IP->new(PeerAddr => $at);
      if (!$s) { print STDERR "$at: $!\n"; exit 8 } print $s "$text\n"; $s->flush; print while <$s>' "$at" "$1"
  else
    python3 -c 'import socket, sys
at, text = sys.argv[1:]
try:
    if at.startswith("/"):
        s = socket.socket(socket.AF_UNIX); s.settimeout(10); s.connect(at)
    else:
        host, port = at.rsplit(":", 1); s = socket.create_connection((host.strip("[]"), int(port)), 10)
except OSError as e:
    sys.exit("%s: %s" % (at, e))
s.sendall(text.encode() + b"\n")
for part in iter(lambda: s.recv(65536), b""): sys.stdout.buffer.write(part)' "$at" "$1"
  fi
}`

// Socket, backend, name, then what each takes.
const (
	haproxyReadScript = `at=$1; say "show servers state $2;show stat $2 4 -1" && promised "$3"`
	// The sessions of draining servers are counted until none is left or the
	// time is over; then the servers are closed and what is left is ended.
	haproxyCloseScript = `at=$1 backend=$2 name=$3 drain=$4 release=$5 open=$6; shift 5
reopen() { say "set server $backend/$open state ready"; }
all() { for server; do printf "$format" "$backend" "$server" "$backend" "$server"; done; }
takeback "$name"
if [ "$release" -gt 0 ]; then later "$name" "$release" reopen || exit 9; fi
if [ "$drain" -gt 0 ]; then
  format='set server %s/%s state drain;%.0s%.0s'; say "$(all "$@")"; end=$(($(date +%s) + drain))
  while [ "$(date +%s)" -lt $end ] && [ "$(say "show stat $backend 4 -1" | awk -F, -v b="$backend" '$1 == b { n += $5 } END { print n + 0 }')" -gt 0 ]; do sleep 0.1; done
fi
format='set server %s/%s state maint;shutdown sessions server %s/%s;'; say "$(all "$@")"`
	haproxyOpenScript = `at=$1 backend=$2 name=$3 open=$4; shift 4; takeback "$name"
say "$(for server; do printf 'set server %s/%s state maint;shutdown sessions server %s/%s;' "$backend" "$server" "$backend" "$server"; done)set server $backend/$open state ready"`
)

func (a haproxyArgs) command(body string, args ...string) []dr.Command {
	argv := script(append([]string{a.At, a.Backend, a.promise()}, args...), releaseShell, haproxyShell, body)
	if a.Sudo {
		argv = append([]string{"sudo", "-n"}, argv...)
	}
	return []dr.Command{{Host: a.Host, Argv: argv, Env: []string{"LC_ALL=C"}}}
}

// promise names the release by what it releases, so that no two systems can
// take back each other's.
func (a haproxyArgs) promise() string { return promiseName("haproxy", a.At, a.Backend) }

func (a haproxyArgs) read() []dr.Command { return a.command(haproxyReadScript) }

func (a haproxyArgs) servers() []string { return append([]string{a.Open}, a.Others...) }

// haproxyState is what one process says of the client's servers.
type haproxyState struct {
	servers  map[string]haServer
	promised int
	at       kit.HostTime
}

// ask reads the backend and requires that it has every server of the client.
func (a haproxyArgs) ask(ctx context.Context, env kit.Env) (haproxyState, error) {
	out, err := env.Read(ctx, a.read()[0])
	if err != nil {
		return haproxyState{}, err
	}
	if err := a.refused(out.Stdout); err != nil {
		return haproxyState{}, err
	}
	if out.Exit != 0 || out.Truncated {
		return haproxyState{}, dr.Retry("haproxy", "HAProxy on %s could not be asked at %s: %s", a.Host, a.At, dr.Clip(dr.CleanLine(strings.TrimSpace(out.Stderr)), 200)).
			WithNext("see that it runs, and that the login user may use its stats socket")
	}
	text, last := cutLastLine(out.Stdout)
	n, bad := strconv.Atoi(strings.TrimSpace(last))
	servers, err := parseHAProxy(a.Backend, text)
	if err != nil || bad != nil {
		return haproxyState{}, dr.Retry("haproxy", "the answer of HAProxy on %s is not understood: %v", a.Host, err)
	}
	for _, name := range a.servers() {
		if _, ok := servers[name]; !ok {
			return haproxyState{}, dr.Hold("haproxy_server", "the backend %s of HAProxy on %s has no server %s", a.Backend, a.Host, name).WithNext("correct the inventory, or HAProxy's configuration")
		}
	}
	return haproxyState{servers, n, out.HostTime}, nil
}

// refused finds an answer that only people can change.
func (a haproxyArgs) refused(text string) error {
	why, ok := haRefused(text)
	if !ok {
		return nil
	}
	return dr.Hold("haproxy_refused", "HAProxy on %s says of the backend %s: %s", a.Host, a.Backend, why).
		WithNext("correct the inventory, or give the stats socket `level admin`; then retry")
}

func haInterpret(a haproxyArgs, j kit.Job) error { return a.refused(j.Stdout) }

// cutLastLine takes the last line of a text off.
func cutLastLine(text string) (before, last string) {
	text = strings.TrimRight(text, "\n")
	i := strings.LastIndexByte(text, '\n')
	if i < 0 {
		return "", text
	}
	return text[:i], text[i+1:]
}

// haUnread turns an error of ask into an effect; what only people can mend is
// not asked for again.
func haUnread(err error) kit.Effect {
	de := dr.AsError(err, "haproxy")
	e := kit.NotKnown("%s", de.Text)
	if de.Class == dr.ClassHold {
		e.Never = de
	}
	return e
}

// haClosed: no server of the client takes anybody, and the promise stands that
// the old one will again, where there is to be one.
func haClosed(ctx context.Context, env kit.Env, a haproxyArgs) kit.Effect {
	s, err := a.ask(ctx, env)
	if err != nil {
		return haUnread(err)
	}
	for _, name := range a.servers() {
		switch v := s.servers[name]; {
		case !v.closed():
			return kit.NotDone("%s/%s on %s takes clients", a.Backend, name, a.Host)
		case v.Sessions > 0:
			return kit.NotDone("%s/%s on %s is in maintenance and still has %d sessions", a.Backend, name, a.Host, v.Sessions)
		}
	}
	if s.promised == 0 && a.Release > 0 {
		return kit.NotDone("no server of %s on %s takes clients, and nothing would let them in again", a.Backend, a.Host)
	}
	return kit.Done("no server of %s on %s takes clients", a.Backend, a.Host)
}

// haOpened: exactly one server of the client takes clients, and it is in use.
func haOpened(ctx context.Context, env kit.Env, a haproxyArgs) kit.Effect {
	s, err := a.ask(ctx, env)
	if err != nil {
		return haUnread(err)
	}
	for _, name := range a.Others {
		if !s.servers[name].closed() {
			return kit.NotDone("%s/%s on %s is not in maintenance", a.Backend, name, a.Host)
		}
	}
	switch v := s.servers[a.Open]; {
	case !v.open():
		return kit.NotDone("%s/%s on %s does not take clients", a.Backend, a.Open, a.Host)
	case s.promised > 0:
		return kit.NotDone("on %s a release to the old site still stands", a.Host)
	case v.Op != haRunning:
		return kit.NotDone("%s/%s on %s is ready, but HAProxy finds it down", a.Backend, a.Open, a.Host)
	}
	return kit.Done("%s/%s on %s takes the clients, and no other server does", a.Backend, a.Open, a.Host)
}

// haThere is the guard: the process answers and knows the servers.
func haThere(ctx context.Context, env kit.Env, a haproxyArgs) (kit.HostTime, error) {
	s, err := a.ask(ctx, env)
	return s.at, err
}

func haProofText(want string) func(haproxyArgs) string {
	return func(a haproxyArgs) string {
		return fmt.Sprintf("%s$ show servers state %s (at %s): srv_admin_state of %s", a.Host, a.Backend, a.At, strings.ReplaceAll(want, "@", a.Open))
	}
}

func haGuardText(a haproxyArgs) string {
	return fmt.Sprintf("HAProxy on %s answers and its backend %s has the servers %s", a.Host, a.Backend, strings.Join(slices.Sorted(slices.Values(a.servers())), ", "))
}

var (
	haproxyClose = kit.Spec[haproxyArgs]{
		Name: "haproxy.close", Kind: dr.KindChange, Check: haproxyArgs.check,
		Doc: "Puts the servers of all sites into maintenance (Management Guide: set server), after draining them, and ends the sessions that are left (shutdown sessions server). A process on the same host makes the old server ready again after the release time, unless that site is given up for lost.",
		Commands: func(a haproxyArgs) []dr.Command {
			return a.command(haproxyCloseScript, append([]string{strconv.Itoa(a.Drain), strconv.Itoa(a.Release), a.Open}, a.Others...)...)
		},
		Probe: haClosed, Guard: haThere, GuardText: haGuardText, ProofText: haProofText("every server has bit 1 (maintenance)"),
		Interpret: haInterpret, Poll: 50 * time.Millisecond, Settle: 10 * time.Second,
	}
	haproxyOpen = kit.Spec[haproxyArgs]{
		Name: "haproxy.open", Kind: dr.KindChange, Check: haproxyArgs.check,
		Doc:      "Makes one server ready and puts the others into maintenance, ending their sessions; takes the release of an earlier close back.",
		Commands: func(a haproxyArgs) []dr.Command { return a.command(haproxyOpenScript, a.servers()...) },
		Probe:    haOpened, Guard: haThere, GuardText: haGuardText, ProofText: haProofText("@ has neither maintenance nor drain, the others have bit 1"),
		Interpret: haInterpret, Poll: 50 * time.Millisecond,
	}
	haproxyProve = kit.Spec[haproxyArgs]{
		Name: "haproxy.prove", Kind: dr.KindRead, Check: haproxyArgs.check,
		Doc:      "Proves that HAProxy sends clients to one site only.",
		Commands: haproxyArgs.read, Probe: haOpened, ProofText: haProofText("@ has neither maintenance nor drain, the others have bit 1"),
	}
)
