package kit

import (
	"strings"

	"github.com/switchback-dr/switchback/dr"
)

// Sited is an adapter's own idea of a site of the inventory.
type Sited interface{ SiteName() string }

// SiteList are the sites of a system in the inventory's order.
type SiteList[S Sited] []S

// Names lists the sites' names.
func (l SiteList[S]) Names() []string {
	names := make([]string, 0, len(l))
	for _, s := range l {
		names = append(names, s.SiteName())
	}
	return names
}

// Find gives the site of a name, and whether there is one.
func (l SiteList[S]) Find(name string) (S, bool) {
	for _, s := range l {
		if s.SiteName() == name {
			return s, true
		}
	}
	var none S
	return none, false
}

// Others gives the sites but one.
func (l SiteList[S]) Others(name string) []S {
	var out []S
	for _, s := range l {
		if s.SiteName() != name {
			out = append(out, s)
		}
	}
	return out
}

// Known refuses a name that is no site of the system.
func (l SiteList[S]) Known(system, name string) error {
	if _, ok := l.Find(name); ok {
		return nil
	}
	return dr.Refuse("site", "the system %s has no site %q; it has %s", system, dr.Clip(name, 60), strings.Join(l.Names(), ", "))
}

// Home gives the site that a failback leads back to: the one that the request
// names, or the original primary of the baseline, without which there is no
// failback.
func (l SiteList[S]) Home(system string, in PlanInput) (string, error) {
	if in.Baseline == nil || in.Baseline.Primary == "" {
		return "", dr.Refuse("no_baseline", "nothing says how %s was before the takeover", system).
			WithNext("name the original primary as home: of the system in the inventory")
	}
	to := in.Request.To
	if to == "" {
		to = in.Baseline.Primary
	}
	return to, l.Known(system, to)
}

// Procedures are an adapter's plans, one for each procedure.
type Procedures struct{ Takeover, Failback, Reseed func() error }

// Plan makes the plan that the request asks for. product is the product's name
// as people write it.
func (p Procedures) Plan(product string, req dr.Request) error {
	switch req.Procedure {
	case dr.ProcTakeover:
		return p.Takeover()
	case dr.ProcFailback:
		return p.Failback()
	case dr.ProcReseed:
		return p.Reseed()
	}
	return dr.Refuse("procedure", "%s has no procedure %q", product, dr.Clip(string(req.Procedure), 40))
}

// OnlyPrimary refuses to call a site the one primary, so that there would be
// nothing to fail back, while another site may accept writes as well: a former
// primary that came back says the same of itself.
func OnlyPrimary(s dr.Situation, primary string) error {
	for _, v := range s.Sites {
		if v.Site != primary && v.AcceptsWrites == dr.Unknown {
			return dr.Refuse("other_unread", "%s says that it is the primary, but whether %s accepts writes as well is not known (%s): it may be the one that took over", primary, v.Site, v.Summary).
				WithNext("make %s readable and start again; if it is lost for good, see at the watch and in the last report who took over", v.Site)
		}
	}
	return nil
}

// NoPrimary refuses a procedure that finds no primary to do something from
// ("copy from", "fail back from"). A site of which it is not known whether it
// accepts writes may be the primary: then that is what is said, and nobody is
// advised to take over.
func NoPrimary(s dr.Situation, system, purpose string) error {
	if u := unknownWriters(s); len(u) > 0 {
		return dr.Refuse("primary_unread", "no site of %s is known to accept writes, so it is not known where to %s: %s", system, purpose, strings.Join(u, "; ")).
			WithNext("make the primary readable and try again; take over only when you know that it is lost")
	}
	return dr.Refuse("no_primary", "no site of %s accepts writes: there is nothing to %s", system, purpose).WithNext("take over first")
}

// NobodyWrites is the judgement's sentence when no site is seen to accept
// writes.
func NobodyWrites(s dr.Situation) string {
	if u := unknownWriters(s); len(u) > 0 {
		return "no site is known to accept writes now: " + strings.Join(u, "; ")
	}
	return "no site accepts writes now"
}

// unknownWriters are the sites of which it is not known whether they accept
// writes, each with what is known.
func unknownWriters(s dr.Situation) []string {
	var out []string
	for _, v := range s.Sites {
		if v.AcceptsWrites == dr.Unknown {
			out = append(out, "whether "+v.Site+" accepts writes is not known ("+dr.Clip(v.Summary, 200)+")")
		}
	}
	return out
}
