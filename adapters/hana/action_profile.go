package hana

import (
	"context"
	"fmt"
	"strings"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// autostartArgs set Autostart in the instance profiles of a site.
type autostartArgs struct {
	On Place `json:"on"`
	// Value is "0" or "1"; Hosts are HANA's names of the hosts whose profile
	// is changed.
	Value string   `json:"value"`
	Hosts []string `json:"hosts"`
}

// autostartScript changes the one line and keeps mode and owner. $1 value.
const autostartScript = `set -e; v=$1; shift
for f; do
	cp -p "$f" "$f.switchback-part"
	sed "s/^\([[:space:]]*[Aa][Uu][Tt][Oo][Ss][Tt][Aa][Rr][Tt][[:space:]]*=\).*/\1 $v/" "$f" >"$f.switchback-part"
	mv "$f.switchback-part" "$f"
done`

func (a autostartArgs) profiles() []string {
	var out []string
	for _, h := range a.Hosts {
		out = append(out, a.On.profileOf(HostPlace{Name: h}))
	}
	return out
}

// setAutostartAction keeps an old primary from starting at boot, and lets it
// start again once it is a secondary.
var setAutostartAction = kit.Spec[autostartArgs]{
	Name: "hana.set_autostart",
	Kind: dr.KindChange,
	Doc:  "Sets Autostart in the instance profiles: an old primary that starts at boot after a takeover comes up as a second primary, from its own files. The profiles of all hosts of a site lie in one shared directory.",
	Check: func(a autostartArgs) error {
		if a.Value != "0" && a.Value != "1" || len(a.Hosts) == 0 {
			return fmt.Errorf("the value %q is not 0 or 1, or there are no hosts", dr.Clip(a.Value, 10))
		}
		for _, h := range a.Hosts {
			if !a.On.hasName(h) {
				return fmt.Errorf("%q is no host of %s", dr.Clip(h, 60), a.On.Site)
			}
		}
		return a.On.Check()
	},
	Commands: func(a autostartArgs) []dr.Command {
		return []dr.Command{{Host: a.On.main().Host, Argv: append([]string{"sh", "-c", autostartScript, "sh", a.Value}, a.profiles()...), Env: []string{"LC_ALL=C"}}}
	},
	Probe: func(ctx context.Context, env kit.Env, a autostartArgs) kit.Effect {
		for _, name := range a.Hosts {
			c := a.On.autostart(HostPlace{Name: name})
			c.Host = a.On.main().Host
			out, err := readOn(ctx, env, c)
			if err != nil {
				return notRead(a.On, err)
			}
			v, err := parseAutostart(out.Stdout)
			switch {
			case err != nil:
				return kit.NotKnown("the profile of %s: %v", name, err)
			case v != dr.TriOf(a.Value == "1"):
				return kit.NotDone("Autostart of %s is %s", name, v)
			}
		}
		return kit.Done("Autostart is %s for %s", a.Value, strings.Join(a.Hosts, ", "))
	},
	Guard: func(ctx context.Context, env kit.Env, a autostartArgs) (kit.HostTime, error) {
		r, at, err := a.On.brief(ctx, env, partConfig, partCluster)
		if err != nil {
			return 0, err
		}
		return at, a.On.isMine(r)
	},
	ProofText: func(a autostartArgs) string {
		return "grep Autostart " + strings.Join(a.profiles(), " ") + " gives " + a.Value
	},
	GuardText: func(a autostartArgs) string {
		return "the site's name in system replication is " + a.On.Name + ", and no cluster manager is in charge of it"
	},
}

// enableArgs let a secondary feed a next tier.
type enableArgs struct {
	On      Place  `json:"on"`
	Primary Place  `json:"primary"`
	Run     string `json:"run"`
}

func (a enableArgs) markFile() string { return a.On.Hook + "/runs/" + a.Run + "-enabled-" + a.On.Site }

// enableScript leaves a mark of this run: no state shows that a secondary may
// feed another. $1 mark.
const enableScript = `m=$1; shift; "$@" && mkdir -p "${m%/*}" && : >"$m"`

// enableSource is for multi-tier replication.
var enableSource = kit.Spec[enableArgs]{
	Name:  "hana.sr_enable",
	Kind:  dr.KindChange,
	Doc:   "hdbnsutil -sr_enable on a secondary, so that it can feed the next tier (multi-tier). SR Guide: Multitier System Replication.",
	Check: func(a enableArgs) error { return kit.Checks(a.On.Check(), a.Primary.Check(), checkRun(a.Run)) },
	Commands: func(a enableArgs) []dr.Command {
		return []dr.Command{{Host: a.On.main().Host, Login: true, Argv: []string{"sh", "-c", enableScript, "sh", a.markFile(), "hdbnsutil", "-sr_enable"}}}
	},
	Probe: func(ctx context.Context, env kit.Env, a enableArgs) kit.Effect {
		out, err := readOn(ctx, env, a.On.exists(a.markFile()))
		if err != nil {
			return notRead(a.On, err)
		}
		switch strings.TrimSpace(out.Stdout) {
		case "yes":
			return kit.Done("%s was enabled as a source by this run", a.On.Site)
		case "no":
			return kit.NotDone("%s was not enabled as a source by this run", a.On.Site)
		}
		return kit.NotKnown("%s: the answer %q was not recognised", a.On.Site, dr.Clip(out.Stdout, 40))
	},
	Guard: func(ctx context.Context, env kit.Env, a enableArgs) (kit.HostTime, error) {
		r, at, err := a.On.brief(ctx, env, partState, partConfig, partCluster)
		if err != nil {
			return 0, err
		}
		return at, a.On.isSecondary(r)
	},
	ProofText: func(a enableArgs) string { return a.markFile() + " exists" },
	GuardText: func(a enableArgs) string { return a.On.Site + " is an online secondary" },
}
