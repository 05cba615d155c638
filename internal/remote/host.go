package remote

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// host is one endpoint as adapters see it.
type host struct {
	pool   *Pool
	ep     Endpoint
	link   *link
	pinned fingerprintOf
}

func (h *host) Name() string { return h.ep.Name }

// Pin gives what a plan pins, from the inventory and the known_hosts files,
// without connecting. The fingerprint is empty when no key is known.
func (h *host) Pin() dr.HostPin {
	pin := dr.HostPin{Name: h.ep.Name, Address: h.ep.Address, Port: h.ep.Port, User: h.ep.User}
	pin.Fingerprint = h.pinned.read(h.ep)
	return pin
}

// Read runs a command that changes nothing.
func (h *host) Read(ctx context.Context, cmd dr.Command) (kit.Output, error) {
	script, err := h.reading(ctx, cmd)
	if err != nil {
		return kit.Output{}, err
	}
	r, err := h.call(ctx, cmd.Login, script)
	if err != nil {
		return kit.Output{}, err
	}
	return h.output(r)
}

// reading is the script of a command that changes nothing.
func (h *host) reading(ctx context.Context, cmd dr.Command) (string, error) {
	text, err := h.text(cmd)
	if err != nil {
		return "", err
	}
	secrets, err := h.secrets(ctx, cmd)
	if err != nil {
		return "", err
	}
	return secrets + "sb_read " + dr.Quote(text), nil
}

// output is what a reading command printed.
func (h *host) output(r reply) (kit.Output, error) {
	exit, err := exitOf(h.ep, r)
	if err != nil {
		return kit.Output{}, err
	}
	clock, _, _ := strings.Cut(strings.TrimSpace(r.stdout.head), " ")
	now, err := strconv.ParseInt(clock, 10, 64)
	if err != nil || now < 0 {
		return kit.Output{}, garbled(h.ep, "the clock")
	}
	clean := h.pool.redact.clean
	return kit.Output{
		Stdout: clean(string(r.stdout.body), false, r.stdout.truncated),
		Stderr: clean(string(r.stderr.body), false, r.stderr.truncated),
		Exit:   exit, Truncated: r.stdout.truncated || r.stderr.truncated, HostTime: kit.HostTime(now),
	}, nil
}

// text checks a command and renders it.
func (h *host) text(cmd dr.Command) (string, error) {
	refuse := func(why string) (string, error) {
		return "", dr.Refuse("command", "host %s: the command cannot be sent: %s", h.ep.place(), why)
	}
	if err := cmd.Check(); err != nil {
		return refuse(err.Error())
	}
	switch {
	case cmd.SQL != "":
		return refuse("it is a statement for a database")
	case cmd.Host != "" && cmd.Host != h.ep.Name:
		return refuse("it is for host " + strconv.Quote(dr.Clip(cmd.Host, 80)))
	case strings.ContainsRune(cmd.Stdin, 0):
		return refuse("its input contains a zero byte")
	case slices.Contains(strings.Split(cmd.Stdin, "\n"), "SWITCHBACK_INPUT"):
		return refuse("its input contains the line that ends the input")
	}
	return cmd.Render(), nil
}

// secrets gives the assignments of a command's secrets. They go over the
// shell's standard input, so that no list of processes shows them.
func (h *host) secrets(ctx context.Context, cmd dr.Command) (string, error) {
	var b strings.Builder
	for _, name := range sorted(cmd.SecretEnv) {
		value, err := h.secret(ctx, cmd.SecretEnv[name])
		if err != nil {
			return "", err
		}
		b.WriteString(name + "=" + dr.Quote(value) + "; export " + name + "; ")
	}
	return b.String(), nil
}

func (h *host) secret(ctx context.Context, credential string) (string, error) {
	value, err := h.pool.opts.Secret(ctx, credential)
	if err != nil {
		return "", dr.AsError(err, "credential")
	}
	if strings.ContainsRune(value, 0) {
		return "", dr.Refuse("credential", "the credential %q contains a zero byte", dr.Clip(credential, 60))
	}
	h.pool.redact.learn(value)
	return value, nil
}

func sorted(m map[string]string) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// call runs a script in one of the host's shells. A shell that had died while
// it was idle is replaced: nothing of the script was run by it.
func (h *host) call(ctx context.Context, login bool, script string) (reply, error) {
	return h.callWithin(ctx, login, script, h.pool.opts.MaxOutput)
}

// callWithin is call with another limit for each stream, in bytes.
func (h *host) callWithin(ctx context.Context, login bool, script string, limit int) (reply, error) {
	r, err := h.callAll(ctx, login, asking{script: script, limit: limit})
	if len(r) == 0 {
		return reply{}, err
	}
	return r[0], err
}

// callAll is call for several scripts, which one shell runs one after the other.
// With an error, the answers that were whole before it are given too.
func (h *host) callAll(ctx context.Context, login bool, all ...asking) ([]reply, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, dr.Retry("deadline", "host %s: the call was ended: %v", h.ep.place(), err).Because(err)
		}
		c, err := h.link.connect(ctx)
		if err != nil {
			return nil, err
		}
		s, err := c.acquire(ctx, login)
		if err != nil {
			return nil, err
		}
		r, err := s.callAll(ctx, all...)
		c.release(s, err == nil)
		if !errors.Is(err, errNoAnswer) {
			return r, err
		}
	}
}

// exitOf reads the exit code of the end mark.
func exitOf(ep Endpoint, r reply) (int, error) {
	exit, err := strconv.Atoi(strings.TrimSpace(r.stdout.tail))
	if err != nil || exit < 0 || exit > 255 {
		return 0, garbled(ep, "the exit code")
	}
	return exit, nil
}

func garbled(ep Endpoint, what string) error {
	return dr.Retry("cut_off", "host %s: %s in the answer cannot be read", ep.place(), what)
}
