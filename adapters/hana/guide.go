package hana

import (
	"fmt"
	"time"

	"github.com/switchback-dr/switchback/dr"
)

// guide answers the three questions of SAP's takeover decision guideline from
// what was read: can a takeover help, does it shorten the downtime, is no loss
// guaranteed? They are shown at the gate with their evidence.
func (s *system) guide(sit dr.Situation, rs map[string]Reading, primary string, l link) []dr.Fact {
	fact := func(name string, t dr.Tri, format string, a ...any) dr.Fact {
		return dr.Fact{Name: "hana.guide_" + name, Truth: t, Text: fmt.Sprintf(format, a...), At: sit.At, Source: "takeover decision guideline"}
	}
	return []dr.Fact{s.guideHelps(rs, primary, fact), s.guideShortens(rs, fact), s.guideLoss(sit, primary, l, fact)}
}

type factMaker func(name string, t dr.Tri, format string, a ...any) dr.Fact

// guideHelps: a takeover helps against a lost site, not against a fault that
// was replicated, and only when there is a secondary to take over.
func (s *system) guideHelps(rs map[string]Reading, primary string, fact factMaker) dr.Fact {
	var ready, gone []string
	for _, st := range s.sites {
		r, ok := rs[st.Place.Site]
		switch {
		case ok && replModes[r.Mode()]:
			ready = append(ready, st.Place.Site)
		case !ok || r.Running() == dr.No:
			gone = append(gone, st.Place.Site)
		}
	}
	switch {
	case len(ready) == 0:
		return fact("helps", dr.No, "can a takeover help? no site is read as a secondary")
	case primary != "":
		return fact("helps", dr.Unknown, "can a takeover help? %s works and takes writes, so the platform needs none; whether an application fault was replicated to %v only people know", primary, ready)
	case len(gone) > 0:
		return fact("helps", dr.Yes, "can a takeover help? %v is stopped or does not answer, and %v is a secondary", gone, ready)
	}
	return fact("helps", dr.Unknown, "can a takeover help? no site takes writes, and none is read as stopped")
}

// guideShortens: whether a restart of the primary would be faster.
func (s *system) guideShortens(rs map[string]Reading, fact factMaker) dr.Fact {
	for _, st := range s.sites {
		r, ok := rs[st.Place.Site]
		if !ok {
			return fact("shortens", dr.Yes, "does it shorten the downtime? %s does not answer, so that nobody can restart it from here", st.Place.Site)
		}
		if r.Landscape != nil && r.Landscape.Exit == 2 {
			return fact("shortens", dr.No, "does it shorten the downtime? a host failover is going on at %s: wait for its end", st.Place.Site)
		}
	}
	return fact("shortens", dr.Unknown, "does it shorten the downtime? that depends on how long a restart of the primary takes, which no tool tells")
}

// guideLoss: only a handshake or the full sync option guarantees no loss. A
// fresh proof alone is a window: the primary goes on alone after
// logshipping_timeout.
func (s *system) guideLoss(sit dr.Situation, primary string, l link, fact factMaker) dr.Fact {
	m := sit.Memory
	switch {
	case primary != "" && l.InSync == dr.Yes:
		return fact("no_loss", dr.Unknown, "is no loss guaranteed? %s works: a planned takeover with handshake loses nothing", primary)
	case primary != "" && l.InSync == dr.No:
		return fact("no_loss", dr.No, "is no loss guaranteed? %s", l.Text)
	case m != nil && m.Proof != nil && m.InSyncSince != nil && m.Proof.Complete:
		return fact("no_loss", dr.Yes, "is no loss guaranteed? in sync at %s with the full sync option: the primary could not acknowledge alone", m.Proof.At.UTC().Format(time.RFC3339))
	case m != nil && m.Proof != nil && m.InSyncSince != nil:
		return fact("no_loss", dr.Unknown, "is no loss guaranteed? last seen in sync at %s; without the full sync option the primary may have gone on alone since", m.Proof.At.UTC().Format(time.RFC3339))
	case m != nil && m.ClosedAt != nil:
		return fact("no_loss", dr.No, "is no loss guaranteed? it was not in sync when it was last seen (%s, %s)", m.ClosedAt.UTC().Format(time.RFC3339), m.ClosedWhy)
	}
	return fact("no_loss", dr.Unknown, "is no loss guaranteed? nothing says when the sites were last in sync")
}

// recommend gives the guideline's answer: required, possible or not decidable.
func (s *system) recommend(sit dr.Situation, rs map[string]Reading, primary string, j dr.Judgement) string {
	m := sit.Memory
	if primary != "" {
		switch tool := rs[primary].Recommendation; {
		case tool == "":
			return "not decidable: getTakeoverRecommendation.py on " + primary + " gave no answer; " + primary + " takes writes, so nothing requires a takeover"
		case tool == "required" || tool == "possible" && j.InSync == dr.Yes:
			return "takeover " + tool + ": says getTakeoverRecommendation.py on " + primary
		default:
			return "not decidable: getTakeoverRecommendation.py on " + primary + " says " + tool + ", but in sync is " + j.InSync.String()
		}
	}
	switch {
	case m == nil || m.Primary == "":
		return "not decidable: no site takes writes, and nothing remembers the last state"
	case m.InSyncSince != nil && m.Proof != nil:
		return fmt.Sprintf("takeover required: %s does not work and %s was in sync at %s", m.Primary, m.Proof.Site, m.Proof.At.UTC().Format(time.RFC3339))
	}
	return "no takeover without accepting a loss: " + m.Primary + " does not work and was not in sync when it was last seen"
}
