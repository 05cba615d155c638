package hana

import (
	"context"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// ssfsArgs say whose secure store replaces whose.
type ssfsArgs struct {
	On   Place  `json:"on"`
	From Place  `json:"from"`
	Run  string `json:"run"`
}

// ssfsScript keeps the site's own two files and takes the other site's, host to
// host as the login user: the content passes no third place. $1 host, $2 run,
// $3 data here, $4 data there, $5 key here, $6 key there.
const ssfsScript = `set -e; umask 077; from=$1 run=$2; shift 2
while [ $# -gt 0 ]; do
	[ -e "$1.switchback-$run" ] || cp -p "$1" "$1.switchback-$run"
	scp -q -p -B "$from:$2" "$1.part"
	mv "$1.part" "$1"
	shift 2
done`

// copySSFS makes the secure stores equal, as a registration wants them.
var copySSFS = kit.Spec[ssfsArgs]{
	Name:  "hana.copy_ssfs",
	Kind:  dr.KindChange,
	Doc:   "Copies the two files of the secure store in the file system (SSFS) from the primary to a stopped site by scp between the hosts, and keeps the site's own beside them. Only checksums are read. SAP Note 2369981, as cited in public guides.",
	Check: func(a ssfsArgs) error { return kit.Checks(a.On.Check(), a.From.Check(), checkRun(a.Run)) },
	Commands: func(a ssfsArgs) []dr.Command {
		data, key := a.On.ssfsFiles()
		fromData, fromKey := a.From.ssfsFiles()
		return []dr.Command{{
			Host: a.On.main().Host, Login: true, Env: []string{"LC_ALL=C"},
			Argv: []string{"sh", "-c", ssfsScript, "sh", a.From.main().Name, a.Run, data, fromData, key, fromKey},
		}}
	},
	Probe: func(ctx context.Context, env kit.Env, a ssfsArgs) kit.Effect {
		mine, _, err := a.On.brief(ctx, env, partSSFS)
		if err != nil {
			return notRead(a.On, err)
		}
		theirs, _, err := a.From.brief(ctx, env, partSSFS)
		if err != nil {
			return notRead(a.From, err)
		}
		if mine.SSFS != theirs.SSFS {
			return kit.NotDone("the secure stores differ: %s on %s, %s on %s", mine.SSFS, a.On.Site, theirs.SSFS, a.From.Site)
		}
		return kit.Done("the secure stores of %s and %s have the checksum %s", a.On.Site, a.From.Site, mine.SSFS)
	},
	Guard: func(ctx context.Context, env kit.Env, a ssfsArgs) (kit.HostTime, error) {
		r, at, err := a.On.brief(ctx, env, partProcesses, partConfig, partCluster)
		if err != nil {
			return 0, err
		}
		p, _, err := a.From.brief(ctx, env, partState, partConfig)
		if err != nil {
			return 0, err
		}
		return at, kit.Checks(a.On.isMine(r), a.On.isStopped(r), a.From.isPrimary(p))
	},
	ProofText: func(a ssfsArgs) string {
		data, key := a.On.ssfsFiles()
		return "sha256sum of " + data + " and " + key + " gives the same on " + a.On.Site + " and " + a.From.Site
	},
	GuardText: func(a ssfsArgs) string {
		return a.On.Site + " is stopped on every host; " + a.From.Site + " is the primary"
	},
}
