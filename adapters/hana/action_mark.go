package hana

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// markArgs say whose mark it is.
type markArgs struct {
	On  Place  `json:"on"`
	Run string `json:"run"`
}

func (a markArgs) check() error { return kit.Checks(a.On.Check(), checkRun(a.Run)) }

// markScript writes the mark with a life of 15 minutes. $1 mark, $2 run.
const markScript = `set -e; umask 027; mkdir -p "${1%/*}"; printf 'owner %s\nexpires %s\n' "$2" $(($(date +%s) + 900)) >"$1.part"; mv "$1.part" "$1"`

// unmarkScript removes the mark of this run, and no other one.
const unmarkScript = `grep -qx "owner $2" "$1" 2>/dev/null && rm -f "$1"; [ ! -e "$1" ] || ! grep -qx "owner $2" "$1"`

// readMark prints the owner, and the seconds of life that are left.
const readMark = `echo begin; [ -r "$1" ] && while read -r k v; do case $k in owner) echo "owner $v" ;; expires) case $v in '' | *[!0-9]*) ;; *) echo "left $((v - $(date +%s)))" ;; esac ;; esac; done <"$1"; echo end`

// markLife is how much of its life a mark must have left to count.
const markLife = 60

func (a markArgs) state(ctx context.Context, env kit.Env) (owner string, left int, err error) {
	out, err := readOn(ctx, env, dr.Command{Host: a.On.main().Host, Argv: []string{"sh", "-c", readMark, "sh", a.On.mark()}})
	if err != nil {
		return "", 0, err
	}
	lines := strings.Split(strings.TrimSpace(out.Stdout), "\n")
	if len(lines) < 2 || lines[0] != "begin" || lines[len(lines)-1] != "end" {
		return "", 0, fmt.Errorf("the answer is not recognised")
	}
	for _, l := range lines[1 : len(lines)-1] {
		switch k, v, _ := strings.Cut(l, " "); k {
		case "owner":
			owner = dr.Clip(v, 40)
		case "left":
			left, _ = strconv.Atoi(v)
		}
	}
	return owner, left, nil
}

// writeMark tells the HA/DR provider that a procedure owns the system.
var writeMark = kit.Spec[markArgs]{
	Name:  "hana.write_mark",
	Kind:  dr.KindChange,
	Doc:   "Writes the local mark file that lets the HA/DR provider's preTakeover refuse a manual takeover, for at most 15 minutes. Removing the file is the override.",
	Check: markArgs.check,
	Commands: func(a markArgs) []dr.Command {
		return []dr.Command{{Host: a.On.main().Host, Argv: []string{"sh", "-c", markScript, "sh", a.On.mark(), a.Run}}}
	},
	Probe: func(ctx context.Context, env kit.Env, a markArgs) kit.Effect {
		owner, left, err := a.state(ctx, env)
		switch {
		case err != nil:
			return notRead(a.On, err)
		case owner == a.Run && left >= markLife:
			return kit.Done("the mark on %s is this run's for %d s more", a.On.Site, left)
		}
		return kit.NotDone("there is no living mark of this run on %s", a.On.Site)
	},
	Guard: func(ctx context.Context, env kit.Env, a markArgs) (kit.HostTime, error) {
		owner, left, err := a.state(ctx, env)
		if err != nil {
			return 0, dr.Retry("unrecognised", "the mark on %s could not be read", a.On.Site)
		}
		if owner != "" && owner != a.Run && left > 0 {
			return 0, kit.No("the mark on %s belongs to the run %s for %d s more", a.On.Site, owner, left).WithNext("see whether that run still works; remove %s when it does not", a.On.mark())
		}
		r, at, err := a.On.brief(ctx, env, partConfig, partCluster)
		if err != nil {
			return 0, err
		}
		return at, a.On.isMine(r)
	},
	ProofText: func(a markArgs) string {
		return a.On.mark() + " names the owner " + a.Run + " and an expiry in the future"
	},
	GuardText: func(a markArgs) string { return "no other run owns a mark that has not expired" },
}

// removeMark ends the ownership.
var removeMark = kit.Spec[markArgs]{
	Name:  "hana.remove_mark",
	Kind:  dr.KindChange,
	Doc:   "Removes this run's mark of the HA/DR provider.",
	Check: markArgs.check,
	Commands: func(a markArgs) []dr.Command {
		return []dr.Command{{Host: a.On.main().Host, Argv: []string{"sh", "-c", unmarkScript, "sh", a.On.mark(), a.Run}}}
	},
	Probe: func(ctx context.Context, env kit.Env, a markArgs) kit.Effect {
		owner, _, err := a.state(ctx, env)
		switch {
		case err != nil:
			return notRead(a.On, err)
		case owner == a.Run:
			return kit.NotDone("the mark of this run is there")
		}
		return kit.Done("there is no mark of this run on %s", a.On.Site)
	},
	Guard: func(ctx context.Context, env kit.Env, a markArgs) (kit.HostTime, error) {
		r, at, err := a.On.brief(ctx, env, partConfig)
		if err != nil {
			return 0, err
		}
		return at, a.On.isMine(r)
	},
	ProofText: func(a markArgs) string { return a.On.mark() + " is gone or names another owner" },
	GuardText: func(a markArgs) string { return "the mark names the owner " + a.Run },
}
