package worker

import (
	"context"
	"sync"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/inventory"
	"github.com/switchback-dr/switchback/internal/setup"
)

// checkSites reads every site once, as a procedure would: what a login may not
// see or ask shows here and not in the disaster. Sites with a host that does not
// connect are left out, since that is found already.
func checkSites(ctx context.Context, s *setup.Setup, sys *inventory.System, lost map[string]bool) []Finding {
	ctx, cancel := context.WithTimeout(ctx, sys.Limits.Observe.D())
	defer cancel()
	away := map[string]bool{}
	for _, need := range sys.Needs() {
		away[need.Site] = away[need.Site] || lost[need.Host]
	}
	found := make([]Finding, len(sys.Sites))
	var wg sync.WaitGroup
	for i, site := range sys.Sites {
		if !away[site] {
			wg.Go(func() { found[i] = siteFinding(sys, sys.Instance.ObserveSite(ctx, s.Env(), site), site, s.Redact) })
		}
	}
	wg.Wait()
	var out []Finding
	for _, f := range found {
		if f.What != "" {
			out = append(out, f)
		}
	}
	return out
}

// siteFinding is a problem when nobody could say whether the site accepts
// writes.
func siteFinding(sys *inventory.System, v dr.SiteSituation, site string, redact func(string) string) Finding {
	f := Finding{System: sys.Name, What: "reads the site " + site}
	switch {
	case v.Refusal != nil:
		f.Problem = redact(v.Refusal.Error())
	case v.Reachable != dr.Yes, v.AcceptsWrites == dr.Unknown:
		f.Problem = redact(v.Summary)
	default:
		f.What += ": " + redact(v.Summary)
	}
	return f
}
