package kit

import (
	"encoding/json"
	"time"

	"github.com/switchback-dr/switchback/dr"
)

// Look is how an adapter observes one of its sites: what it reads (R) and what
// that means.
type Look[S Sited, R any] struct {
	// Product is the adapter's name in names of facts: "postgres".
	Product string
	// Source says where a reading comes from: "ssh pg-east".
	Source func(S) string
	// Read reads the site. It changes nothing.
	Read func(S) (R, error)
	// Describe turns a reading into facts.
	Describe func(S, R, time.Time) dr.SiteSituation
}

// Observe reads one site. It never fails: a site that could not be read is
// unknown, and says why.
func (l Look[S, R]) Observe(env Env, sites SiteList[S], name string) dr.SiteSituation {
	s, ok := sites.Find(name)
	if !ok {
		return dr.SiteSituation{Site: name, Role: dr.RoleUnknown, Summary: "the inventory has no such site", At: env.Now()}
	}
	r, err := l.Read(s)
	if err != nil {
		return Unread(l.Product, name, l.Source(s), err, env.Now())
	}
	raw, err := json.Marshal(r)
	if err != nil {
		return Unread(l.Product, name, l.Source(s), err, env.Now())
	}
	out := l.Describe(s, r, env.Now())
	out.Detail = raw
	return out
}

// Unread is the situation of a site that could not be read.
func Unread(product, site, source string, err error, at time.Time) dr.SiteSituation {
	e := dr.AsError(err, "observe")
	out := dr.SiteSituation{
		Site: site, Reachable: answered(e), Role: dr.RoleUnknown, AcceptsWrites: dr.Unknown,
		Summary: "not read: " + e.Text, At: at,
		Facts: []dr.Fact{{Name: product + ".read", Truth: dr.Unknown, Text: e.Text, At: at, Source: source}},
	}
	if e.Class == dr.ClassRefuse {
		out.Refusal = e
	}
	return out
}

// answered says whether a site that could not be read is reachable. What ended
// without an answer proves nothing: a connection that was kept outlives its
// host for a while. Nor does a foreign host key: another machine may answer.
func answered(e *dr.Error) dr.Tri {
	switch e.Code {
	case "unreachable":
		return dr.No
	case "deadline", "cut_off", "busy", "host_key", "observe":
		return dr.Unknown
	}
	return dr.Yes
}
