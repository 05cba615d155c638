package postgres

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// writeArgs are the arguments of the test write.
type writeArgs struct {
	On  Place  `json:"on"`
	Run string `json:"run"`
}

func (a writeArgs) mark() string { return a.On.aside() + "/" + a.Run + "/test-write-" + a.On.Site }

// testWrite commits a log message: it needs no table and leaves nothing, but
// waits for synchronous standbys as every commit does.
var testWrite = kit.Spec[writeArgs]{
	Name:  "postgres.test_write",
	Kind:  dr.KindChange,
	Doc:   "Commits a transaction that writes only a log message. A select would stay green while every commit hangs on a synchronous standby that is not there.",
	Check: func(a writeArgs) error { return kit.Checks(a.On.known(), kit.Match(kit.RunID, "run", a.Run)) },
	Commands: func(a writeArgs) []dr.Command {
		return []dr.Command{a.On.marked(a.mark(), a.On.change("set statement_timeout = '10s'",
			"select pg_logical_emit_message(true, 'switchback', "+kit.SQLText(a.Run)+")"))}
	},
	Probe: func(ctx context.Context, env kit.Env, a writeArgs) kit.Effect {
		return a.On.hasMark(ctx, env, a.mark())
	},
	Guard: func(ctx context.Context, env kit.Env, a writeArgs) (kit.HostTime, error) {
		return guardOn(ctx, env, func(r []Reading) error { return a.On.isPrimary(r[0]) }, a.On)
	},
	Interpret: func(a writeArgs, j kit.Job) error {
		if j.Exit == 0 {
			return nil
		}
		return dr.Hold("test_write", "a test write on %s was not committed: %s", a.On.Site, dr.Clip(j.Stdout, 300)).
			WithNext("look at synchronous_standby_names on %s: a name of a server that is not there lets every commit hang; then retry", a.On.Site)
	},
	ProofText: func(a writeArgs) string { return a.mark() + " exists: the commit returned without a warning" },
	GuardText: func(a writeArgs) string { return a.On.Site + " is the running primary" },
	Settle:    2 * time.Second,
}

// primaryArgs want a primary on a newer timeline than the old one.
type primaryArgs struct {
	On    Place  `json:"on"`
	After uint32 `json:"after"`
}

// checkPrimary reads the new primary's role and timeline.
var checkPrimary = kit.Spec[primaryArgs]{
	Name:  "postgres.check_primary",
	Kind:  dr.KindRead,
	Doc:   "Reads that the server is primary, and on a timeline after the given one.",
	Check: func(a primaryArgs) error { return a.On.known() },
	Commands: func(a primaryArgs) []dr.Command {
		return []dr.Command{a.command()}
	},
	Probe: func(ctx context.Context, env kit.Env, a primaryArgs) kit.Effect {
		out, err := a.On.query(ctx, env, a.command())
		if err != nil {
			return kit.NotRead(a.On.Site, err)
		}
		f, ok := fields(out, 3)
		if !ok || f[0] != a.On.System || (f[1] != "t" && f[1] != "f") {
			return kit.NotKnown("%s: the answer %q was not recognised", a.On.Site, dr.Clip(out, 80))
		}
		if tl := timelineOf(f[2]); f[1] == "f" && tl > a.After {
			return kit.Done("%s is primary on timeline %d", a.On.Site, tl)
		}
		return kit.NotDone("%s: in recovery %s, log file %s", a.On.Site, f[1], f[2])
	},
	ProofText: func(a primaryArgs) string {
		return fmt.Sprintf("%s is not in recovery and its WAL file's name begins with a timeline after %08X", a.On.Site, a.After)
	},
}

func (a primaryArgs) command() dr.Command {
	return a.On.psql("select (select system_identifier from pg_control_system()), pg_is_in_recovery(), case when not pg_is_in_recovery() then pg_walfile_name(pg_current_wal_lsn()) end")
}

// streamArgs wait for a standby of a primary.
type streamArgs struct {
	Primary Place  `json:"primary"`
	Name    string `json:"name"`
	// MaxLag is how far replay may be behind, in bytes, to count as caught
	// up; 0 asks only for replay past the last checkpoint.
	MaxLag int64 `json:"max_lag,omitempty"`
}

func (a streamArgs) command() dr.Command {
	return a.Primary.psql("select state, replay_lsn >= (select checkpoint_lsn from pg_control_checkpoint()), pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)::bigint " +
		"from pg_stat_replication where application_name = " + kit.SQLText(a.Name))
}

// waitStreaming is the only proof that a standby is attached: a start with
// exit code 0 is none.
var waitStreaming = kit.Spec[streamArgs]{
	Name: "postgres.wait_streaming",
	Kind: dr.KindRead,
	Doc:  "Waits until pg_stat_replication on the primary shows the standby as streaming, with replay past the primary's last checkpoint. An exit code of a start or rewind proves nothing.",
	Check: func(a streamArgs) error {
		return kit.Checks(a.Primary.known(), kit.Match(appName, "application_name", a.Name))
	},
	Commands: func(a streamArgs) []dr.Command { return []dr.Command{a.command()} },
	Probe: func(ctx context.Context, env kit.Env, a streamArgs) kit.Effect {
		out, err := a.Primary.query(ctx, env, a.command())
		if err != nil {
			return kit.NotRead(a.Primary.Site, err)
		}
		if out == "" {
			return kit.NotDone("%s is not connected to %s", a.Name, a.Primary.Site)
		}
		f, ok := fields(out, 3)
		if !ok {
			return kit.NotKnown("more than one standby calls itself %s, or the answer was not recognised: %q", a.Name, dr.Clip(out, 80))
		}
		behind, err := strconv.ParseInt(f[2], 10, 64)
		if f[2] == "" { // a standby that has just connected has no position yet
			return kit.NotDone("%s is %s and has told no position yet", a.Name, f[0])
		}
		if err != nil {
			return kit.NotKnown("the answer was not recognised: %q", dr.Clip(out, 80))
		}
		if f[0] != "streaming" || f[1] != "t" || (a.MaxLag > 0 && behind > a.MaxLag) {
			e := kit.NotDone("%s is %s, %s behind", a.Name, kit.OrNotRead(f[0]), dr.ByteText(behind))
			e.Progress = &kit.Progress{Text: "waiting for log replay: " + e.Text, At: env.Now()}
			return e
		}
		return kit.Done("%s streams from %s, %s behind", a.Name, a.Primary.Site, dr.ByteText(behind))
	},
	ProofText: func(a streamArgs) string {
		return "pg_stat_replication on " + a.Primary.Site + " shows " + a.Name + " as streaming"
	},
	Poll: 50 * time.Millisecond,
}
