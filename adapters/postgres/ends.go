package postgres

import (
	"fmt"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// endVerdict is how the end of a server's own log stands to the new primary.
type endVerdict int

const (
	// endUnknown: not readable or not clean; treated as past the switch.
	endUnknown endVerdict = iota
	// endsWithin: everything that the server wrote is in the new primary.
	endsWithin
	// endsPast: the server wrote records that the new primary never got.
	endsPast
	// endsApart: both were promoted from the same timeline, or the timelines
	// have no common parent: only a new copy helps.
	endsApart
)

type ends struct {
	Verdict endVerdict
	// Timeline is the old server's; Switch is where the primary left it; End
	// is where the old server's log ends, 0 when not known.
	Timeline uint32
	Switch   LSN
	End      LSN
	Text     string
}

// compareEnds decides, before anything is started or rewound, whether an old
// primary needs a rewind. It reads the old server's newest segment: the
// control file's timeline lags after a promotion.
func compareEnds(old, primary Reading) ends {
	e := ends{Timeline: old.Timeline(), End: old.WALEnd}
	now := primary.Timeline()
	if e.Timeline == 0 || now == 0 {
		e.Text = "the timelines could not be read"
		return e
	}
	if e.Timeline > now {
		e.Verdict, e.Text = endsApart, fmt.Sprintf("its timeline %d is newer than the primary's %d", e.Timeline, now)
		return e
	}
	if e.Timeline == now {
		// A former standby or a standby that followed already has the
		// primary's timeline without a promotion of its own.
		if old.StandbySignal || old.Control.State == stateShutDownInRecovery || old.Control.State == stateInRecovery {
			e.Verdict, e.Text = endsWithin, fmt.Sprintf("it followed the primary on timeline %d already", now)
			return e
		}
		e.Verdict, e.Text = endsApart, fmt.Sprintf("both were promoted to timeline %d: their logs differ under the same name", now)
		return e
	}
	sw, ok := primary.Switch(e.Timeline)
	if !ok || primary.HistoryTimeline != now {
		e.Verdict, e.Text = endsApart, fmt.Sprintf("the primary's history does not name its timeline %d", e.Timeline)
		return e
	}
	e.Switch = sw
	clean := old.Control.State == stateShutDown && old.Control.Timeline == e.Timeline
	switch {
	case clean && old.Control.Checkpoint < sw:
		// The shutdown checkpoint is the last record, and the primary
		// replayed past its beginning.
		e.Verdict, e.Text = endsWithin, fmt.Sprintf("its shutdown checkpoint %s is before the switch at %s", old.Control.Checkpoint, sw)
	case e.End == 0:
		e.Text = "the end of its log could not be read cleanly: " + dr.Clip(kit.OrNotRead(old.WALEndText), 120)
	case e.End <= sw:
		e.Verdict, e.Text = endsWithin, fmt.Sprintf("its log ends at %s, at or before the switch at %s", e.End, sw)
	default:
		e.Verdict, e.Text = endsPast, fmt.Sprintf("its log ends at %s, %s past the switch at %s", e.End, dr.ByteText(int64(e.End-sw)), sw)
	}
	return e
}
