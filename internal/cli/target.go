package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/inventory"
	"github.com/switchback-dr/switchback/internal/planning"
	"github.com/switchback-dr/switchback/internal/setup"
)

// freshMemory is how old the watch's last sample may be for its primary to be
// believed without looking again.
const freshMemory = time.Minute

// request builds the request of a procedure and checks it as the workflow
// will. look gives a situation when the target must be chosen; it is called at
// most once.
func request(in *input, p dr.Procedure, sys *inventory.System, look func() (dr.Situation, error)) (dr.Request, error) {
	r := dr.Request{Procedure: p, System: sys.Name, To: in.to, Reason: strings.TrimSpace(in.reason)}
	switch {
	case p == dr.ProcTakeover:
		r.Mode = dr.Mode(in.mode)
		if r.Mode != dr.ModePlanned && r.Mode != dr.ModeUnplanned {
			return r, badUsage("the mode %q is not planned or unplanned", dr.Clip(in.mode, 40)).WithNext("starter help %s", p)
		}
	case in.set.Lookup("mode") != nil && in.given("mode"):
		return r, badUsage("a %s has no mode", p).WithNext("leave --mode out")
	}
	if r.To != "" && !slices.Contains(sys.Sites, r.To) {
		return r, dr.Refuse("unknown_site", "the system %s has no site %q", sys.Name, dr.Clip(r.To, 80)).WithNext("use one of: %s", strings.Join(sys.Sites, ", "))
	}
	if r.To == "" {
		if err := chooseTarget(&r, sys, look); err != nil {
			return r, err
		}
	}
	return r, nil
}

// chooseTarget fills in the site where there is only one that can be meant.
// The site that is overwritten by a reseed is never chosen for anybody; the
// one that a failback restores is read from the baseline by the run itself.
func chooseTarget(r *dr.Request, sys *inventory.System, look func() (dr.Situation, error)) error {
	switch r.Procedure {
	case dr.ProcFailback:
		return nil
	case dr.ProcReseed:
		return badUsage("say which site will be overwritten with a copy").WithNext("--to SITE, one of: %s", strings.Join(sys.Sites, ", "))
	case dr.ProcTakeover:
	}
	ask := badUsage("say which site shall become primary").WithNext("--to SITE, one of: %s", strings.Join(sys.Sites, ", "))
	if len(sys.Sites) != 2 {
		return ask
	}
	s, err := look()
	if err != nil {
		return err
	}
	if err := planning.TwoPrimaries(s); err != nil {
		return err
	}
	primary := primaryOf(s)
	i := slices.Index(sys.Sites, primary)
	if i < 0 {
		ask.Text = "it is not known which site is primary now: " + ask.Text
		return ask
	}
	r.To = sys.Sites[1-i]
	return nil
}

// primaryOf gives the site that is primary as far as anybody knows: as
// observed, else as the watch last saw it; "" when nobody knows.
func primaryOf(s dr.Situation) string {
	if p := s.Primaries(); len(p) == 1 {
		return p[0]
	}
	named := ""
	for _, site := range s.Sites {
		if site.Role == dr.RolePrimary {
			if named != "" {
				return ""
			}
			named = site.Site
		}
	}
	if named == "" && s.Memory != nil {
		return s.Memory.Primary
	}
	return named
}

// situationForTarget gives just enough of a situation to choose a target: the
// watch's word when it is fresh, else an observation of our own.
func (a *App) situationForTarget(ctx context.Context, s *setup.Setup, sys *inventory.System) dr.Situation {
	if m := a.newestMemory(ctx, s, sys.Name); m != nil && m.Primary != "" && a.Now().Sub(m.At) < freshMemory && len(m.Alarms) == 0 {
		return dr.Situation{System: sys.Name, Memory: m}
	}
	return a.observe(ctx, s, sys)
}
