package kit

import (
	"context"
	"sync"

	"github.com/switchback-dr/switchback/dr"
)

// Read runs a command that changes nothing on its host.
func (e Env) Read(ctx context.Context, c dr.Command) (Output, error) {
	h, err := e.Hosts.Host(c.Host)
	if err != nil {
		return Output{}, err
	}
	return h.Read(ctx, c)
}

// ReadParsed reads a site by one command whose output parse recognises, and gives
// the host's clock with it. An output that was cut off or that parse refuses is
// no reading: an error of class retry, with the code cut_off or unrecognised.
func ReadParsed[R any](ctx context.Context, env Env, site string, c dr.Command, parse func(string) (R, error)) (R, HostTime, error) {
	var none R
	out, err := env.Read(ctx, c)
	if err != nil {
		return none, 0, err
	}
	if out.Truncated {
		return none, 0, dr.Retry("cut_off", "%s: the observation printed more than is kept", site)
	}
	r, err := parse(out.Stdout)
	if err != nil {
		return none, 0, dr.Retry("unrecognised", "%s: %s", site, err.Error())
	}
	return r, out.HostTime, nil
}

// ReadEach reads several places at the same time, each with its own clock and
// error.
func ReadEach[P, R any](places []P, read func(P) (R, HostTime, error)) ([]R, []HostTime, []error) {
	rs, ts, errs := make([]R, len(places)), make([]HostTime, len(places)), make([]error, len(places))
	var wg sync.WaitGroup
	for i, p := range places {
		wg.Go(func() { rs[i], ts[i], errs[i] = read(p) })
	}
	wg.Wait()
	return rs, ts, errs
}
