package contrib

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/inventory"
)

// proved adds the sentence to the evidence of the report.
func proved(env kit.Env, step, name string, e kit.Effect) kit.Effect {
	if e.State == kit.EffectDone {
		e.Evidence = []dr.Evidence{{Step: step, At: env.Now(), Name: name, Text: e.Text}}
	}
	return e
}

// clientsArrive asks through the clients' address.
func clientsArrive(ctx context.Context, env kit.Env, a probeArgs) kit.Effect {
	var e kit.Effect
	switch a.Kind {
	case inventory.ProbeCommand:
		e = commandArrives(ctx, env, a)
	case inventory.ProbeTCP:
		e = tcpArrives(ctx, env, a)
	default:
		e = sqlArrives(ctx, env, a)
	}
	return proved(env, "verify.probe-"+a.Name, "clients of "+a.Name, e)
}

// sqlArrives compares the server behind the clients' address with the one at
// the new site's own.
func sqlArrives(ctx context.Context, env kit.Env, a probeArgs) kit.Effect {
	got, err := askServer(ctx, env, a, a.Address)
	if err != nil {
		return kit.NotKnown("%s", dr.AsError(err, "probe").Text)
	}
	want, err := askServer(ctx, env, a, a.New)
	switch {
	case err != nil:
		return kit.NotKnown("%s answers, but whether it is %s is not known: %s", a.Address, a.To, dr.AsError(err, "probe").Text)
	case got.id != want.id:
		return kit.NotDone("%s leads to another server than %s (%s)", a.Address, a.To, a.New)
	case !got.writes:
		return kit.NotDone("%s leads to %s, which takes no writes", a.Address, a.To)
	}
	return kit.Done("%s leads to %s, which takes writes (answered within %s)", a.Address, a.To, tookText(got.took))
}

func tookText(d time.Duration) string { return fmt.Sprintf("%.3f s", d.Seconds()) }

// tcpArrives can tell that somebody answers, and no more.
func tcpArrives(ctx context.Context, env kit.Env, a probeArgs) kit.Effect {
	began := env.Now()
	if err := knock(ctx, env, a.Address); err != nil {
		return kit.NotDone("%s takes no connection: %s", a.Address, reasonOf(err))
	}
	return kit.Done("%s takes connections (within %s); a TCP connection does not tell at which site, nor whether it takes writes", a.Address, tookText(env.Now().Sub(began)))
}

func knock(ctx context.Context, env kit.Env, address string) error {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	c, err := env.Dial(ctx, "tcp", address)
	if err == nil {
		_ = c.Close()
	}
	return err
}

// reasonOf is the innermost reason of a failed connection.
func reasonOf(err error) string {
	var errno syscall.Errno
	switch {
	case errors.As(err, &errno):
		return errno.Error()
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	}
	return dr.Clip(dr.CleanLine(err.Error()), 200)
}

func commandArrives(ctx context.Context, env kit.Env, a probeArgs) kit.Effect {
	out, err := ask(ctx, env, a.Host, a.Reaches)
	switch {
	case err != nil:
		return kit.NotKnown("the probe of %s could not run: %s", a.Name, dr.AsError(err, "probe").Text)
	case out.Exit == 0:
		return kit.Done("the probe of %s says that clients reach %s and that it takes writes", a.Name, a.To)
	case out.Exit == 1:
		return kit.NotDone("the probe of %s says that clients do not reach %s, or that it takes no writes", a.Name, a.To)
	}
	return kit.NotKnown("the probe of %s ended with exit code %d, which is neither 0 nor 1", a.Name, out.Exit)
}

// oldTakesNoWrites asks the old site at its own address. That it cannot be asked
// is said; it is no proof and keeps nobody waiting.
func oldTakesNoWrites(ctx context.Context, env kit.Env, a probeArgs) kit.Effect {
	var e kit.Effect
	switch a.Kind {
	case inventory.ProbeCommand:
		e = commandOld(ctx, env, a)
	case inventory.ProbeTCP:
		e = tcpOld(ctx, env, a)
	default:
		e = sqlOld(ctx, env, a)
	}
	return proved(env, "verify.probe-old-"+a.Name, "old address of "+a.Name, e)
}

// notAsked is the answer about an old site that gives none.
func notAsked(a probeArgs, why string) kit.Effect {
	return kit.Done("whether %s takes writes could not be asked: %s; the watch looks at it when it returns", a.From, why)
}

// stillWrites is the answer about an old site that clients can still write to.
func stillWrites(a probeArgs, how string) kit.Effect {
	return kit.Effect{State: kit.EffectNotDone, Text: how, Never: dr.Hold("old_site_writes", "%s: what clients write there is lost or makes two primaries", how).
		WithNext("make %s unable to take writes by hand (stop it, or fence it), then retry", a.From)}
}

func sqlOld(ctx context.Context, env kit.Env, a probeArgs) kit.Effect {
	got, err := askServer(ctx, env, a, a.Old)
	switch {
	case err != nil:
		return notAsked(a, dr.AsError(err, "probe").Text)
	case !got.writes:
		return kit.Done("%s (%s) takes no writes", a.From, a.Old)
	}
	now, err := askServer(ctx, env, a, a.New)
	switch {
	case err != nil:
		return kit.NotKnown("%s takes writes, and whether it leads to %s is not known: %s", a.Old, a.To, dr.AsError(err, "probe").Text)
	case now.id == got.id:
		return kit.Done("the old address %s leads to %s too", a.Old, a.To)
	}
	return stillWrites(a, fmt.Sprintf("%s (%s) still takes writes", a.From, a.Old))
}

func tcpOld(ctx context.Context, env kit.Env, a probeArgs) kit.Effect {
	err := knock(ctx, env, a.Old)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return kit.Done("%s (%s) takes no connections", a.From, a.Old)
	case err != nil:
		return notAsked(a, a.Old+": "+reasonOf(err))
	}
	return notAsked(a, a.Old+" takes connections, and a TCP connection does not tell more")
}

func commandOld(ctx context.Context, env kit.Env, a probeArgs) kit.Effect {
	out, err := ask(ctx, env, a.Host, a.Writes)
	switch {
	case err != nil:
		return notAsked(a, dr.AsError(err, "probe").Text)
	case out.Exit == 0:
		return stillWrites(a, fmt.Sprintf("the probe of %s says that %s still takes writes", a.Name, a.From))
	case out.Exit == 1:
		return kit.Done("the probe of %s says that %s takes no writes", a.Name, a.From)
	}
	return notAsked(a, fmt.Sprintf("the probe of %s ended with exit code %d, which is neither 0 nor 1", a.Name, out.Exit))
}

var (
	probeClient = kit.Spec[probeArgs]{
		Name: dr.ActionProbeClient, Kind: dr.KindRead, Check: probeArgs.check,
		Commands:  func(a probeArgs) []dr.Command { return a.commands(a.Reaches, a.Address, a.New) },
		Doc:       "Proves through the clients' own address that they reach the new primary and that it takes writes.",
		Probe:     clientsArrive,
		ProofText: func(a probeArgs) string { return "the same server answers at both addresses and takes writes" },
		Poll:      500 * time.Millisecond,
	}
	probeTCP = kit.Spec[probeArgs]{
		Name: "probe.tcp", Kind: dr.KindRead, Check: probeArgs.check,
		Commands:  func(a probeArgs) []dr.Command { return a.commands(nil, a.Address) },
		Doc:       "Proves that somebody takes connections at the clients' own address, and says that this tells no more.",
		Probe:     clientsArrive,
		ProofText: func(a probeArgs) string { return a.Address + " takes connections" },
		Poll:      500 * time.Millisecond,
	}
	probeOld = kit.Spec[probeArgs]{
		Name: "probe.old", Kind: dr.KindRead, Check: probeArgs.check,
		Commands:  func(a probeArgs) []dr.Command { return a.commands(a.Writes, a.Old) },
		Doc:       "Asks the old site at its own address whether it still takes writes, and says so when it cannot be asked.",
		Probe:     oldTakesNoWrites,
		ProofText: func(a probeArgs) string { return a.From + " takes no writes, or cannot be asked" },
		Poll:      500 * time.Millisecond,
	}
)
