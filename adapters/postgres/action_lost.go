package postgres

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// lostArgs say which log an old primary wrote that the new one never got.
type lostArgs struct {
	On      Place `json:"on"`
	Primary Place `json:"primary"`
	// To is the directory that keeps the segments.
	To       string `json:"to"`
	Timeline uint32 `json:"timeline"`
	// Switch is where the new primary left the timeline, First the segment
	// that holds it.
	Switch LSN    `json:"switch"`
	First  string `json:"first"`
	// End is the end of the old log, 0 when it could not be read cleanly.
	End LSN `json:"end"`
}

var segmentName = regexp.MustCompile(`^[0-9A-F]{24}$`)

// keepScript: $1 bin, $2 data, $3 directory, $4 timeline, $5 switch, $6 first
// segment. The final name is the proof that the copy is whole.
const keepScript = `set -e; umask 077; mkdir -p "$3.part"
ls "$2/pg_wal" | grep -x '[0-9A-F]\{24\}' | while read -r s; do
	if [ "$(printf '%s\n%s\n' "$6" "$s" | sort | head -n 1)" = "$6" ]; then cp -p "$2/pg_wal/$s" "$3.part/"; fi
done
"$1/pg_waldump" -p "$2/pg_wal" -t "$4" -s "$5" -r Transaction >"$3.part/transactions.txt" 2>"$3.part/end.txt" || :
sync; mv "$3.part" "$3"`

// keepLost lists and keeps what the new primary never got, before pg_rewind
// destroys it.
var keepLost = kit.Spec[lostArgs]{
	Name: "postgres.keep_lost",
	Kind: dr.KindChange,
	Doc:  "Copies the old primary's log segments from the switch position on to the backup directory and lists the transactions committed there: they are exactly the lost ones. pg_rewind destroys them.",
	Check: func(a lostArgs) error {
		if !kit.PlainPath(a.To) || a.Timeline == 0 || a.Switch == 0 {
			return fmt.Errorf("the directory, timeline or switch position is missing")
		}
		return kit.Checks(a.On.known(), a.Primary.known(), kit.Match(segmentName, "segment", a.First))
	},
	Commands: func(a lostArgs) []dr.Command {
		return []dr.Command{a.On.script(keepScript, a.On.Bin, a.On.Data, a.To, strconv.FormatUint(uint64(a.Timeline), 10), a.Switch.String(), a.First)}
	},
	Probe: func(ctx context.Context, env kit.Env, a lostArgs) kit.Effect {
		out, err := a.On.query(ctx, env, a.On.script(`if [ -d "$1" ]; then echo kept; grep -c 'desc: COMMIT' "$1/transactions.txt"; grep 'desc: COMMIT' "$1/transactions.txt" | head -n 100; exit 0; else echo none; fi`, a.To))
		if err != nil {
			return kit.NotRead(a.On.Site, err)
		}
		if out == "none" {
			return kit.NotDone("%s is not there", a.To)
		}
		return a.found(out)
	},
	Guard: func(ctx context.Context, env kit.Env, a lostArgs) (kit.HostTime, error) {
		return guardOn(ctx, env, func(r []Reading) error {
			return kit.Checks(a.On.isDown(r[0]), a.Primary.isPrimary(r[1]))
		}, a.On, a.Primary)
	},
	ProofText: func(a lostArgs) string { return a.To + " exists with the segments and transactions.txt" },
	GuardText: func(a lostArgs) string { return a.On.Site + " is stopped and " + a.Primary.Site + " is primary" },
}

var commitLine = regexp.MustCompile(`tx:\s+([0-9]+), lsn: ([0-9A-F]+/[0-9A-F]+),.*desc: COMMIT (\S+ \S+ \S+)`)

// found turns the listing into the loss.
func (a lostArgs) found(out string) kit.Effect {
	lines := strings.Split(out, "\n")
	if len(lines) < 2 || lines[0] != "kept" {
		return kit.NotKnown("%s: the listing was not recognised: %q", a.On.Site, dr.Clip(out, 80))
	}
	n, err := strconv.ParseInt(strings.TrimSpace(lines[1]), 10, 64)
	if err != nil {
		return kit.NotKnown("%s: the count was not recognised: %q", a.On.Site, dr.Clip(lines[1], 40))
	}
	loss := &dr.LossFound{Amount: dr.Amount{Bytes: -1, Transactions: n, Millis: -1}, Kept: a.On.Host + ":" + a.To}
	if a.End > a.Switch {
		loss.Amount.Bytes = int64(a.End - a.Switch)
	}
	for _, l := range lines[2:] {
		if m := commitLine.FindStringSubmatch(l); m != nil {
			loss.Items = append(loss.Items, fmt.Sprintf("transaction %s at %s, committed %s", m[1], m[2], m[3]))
		}
	}
	loss.Text = fmt.Sprintf("%d transactions were committed on %s after %s and never reached %s; their log is kept in %s", n, a.On.Site, a.Switch, a.Primary.Site, a.To)
	e := kit.Done("%s", loss.Text)
	e.Loss = loss
	e.Evidence = []dr.Evidence{{Name: "lost transactions", Text: dr.Clip(strings.Join(loss.Items, "\n"), 3000)}}
	return e
}
