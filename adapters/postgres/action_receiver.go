package postgres

import (
	"context"
	"fmt"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// receiverArgs stop or resume a standby's receiving.
type receiverArgs struct {
	On  Place  `json:"on"`
	Run string `json:"run"`
}

func (a receiverArgs) check() error {
	return kit.Checks(a.On.known(), kit.Match(kit.RunID, "run", a.Run))
}

// stopReceiverScript keeps the settings once, then runs the rest of its
// arguments. $1 data, $2 run.
const stopReceiverScript = `set -e; umask 077; d=$1; keep=$1.switchback/$2; shift 2; mkdir -p "$keep"
if [ ! -e "$keep/upstream.conf" ]; then cp "$d/postgresql.auto.conf" "$keep/upstream.part"; mv "$keep/upstream.part" "$keep/upstream.conf"; fi
exec "$@"`

// stopReceiver ends receiving before the last position is read: until then the
// standby still receives, and in synchronous mode still acknowledges, what the
// old primary commits. Pausing replay would not stop receiving.
var stopReceiver = kit.Spec[receiverArgs]{
	Name:  "postgres.stop_receiver",
	Kind:  dr.KindChange,
	Doc:   "Empties primary_conninfo and waits until the WAL receiver is gone, so that the position read afterwards is the last one. Pausing replay does not stop receiving.",
	Check: receiverArgs.check,
	Commands: func(a receiverArgs) []dr.Command {
		c := a.On.change("alter system set primary_conninfo = ''", "select pg_reload_conf()")
		s := a.On.script(stopReceiverScript, append([]string{a.On.Data, a.Run}, c.Argv...)...)
		s.Env = c.Env
		return []dr.Command{s}
	},
	Probe: func(ctx context.Context, env kit.Env, a receiverArgs) kit.Effect {
		out, err := a.On.query(ctx, env, a.On.psql("select pg_is_in_recovery(), current_setting('primary_conninfo') = '', (select count(*) from pg_stat_wal_receiver)"))
		if err != nil {
			return kit.NotRead(a.On.Site, err)
		}
		f, ok := fields(out, 3)
		switch {
		case !ok:
			return kit.NotKnown("%s: the answer %q was not recognised", a.On.Site, dr.Clip(out, 60))
		case f[0] == "f":
			return kit.Done("%s is primary and receives nothing", a.On.Site)
		case f[1] == "t" && f[2] == "0":
			return kit.Done("%s receives nothing any more", a.On.Site)
		}
		return kit.NotDone("%s still has a WAL receiver, or a source for one", a.On.Site)
	},
	Guard: func(ctx context.Context, env kit.Env, a receiverArgs) (kit.HostTime, error) {
		return guardOn(ctx, env, func(r []Reading) error { return a.On.isStandby(r[0]) }, a.On)
	},
	ProofText: func(a receiverArgs) string {
		return "pg_stat_wal_receiver on " + a.On.Site + " is empty and primary_conninfo is ''"
	},
	GuardText: func(a receiverArgs) string { return a.On.Site + " is a running standby" },
}

// resumeReceiver is the undo of stopReceiver.
var resumeReceiver = kit.Spec[receiverArgs]{
	Name:  "postgres.resume_receiver",
	Kind:  dr.KindChange,
	Doc:   "Undo of postgres.stop_receiver: puts the kept postgresql.auto.conf back and reloads.",
	Check: receiverArgs.check,
	Commands: func(a receiverArgs) []dr.Command {
		return []dr.Command{a.On.script(`set -e; umask 077; keep=$2.switchback/$3; cp "$keep/upstream.conf" "$2/postgresql.auto.conf.part"
mv "$2/postgresql.auto.conf.part" "$2/postgresql.auto.conf"; "$1/pg_ctl" -D "$2" reload; mv "$keep/upstream.conf" "$keep/upstream.restored"`, a.On.Bin, a.On.Data, a.Run)}
	},
	Probe: func(ctx context.Context, env kit.Env, a receiverArgs) kit.Effect {
		return inverse(a.On.hasMark(ctx, env, a.On.aside()+"/"+a.Run+"/upstream.conf"))
	},
	Guard: func(ctx context.Context, env kit.Env, a receiverArgs) (kit.HostTime, error) {
		return guardOn(ctx, env, func(r []Reading) error { return a.On.isStandby(r[0]) }, a.On)
	},
	ProofText: func(a receiverArgs) string { return a.On.aside() + "/" + a.Run + "/upstream.conf is gone" },
	GuardText: func(a receiverArgs) string { return a.On.Site + " is still a standby" },
}

// inverse swaps done and not done.
func inverse(e kit.Effect) kit.Effect {
	switch e.State {
	case kit.EffectDone:
		e.State = kit.EffectNotDone
	case kit.EffectNotDone:
		e.State = kit.EffectDone
	case kit.EffectUnknown:
	}
	return e
}

// repointArgs turn a running standby to another primary.
type repointArgs struct {
	On       Place  `json:"on"`
	Primary  Place  `json:"primary"`
	Conninfo string `json:"conninfo"`
	Slot     string `json:"slot"`
	// Address and Port are where the receiver must then come from.
	Address string `json:"address"`
	Port    int    `json:"port"`
}

// repoint turns a sibling to the new primary without a restart (13 and later).
var repoint = kit.Spec[repointArgs]{
	Name: "postgres.repoint",
	Kind: dr.KindChange,
	Doc:  "Turns another standby to the new primary by ALTER SYSTEM and a reload, without a restart. It must not be ahead of the position at which the new primary left the timeline.",
	Check: func(a repointArgs) error {
		return kit.Checks(a.On.known(), a.Primary.known(), kit.Match(conninfoText, "connection", a.Conninfo), kit.Match(slotName, "slot", a.Slot), kit.Match(kit.Address, "address", a.Address))
	},
	Commands: func(a repointArgs) []dr.Command {
		return []dr.Command{a.On.change("alter system set primary_conninfo = "+kit.SQLText(a.Conninfo), "alter system set primary_slot_name = "+kit.SQLText(a.Slot), "select pg_reload_conf()")}
	},
	Probe: func(ctx context.Context, env kit.Env, a repointArgs) kit.Effect {
		r, _, err := a.On.read(ctx, env, brief)
		if err != nil {
			return kit.NotRead(a.On.Site, err)
		}
		if r.Server == nil {
			return kit.NotKnown("%s does not answer SQL: %s", a.On.Site, summary(r))
		}
		if v := r.Receiver; v != nil && v.Status == "streaming" && v.Host != nil && *v.Host == a.Address && v.Port != nil && *v.Port == a.Port && r.Server.Slot == a.Slot {
			return kit.Done("%s streams from %s", a.On.Site, a.Primary.Site)
		}
		return kit.NotDone("%s: %s, slot %q", a.On.Site, receiverWords(r), r.Server.Slot)
	},
	Guard: func(ctx context.Context, env kit.Env, a repointArgs) (kit.HostTime, error) {
		rs, ts, err := readAll(ctx, env, full, a.On, a.Primary)
		if err != nil {
			return 0, err
		}
		if err := kit.Checks(a.On.isStandby(rs[0]), a.Primary.isPrimary(rs[1])); err != nil {
			return 0, err
		}
		held, ok := rs[0].Held()
		sw, left := rs[1].Switch(rs[0].Timeline())
		if rs[0].Timeline() != rs[1].Timeline() && (!ok || !left || held > sw) {
			return 0, kit.No("%s holds %s on timeline %d, %s left that timeline at %s", a.On.Site, held, rs[0].Timeline(), a.Primary.Site, sw).
				WithNext("make %s anew with a reseed", a.On.Site)
		}
		return ts[0], nil
	},
	ProofText: func(a repointArgs) string {
		return fmt.Sprintf("pg_stat_wal_receiver on %s is streaming from %s:%d", a.On.Site, a.Address, a.Port)
	},
	GuardText: func(a repointArgs) string {
		return a.On.Site + " is a standby and not ahead of the position at which " + a.Primary.Site + " left the timeline"
	},
}
