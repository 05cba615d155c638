package vras

import (
	"fmt"

	"github.com/switchback-dr/switchback/lab/vvr/kernel"
)

// field prints one line of repstatus.
func (r *run) field(name, value string) {
	r.println(fmt.Sprintf("  %-27s %s", name+":", value))
}

// repstatus prints the replication status as the Primary knows it: layout of a
// public command reference, values from the published guides.
func (r *run) repstatus(v kernel.View) error {
	r.println("Replicated Data Set: " + v.RVG)
	members := membersOf(v)
	r.primaryBlock(v, r.config.Host, v.SRLSize, len(members))
	var secondaries []seen
	for _, m := range members {
		s := r.look(m)
		secondaries = append(secondaries, s)
		r.secondaryBlock(v, s)
	}
	r.configErrors(v, secondaries)
	return nil
}

func (r *run) primaryBlock(v kernel.View, host string, srl int64, secondaries int) {
	r.println("Primary:")
	r.field("Host name", host)
	r.field("RVG name", v.RVG)
	r.field("DG name", v.DG)
	r.field("RVG state", rvgState(v))
	r.field("Data volumes", fmt.Sprint(len(v.Volumes)))
	r.field("VSets", "0")
	r.field("SRL name", v.SRL)
	r.field("SRL size", size(srl))
	r.field("Total secondaries", fmt.Sprint(secondaries))
}

func rvgState(v kernel.View) string {
	switch {
	case v.Acting:
		return "acting secondary"
	case v.Started:
		return "enabled for I/O"
	}
	return "disabled for I/O"
}

// size is a size with two digits, as "4.00 G".
func size(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.2f G", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.2f M", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.2f K", float64(n)/(1<<10))
}

func (r *run) secondaryBlock(v kernel.View, s seen) {
	e, l := v.End(s.name)
	var back *kernel.Link
	if s.alive {
		_, back = s.view.End(v.Host)
	}
	r.println("Secondary:")
	r.field("Host name", s.name)
	r.field("RVG name", v.RVG)
	r.field("DG name", v.DG)
	if r.has("-l") {
		r.field("Rlink from Primary", l.Name)
		r.field("Rlink to Primary", l.RemoteName)
		r.field("Configured mode", mode(l.Sync))
		r.field("Latency protection", "off")
		r.field("SRL protection", l.SRLProt)
	}
	r.field("Data status", dataStatus(e, l, s))
	r.field("Replication status", replicationStatus(e, l, back, s))
	r.field("Current mode", current(e, l))
	r.field("Logging to", loggingTo(v, e, l))
	r.field("Timestamp Information", timestamp(e, l))
	if r.has("-l") {
		r.field("Bandwidth Limit", "N/A")
		r.field("Compression Mode", "Off")
	}
}

func mode(sync bool) string {
	if sync {
		return "synchronous"
	}
	return "asynchronous"
}

func current(e kernel.End, l *kernel.Link) string {
	if !e.Connected {
		return "N/A"
	}
	return mode(l.Sync)
}

// dataStatus judges the Secondary's data.
func dataStatus(e kernel.End, l *kernel.Link, s seen) string {
	switch {
	case s.alive && s.view.Role == kernel.Primary && !s.view.Acting, e.Other.Two:
		return "N/A"
	case l.Mode == kernel.ModeFailback, l.Mode == kernel.ModeAutosync, l.Resync:
		return "inconsistent"
	case !l.Attached && !s.alive:
		return "N/A"
	case !l.Attached && !consistent(s.view):
		return "inconsistent"
	case !l.Attached:
		return "consistent, stale"
	case !l.Consistent:
		return "inconsistent"
	case l.Mode == kernel.ModeOverflow || e.Bytes > 0:
		return "consistent, behind"
	}
	return "consistent, up-to-date"
}

// consistent says whether a Secondary's data are, whichever RLINK they came by.
func consistent(v kernel.View) bool {
	for _, l := range v.Links {
		if l.Consistent {
			return true
		}
	}
	return false
}

// replicationStatus says what replication does and why it does not.
func replicationStatus(e kernel.End, l, back *kernel.Link, s seen) string {
	kind := map[kernel.Mode]string{
		kernel.ModeAutosync: "autosync", kernel.ModeOverflow: "dcm resynchronization", kernel.ModeFailback: "failback resynchronization",
	}[l.Mode]
	reason := pausedBecause(e, l)
	switch {
	case s.alive && s.view.Role == kernel.Primary && !s.view.Acting:
		return "N/A"
	case !l.Attached:
		return "stopped (primary detached)"
	case l.Mode != kernel.ModeFailback && back != nil && !back.Attached:
		return "stopped (secondary detached)"
	case l.Resync && reason != "":
		return "resync paused (" + reason + ")"
	case l.Resync:
		return "resync in progress (" + kind + ")"
	case l.Mode == kernel.ModeOverflow:
		return "logging to DCM (needs dcm resynchronization)"
	case l.Mode == kernel.ModeFailback && e.Heard:
		return "logging to DCM (needs failback synchronization)"
	case reason != "":
		return "paused (" + reason + ")"
	}
	return "replicating (connected)"
}

func pausedBecause(e kernel.End, l *kernel.Link) string {
	switch {
	case l.PrimaryPaused:
		return "primary paused"
	case l.SecondaryPaused:
		return "secondary paused"
	case !e.Connected:
		return "due to network disconnection"
	}
	return ""
}

func loggingTo(v kernel.View, e kernel.End, l *kernel.Link) string {
	why := map[kernel.Mode]string{
		kernel.ModeAutosync: "autosync", kernel.ModeOverflow: "SRL protection logging", kernel.ModeFailback: "failback logging",
	}[l.Mode]
	switch {
	case why != "":
		return fmt.Sprintf("DCM (contains %d Kbytes) (%s)", e.DCM>>10, why)
	case !l.Attached:
		return "N/A"
	case e.Bytes > 0:
		return fmt.Sprintf("SRL (%d Kbytes behind, %d%% full)", kbytes(e.Bytes), v.Percent(v.SRLUsed))
	}
	return "SRL"
}

// kbytes rounds up: a byte behind is not nothing.
func kbytes(n int64) int64 { return (n + 1023) >> 10 }

func timestamp(e kernel.End, l *kernel.Link) string {
	if !l.Attached || l.Mode != kernel.ModeSRL || !l.Consistent {
		return "N/A"
	}
	return fmt.Sprintf("behind by  %dh %dm %ds", e.Behind/3600, e.Behind/60%60, e.Behind%60)
}

// lastKnown is repstatus on a Secondary whose Primary is out of reach: what the
// Primary said last, with an error below that says so.
func (r *run) lastKnown(v kernel.View) {
	e, l := v.End(v.Follows)
	r.println("Replicated Data Set: " + v.RVG)
	primary := v
	primary.Started = true
	r.primaryBlock(primary, v.Follows, v.SRLSize, 1)
	r.println("Secondary:")
	r.field("Host name", v.Host)
	r.field("RVG name", v.RVG)
	r.field("DG name", v.DG)
	r.field("Data status", lastStatus(e, l))
	r.field("Replication status", "N/A")
	r.field("Current mode", "N/A")
	r.field("Logging to", "N/A")
	r.field("Timestamp Information", "N/A")
	r.println("Config Errors:")
	r.println("\t" + v.Follows + ":\t" + stale)
}

func lastStatus(e kernel.End, l *kernel.Link) string {
	switch {
	case l == nil:
		return "N/A"
	case !l.Consistent:
		return "inconsistent"
	case !e.Other.Known:
		return "N/A"
	case !l.Attached:
		return "consistent, stale"
	case e.Other.Behind == 0 && e.Other.Mode == kernel.ModeSRL:
		return "consistent, up-to-date"
	}
	return "consistent, behind"
}
