package kit

import (
	"github.com/switchback-dr/switchback/dr"
)

// How an old primary that its own hosts cannot fence is kept from taking
// writes, as the guard of a promotion is told. Adapters have further ways of
// their own.
const (
	// HeldByOutside: fenced by others, or by a waiver. Its host answered when
	// the plan was made.
	HeldByOutside = "outside"
	// HeldBySilence: the same of a site that did not answer then.
	HeldBySilence = "silence"
)

// HeldWithoutLook gives HeldBySilence for a site that did not answer when the
// plan was made, HeldByOutside for one that did and could not be read.
func HeldWithoutLook(s dr.Situation, site string) string {
	if v, ok := s.Site(site); ok && v.Reachable == dr.Yes {
		return HeldByOutside
	}
	return HeldBySilence
}

// HeldFromOutside says whether it is not the adapter that holds the site.
func HeldFromOutside(held string) bool { return held == HeldByOutside || held == HeldBySilence }

// StillHeld judges, directly before a promotion, an old primary that is held
// from outside. accepts is what its answer says about writes, err why there is
// none. One that was silent when people approved, answers now and cannot be
// read is not the approved situation: it may be starting.
func StillHeld(held, site string, accepts dr.Tri, summary string, err error) error {
	switch {
	case err == nil && accepts != dr.No:
		return No("%s answers again and may accept writes: %s", site, summary)
	case err != nil && held == HeldBySilence && answered(dr.AsError(err, "observe")) == dr.Yes:
		return dr.Hold("guard", "%s answers again, and nobody knows whether it accepts writes: %s", site, dr.AsError(err, "observe").Text).
			WithNext("look at it by hand, then replan: the plan was made for a silent site")
	}
	return nil
}
