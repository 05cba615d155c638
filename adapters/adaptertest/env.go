package adaptertest

import (
	"context"
	"net"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// Env reaches hosts, and servers of SQL, by this machine's own clock and network.
func Env(hosts kit.HostSet, secret func(ctx context.Context, credential string) (string, error)) kit.Env {
	var d net.Dialer
	return kit.Env{Hosts: hosts, Secret: secret, Dial: d.DialContext, Now: time.Now, Sleep: sleep, Progress: func(kit.Progress) {}}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Observe adds to a situation what is read of each site now, and the judgement.
func Observe(ctx context.Context, sys kit.System, env kit.Env, s dr.Situation) dr.Situation {
	for _, n := range sys.Sites() {
		s.Sites = append(s.Sites, sys.ObserveSite(ctx, env, n))
	}
	s.Judgement = sys.Judge(s)
	return s
}
