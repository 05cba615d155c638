// Package planning turns the inventory and the world into a situation, a
// situation into a plan, and two plans into the difference that voids an
// approval. The worker's activities and the starter (which must work without
// Temporal) both use it.
package planning

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/inventory"
)

// Recall gives what the watch remembers of a system and a sentence about its
// age, or why there is none.
type Recall func(ctx context.Context, system string) (*dr.Memory, string)

// Observer observes systems.
type Observer struct {
	Env    kit.Env
	Recall Recall
	// LastBaseline finds the baseline of the last takeover's report; may be
	// nil.
	LastBaseline func(system string) *dr.Baseline
}

// Observe reads all sites in parallel under one deadline, the inventory's
// limits.observe. What does not answer in time is unknown.
func (o Observer) Observe(ctx context.Context, sys *inventory.System, originalRun string) dr.Situation {
	began := o.Env.Now()
	s := dr.Situation{System: sys.Name, Product: sys.Product, At: began, Sites: make([]dr.SiteSituation, len(sys.Sites))}
	all, cancel := context.WithTimeout(ctx, sys.Limits.Observe.D())
	defer cancel()
	var wg sync.WaitGroup
	for i, site := range sys.Sites {
		wg.Go(func() { s.Sites[i] = o.site(all, sys, site, originalRun) })
	}
	wg.Go(func() {
		if o.Recall == nil {
			s.MemoryText = "no memory: this program does not ask the watch"
			return
		}
		s.Memory, s.MemoryText = o.Recall(all, sys.Name)
	})
	wg.Wait()
	s.Judgement = sys.Instance.Judge(s)
	s.Baseline = o.baseline(sys, s.Memory)
	s.Took = dr.Duration(o.Env.Now().Sub(began).Round(time.Millisecond))
	return s
}

// site reads one site and, at the same time, the job directories of its hosts.
// The result is the adapter's even when the deadline cuts it off: an adapter
// that does not come back in time is answered for.
func (o Observer) site(ctx context.Context, sys *inventory.System, site, originalRun string) dr.SiteSituation {
	type answer struct{ s dr.SiteSituation }
	read := make(chan answer, 1)
	jobs := make(chan commands, 1)
	go func() { read <- answer{sys.Instance.ObserveSite(ctx, o.Env, site)} }()
	go func() { jobs <- o.jobs(ctx, sys, site, originalRun) }()
	grace := time.NewTimer(sys.Limits.Observe.D() + time.Second)
	defer grace.Stop()
	var out dr.SiteSituation
	select {
	case a := <-read:
		out = a.s
	case <-grace.C:
		out = dr.SiteSituation{Summary: "the site did not answer within " + sys.Limits.Observe.String()}
	}
	out.Site = site
	if out.Role == "" {
		out.Role = dr.RoleUnknown
	}
	if out.At.IsZero() {
		out.At = o.Env.Now()
	}
	// Nobody waits for the jobs of a host that is lost.
	if out.Reachable != dr.No {
		select {
		case c := <-jobs:
			out.Jobs = c.list
			if c.refusal != nil {
				out.Refusal = c.refusal
			}
		case <-grace.C:
		}
	}
	return out
}

// commands are those of other runs on a site's hosts; refusal is set when a
// host lets nobody look.
type commands struct {
	list    []dr.ForeignJob
	refusal *dr.Error
}

// jobs finds commands of other runs that still run on the site's hosts.
func (o Observer) jobs(ctx context.Context, sys *inventory.System, site, originalRun string) commands {
	var found commands
	seen := map[string]bool{}
	for _, need := range sys.Instance.Needs() {
		if need.Site != site || seen[need.Host] {
			continue
		}
		seen[need.Host] = true
		h, err := o.Env.Hosts.Host(need.Host)
		if err != nil {
			continue
		}
		list, err := h.Jobs(ctx, dr.WorkflowID(sys.Name), originalRun)
		switch e := dr.AsError(err, "jobs"); {
		case err == nil, e.Code == "unreachable", ctx.Err() != nil:
		case e.Class == dr.ClassRefuse:
			found.refusal = e
		default:
			found.list = append(found.list, dr.ForeignJob{Host: need.Host, State: "unknown", Text: "the job directory could not be read: " + e.Text})
		}
		found.list = append(found.list, list...)
	}
	return found
}

// baseline finds how the system was before its takeover: with the watch or in
// the last takeover's report, whichever is later, then by the inventory's home.
func (o Observer) baseline(sys *inventory.System, m *dr.Memory) *dr.Baseline {
	var found dr.Baseline
	if m != nil && m.Baseline != nil {
		found = *m.Baseline
		found.From = "watch"
	}
	if o.LastBaseline != nil {
		if b := o.LastBaseline(sys.Name); b != nil && (found.From == "" || b.At.After(found.At)) {
			found = *b
			found.From = "report"
		}
	}
	if found.From != "" {
		return &found
	}
	if sys.Home == "" {
		return nil
	}
	return &dr.Baseline{Primary: sys.Home, From: "inventory"}
}

// ForeignJobs gives a hold when commands of another run, or of an earlier plan
// of this one, are still running on the system's hosts: whatever they do, they are in the way. A job whose
// process is gone ("lost") is shown but is in nobody's way.
func ForeignJobs(s dr.Situation) error {
	for _, site := range s.Sites {
		for _, j := range site.Jobs {
			if j.State == string(kit.JobLost) {
				continue
			}
			e := dr.Hold("foreign_job", "on %s a command that was started before is %s: %s", j.Host, j.State, j.Text)
			if j.Dir == "" {
				return e.WithNext("see what runs there, then retry")
			}
			return e.WithNext("wait for its end or end it by hand (%s), then retry", j.Dir)
		}
	}
	return nil
}

// Closed gives a refusal when a site's host lets nobody look for a reason that
// only people can mend. In an unplanned takeover the sites that it leaves
// behind may be lost, with another machine at their address: there it is one of
// the things that the plan says are not known.
func Closed(s dr.Situation, r dr.Request) error {
	for _, site := range s.Sites {
		left := r.Procedure == dr.ProcTakeover && r.Mode == dr.ModeUnplanned && site.Site != r.To
		if site.Refusal != nil && !left {
			return site.Refusal
		}
	}
	return nil
}

// TwoPrimaries gives a refusal when more than one site accepts writes. It is
// never resolved automatically.
func TwoPrimaries(s dr.Situation) error {
	p := s.Primaries()
	if len(p) < 2 {
		return nil
	}
	return dr.Refuse("two_primaries", "two primaries: %s all accept writes", strings.Join(p, " and ")).
		WithNext("stop clients, find out which one holds the acknowledged writes, make the other one unable to take writes by hand, then start again; nothing was changed")
}
