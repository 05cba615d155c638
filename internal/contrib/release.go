package contrib

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/inventory"
)

// Clients that are kept away must not stay away because a worker died: the
// command that stops them first leaves a process on its own host that lets them
// in again after a time, unless that was taken back. It needs neither worker
// nor Temporal nor a connection.

// releaseShell defines, for POSIX sh:
//
//	later NAME SECONDS COMMAND...  carries the command out then; fails when
//	                               that cannot be promised
//	takeback NAME                  takes every such promise of the name back;
//	                               one that is being kept now is waited for
//	promised NAME                  prints how many stand
//
// The move of the file decides who is first: the promise or its end.
const releaseShell = `promises=${HOME:?}/.switchback/release
later() {
  promise=$promises/$1.$$; delay=$2; shift 2
  { [ -d "$promises" ] || mkdir -p "$promises"; } && : >"$promise.stands" || return 1
  (trap '' HUP; sleep "$delay"; mv "$promise.stands" "$promise.now" && { "$@"; rm -f "$promise.now"; }) </dev/null >/dev/null 2>&1 &
}
there() { [ -e "$1" ]; }
takeback() {
  there "$promises/$1".*.stands && rm -f "$promises/$1".*.stands; turn=0
  while there "$promises/$1".*.now && [ $turn -lt 100 ]; do sleep 0.05; turn=$((turn + 1)); done
}
promised() { set -- "$promises/$1".*.stands; if there "$1"; then echo $#; else echo 0; fi; }`

// promiseName makes the name of a promise.
func promiseName(parts ...string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return '-'
	}, strings.Join(parts, "-"))
}

// script puts fixed shell texts and their positional arguments into one
// command line.
func script(args []string, parts ...string) []string {
	return append([]string{"sh", "-c", strings.Join(parts, "\n"), "sh"}, args...)
}

// switching is when clients leave the old site, and whether they change sites
// in this plan at all. Where the new site is primary already they are only sent
// there: leave is empty.
func switching(in kit.PlanInput, d *kit.Draft) (leave dr.Phase, ok bool) {
	switch in.Gate {
	case dr.GateDecide:
		leave = dr.PhaseIsolate
	case dr.GateCutover:
		leave = dr.PhaseQuiesce
	case dr.GateConvert, dr.GateOverwrite, dr.GateUndo:
		return "", false
	}
	if to, _ := in.Situation.Site(d.To); d.From == "" || d.From == d.To || to.Role == dr.RolePrimary {
		leave = ""
	}
	return leave, true
}

// givenUp says whether the old site is given up for lost: then nobody may be
// sent back to it, since it may take writes that the new primary never sees.
func givenUp(in kit.PlanInput) bool {
	return in.Request.Procedure == dr.ProcTakeover && in.Request.Mode == dr.ModeUnplanned
}

// lostPlace says, as a consequence, that a proxy at a site that does not answer
// is left as it is.
func lostPlace(in kit.PlanInput, d *kit.Draft, client, what, host, site string) bool {
	if site == "" {
		return false
	}
	if s, _ := in.Situation.Site(site); s.Reachable != dr.No {
		return false
	}
	d.Consequence("%s on %s (clients %s) stands at %s, which does not answer: it is left as it is. When it returns it may still send clients to %s; keep clients off it until it was looked at.", what, host, client, site, d.From)
	return true
}

// numbered gives the end of a step's slug for one of several equal places.
func numbered(c inventory.Client, i int) string { return fmt.Sprintf("%s-%d", c.Name, i+1) }

// wholeSeconds gives a duration in whole seconds, rounded up.
func wholeSeconds(d dr.Duration) int { return int((d.D() + time.Second - 1) / time.Second) }

// sorted lists the keys of a map in order.
func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
