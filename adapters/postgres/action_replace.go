package postgres

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// replaceArgs put a copy in the place of a data directory.
type replaceArgs struct {
	On      Place  `json:"on"`
	Primary Place  `json:"primary"`
	Dir     string `json:"dir"`
	Run     string `json:"run"`
}

// replaceScript: $1 data, $2 copy, $3 run, $4 port, $5 socket directory, $6
// config directory, $7 start.conf. The signal file is written before the copy
// gets the server's name: without it the copy would start as an independent
// primary. The old directory is moved aside, never deleted.
const replaceScript = `set -e; umask 077; in=$1.incoming-$3; old=$1.replaced-$3
pid=$(head -n 1 "$1/postmaster.pid" 2>/dev/null || :)
if [ -n "$pid" ] && [ "/proc/$pid/cwd" -ef "$1" ]; then echo "a server runs in $1" >&2; exit 3; fi
if [ ! -e "$in/switchback-copy" ]; then
	[ -e "$2/backup_manifest" ]; : >"$2/standby.signal"; chmod 700 "$2"
	conf=$1.switchback/$3/conf; [ -d "$conf" ] || conf=$(ls -dt "$1".switchback/*/conf 2>/dev/null | head -n 1)
	if [ -n "$conf" ] && [ -z "$6" ]; then cp -p "$conf"/* "$2/"; elif [ -n "$conf" ]; then cp -p "$conf/postgresql.auto.conf" "$2/"
	else printf "port = %s\nunix_socket_directories = '%s'\n" "$4" "$5" >>"$2/postgresql.auto.conf"; fi
	[ "$2" = "$in" ] || mv "$2" "$in"; echo "$3" >"$in/switchback-copy.part"; mv "$in/switchback-copy.part" "$in/switchback-copy"
fi
if [ -d "$1/switchback-fence" ] && [ -n "$7" ] && [ -e "$1/switchback-fence/start.conf" ]; then cp "$1/switchback-fence/start.conf" "$7"; fi
if [ -e "$1" ]; then [ ! -e "$old" ]; mv "$1" "$old"; fi
for w in "$1".rewind-*; do [ ! -d "$w" ] || mv "$w" "$1.replaced-${w##*.}"; done
mkdir -p "$(dirname "$2")"; : >"$2.used"; mv "$in" "$1"; sync "$(dirname "$1")"`

// replaceData is the restore: the copy takes the place of the data directory.
var replaceData = kit.Spec[replaceArgs]{
	Name: "postgres.replace_data",
	Kind: dr.KindIrreversible,
	Doc:  "Puts the verified copy in the place of PGDATA, with standby.signal and the server's own configuration in it before it gets the name; the old directory is moved aside under a name that carries the run, not deleted.",
	Check: func(a replaceArgs) error {
		if !kit.PlainPath(a.Dir) {
			return fmt.Errorf("the directory %q is no plain absolute path", dr.Clip(a.Dir, 80))
		}
		return kit.Checks(a.On.Check(), a.Primary.known(), kit.Match(kit.RunID, "run", a.Run))
	},
	Commands: func(a replaceArgs) []dr.Command {
		return []dr.Command{a.On.script(replaceScript, a.On.Data, a.Dir, a.Run, strconv.Itoa(a.On.Port), a.On.Socket, a.On.ConfigDir, a.On.StartConf)}
	},
	Probe: func(ctx context.Context, env kit.Env, a replaceArgs) kit.Effect {
		out, err := a.On.query(ctx, env, a.On.script(`if [ -e "$1/switchback-copy" ]; then head -n 1 "$1/switchback-copy"; else echo none; fi`, a.On.Data))
		switch {
		case err != nil:
			return kit.NotRead(a.On.Site, err)
		case out == a.Run:
			return kit.Done("%s is this run's copy of %s", a.On.Data, a.Primary.Site)
		case out == "none" || kit.RunID.MatchString(out):
			return kit.NotDone("%s is not this run's copy (%s)", a.On.Data, out)
		}
		return kit.NotKnown("%s: the answer %q was not recognised", a.On.Site, dr.Clip(out, 60))
	},
	Guard: func(ctx context.Context, env kit.Env, a replaceArgs) (kit.HostTime, error) {
		return guardOn(ctx, env, func(r []Reading) error {
			if r[0].Running != dr.No {
				return kit.No("%s is not proven to be stopped: %s", a.On.Site, summary(r[0]))
			}
			if m := managedBy(r[0]); m != "" {
				return kit.No("%s is in charge of %s", m, a.On.Site)
			}
			if e := a.On.hasMark(ctx, env, a.Dir+".verified/ok"); e.State != kit.EffectDone {
				return kit.No("the copy is not verified: %s", e.Text)
			}
			return a.Primary.isPrimary(r[1])
		}, a.On, a.Primary)
	},
	ProofText: func(a replaceArgs) string { return a.On.Data + "/switchback-copy holds " + a.Run },
	GuardText: func(a replaceArgs) string {
		return "no server runs in " + a.On.Data + ", the copy is verified, " + a.Primary.Site + " is the running primary"
	},
}

// standbyArgs stop a standby.
type standbyArgs struct {
	On      Place `json:"on"`
	Primary Place `json:"primary"`
}

// stopStandby stops a standby whose data will be replaced.
var stopStandby = kit.Spec[standbyArgs]{
	Name:  "postgres.stop_standby",
	Kind:  dr.KindChange,
	Doc:   "pg_ctl -m fast stop of a standby. Never of a primary.",
	Check: func(a standbyArgs) error { return kit.Checks(a.On.Check(), a.Primary.known()) },
	Commands: func(a standbyArgs) []dr.Command {
		return []dr.Command{a.On.script(stopScript, a.On.Bin, a.On.Data, "6000")}
	},
	Probe: func(ctx context.Context, env kit.Env, a standbyArgs) kit.Effect {
		r, _, err := a.On.read(ctx, env, brief)
		switch {
		case err != nil:
			return kit.NotRead(a.On.Site, err)
		case r.Running == dr.No:
			return kit.Done("%s is stopped", a.On.Site)
		case r.Running == dr.Yes:
			return kit.NotDone("%s runs", a.On.Site)
		}
		return kit.NotKnown("whether %s runs is unknown", a.On.Site)
	},
	Guard: func(ctx context.Context, env kit.Env, a standbyArgs) (kit.HostTime, error) {
		return guardOn(ctx, env, func(r []Reading) error {
			if r[0].InRecovery() != dr.Yes {
				return kit.No("%s is not a running standby: %s", a.On.Site, summary(r[0]))
			}
			return a.Primary.isPrimary(r[1])
		}, a.On, a.Primary)
	},
	ProofText: func(a standbyArgs) string { return "no server process stands in " + a.On.Data },
	GuardText: func(a standbyArgs) string { return a.On.Site + " is in recovery, " + a.Primary.Site + " is primary" },
}

// lastOf gives the last line with text.
func lastOf(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}
