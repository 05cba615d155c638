package planning

import (
	"fmt"
	"slices"
	"time"

	"github.com/switchback-dr/switchback/dr"
)

// Remember puts one observation into a watch's memory. It is a pure function.
// news are sentences about what changed in a way that must be kept: an interval
// of being in sync opened or closed, or alarms that came or went.
//
// An unreachable primary never erases the last proof: only a reachable one that
// says "not in sync" closes the interval.
func Remember(m dr.Memory, s dr.Situation, now time.Time) (dr.Memory, []string) {
	out := m
	out.Schema, out.System, out.At = dr.MemorySchema, s.System, now
	var news []string
	primary := rememberPrimary(&out, s)
	switch {
	case s.Judgement.InSync == dr.Yes && s.Judgement.Proof != nil:
		p := *s.Judgement.Proof
		out.Proof = &p
		if out.InSyncSince == nil {
			at := p.At
			out.InSyncSince, out.ClosedAt, out.ClosedWhy = &at, nil, ""
			news = append(news, "in sync: "+p.Source)
		}
	case s.Judgement.InSync == dr.No && primary != "" && out.InSyncSince != nil:
		at := now
		out.InSyncSince, out.ClosedAt = nil, &at
		out.ClosedWhy = fmt.Sprintf("the primary %s is reachable and says that it is not in sync", primary)
		news = append(news, "not in sync any more: "+out.ClosedWhy)
	}
	alarms := alarmsOf(m, s)
	if !slices.Equal(alarms, m.Alarms) {
		for _, a := range alarms {
			if !slices.Contains(m.Alarms, a) {
				news = append(news, "alarm: "+a)
			}
		}
		for _, a := range m.Alarms {
			if !slices.Contains(alarms, a) {
				news = append(news, "alarm over: "+a)
			}
		}
	}
	out.Alarms = alarms
	return out, news
}

// rememberPrimary notes the one site that accepts writes now, and how far it
// had written when the observation began.
func rememberPrimary(out *dr.Memory, s dr.Situation) string {
	p := s.Primaries()
	if len(p) != 1 {
		return ""
	}
	at := s.At
	out.Primary, out.PrimarySeen, out.Positions = p[0], &at, s.Judgement.Positions
	return p[0]
}

// alarmsOf adds to the adapter's alarms the one that needs memory: a site that
// was primary before another took over accepts writes again.
func alarmsOf(m dr.Memory, s dr.Situation) []string {
	alarms := slices.Clone(s.Judgement.Alarms)
	p := s.Primaries()
	if len(p) > 1 {
		alarms = append(alarms, fmt.Sprintf("two primaries: %v accept writes", p))
	}
	if b := m.Baseline; b != nil && m.Unprotected != nil && slices.Contains(p, b.Primary) && m.Primary != b.Primary {
		alarms = append(alarms, fmt.Sprintf("the old primary %s is back and accepts writes", b.Primary))
	}
	slices.Sort(alarms)
	return slices.Compact(alarms)
}
