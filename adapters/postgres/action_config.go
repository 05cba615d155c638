package postgres

import (
	"context"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// saveArgs name the copy of a server's configuration.
type saveArgs struct {
	On  Place  `json:"on"`
	Run string `json:"run"`
}

func (a saveArgs) check() error { return kit.Checks(a.On.Check(), kit.Match(kit.RunID, "run", a.Run)) }

// saveScript copies under a temporary name and renames at the end: the final
// name is the proof that the copy is whole.
const saveScript = `set -e; umask 077; to=$2.switchback/$3/conf; mkdir -p "$to.part"
for f in postgresql.conf postgresql.auto.conf pg_hba.conf pg_ident.conf; do
	[ ! -f "$1/$f" ] || cp -p "$1/$f" "$to.part/"; [ ! -f "$2/$f" ] || cp -p "$2/$f" "$to.part/"
done
mv "$to.part" "$to"`

// saveConfig keeps a server's own configuration outside of PGDATA: pg_rewind
// and a base backup bring the other side's.
var saveConfig = kit.Spec[saveArgs]{
	Name:  "postgres.save_config",
	Kind:  dr.KindChange,
	Doc:   "Copies postgresql.conf, postgresql.auto.conf, pg_hba.conf and pg_ident.conf beside PGDATA, because pg_rewind and base backups overwrite them with the other side's.",
	Check: saveArgs.check,
	Commands: func(a saveArgs) []dr.Command {
		conf := a.On.ConfigDir
		if conf == "" {
			conf = a.On.Data
		}
		return []dr.Command{a.On.script(saveScript, conf, a.On.Data, a.Run)}
	},
	Probe: func(ctx context.Context, env kit.Env, a saveArgs) kit.Effect {
		return a.On.hasMark(ctx, env, a.On.aside()+"/"+a.Run+"/conf")
	},
	Guard: func(ctx context.Context, env kit.Env, a saveArgs) (kit.HostTime, error) {
		return guardOn(ctx, env, func(r []Reading) error {
			if r[0].DataExists != dr.Yes || r[0].Rewind != "" {
				return kit.No("%s has no whole data directory", a.On.Site)
			}
			return nil
		}, a.On)
	},
	ProofText: func(a saveArgs) string { return a.On.aside() + "/" + a.Run + "/conf exists" },
	GuardText: func(a saveArgs) string { return a.On.Data + " is there and no rewind is open" },
}

// syncArgs set synchronous_standby_names.
type syncArgs struct {
	On    Place  `json:"on"`
	Names string `json:"names"`
}

// setSynchronous gives the new roles their synchronous standbys. A name of a
// server that is not there makes every commit hang.
var setSynchronous = kit.Spec[syncArgs]{
	Name: "postgres.set_synchronous",
	Kind: dr.KindChange,
	Doc:  "Sets synchronous_standby_names and reloads. A name of a server that is not there lets every commit hang, so it is emptied before a promotion and set only when the standby streams.",
	Check: func(a syncArgs) error {
		return kit.Checks(a.On.known(), kit.Match(syncNames, "synchronous_standby_names", a.Names))
	},
	Commands: func(a syncArgs) []dr.Command {
		return []dr.Command{a.On.change("alter system set synchronous_standby_names = "+kit.SQLText(a.Names), "select pg_reload_conf()")}
	},
	Probe: func(ctx context.Context, env kit.Env, a syncArgs) kit.Effect {
		r, _, err := a.On.read(ctx, env, brief)
		if err != nil {
			return kit.NotRead(a.On.Site, err)
		}
		if r.Server == nil {
			return kit.NotKnown("%s does not answer SQL: %s", a.On.Site, summary(r))
		}
		if r.Server.Synchronous == a.Names {
			return kit.Done("synchronous_standby_names of %s is '%s'", a.On.Site, a.Names)
		}
		return kit.NotDone("synchronous_standby_names of %s is '%s'", a.On.Site, dr.Clip(r.Server.Synchronous, 100))
	},
	Guard: func(ctx context.Context, env kit.Env, a syncArgs) (kit.HostTime, error) {
		return guardOn(ctx, env, func(r []Reading) error {
			if r[0].Server == nil {
				return kit.No("%s does not answer SQL: %s", a.On.Site, summary(r[0]))
			}
			return a.On.isMine(r[0])
		}, a.On)
	},
	ProofText: func(a syncArgs) string { return "show synchronous_standby_names on " + a.On.Site },
	GuardText: func(a syncArgs) string { return "the connection leads to " + a.On.Site + ", system " + a.On.System },
}
