package hana

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// registerArgs are the arguments of a registration.
type registerArgs struct {
	On Place `json:"on"`
	// Source feeds the site; Primary is the system's primary, mostly the same.
	Source    Place  `json:"source"`
	Primary   Place  `json:"primary"`
	Mode      string `json:"mode"`
	Operation string `json:"operation"`
	// Full forces a full replica.
	Full bool `json:"full,omitempty"`
	// Again says that a registration of before does not count: the source has
	// been registered anew itself, and has forgotten it.
	Again bool   `json:"again,omitempty"`
	Run   string `json:"run"`
}

// registerScript tries again, three times, while the primary answers that it is
// not ready yet: just enabled or just taken over. It leaves a mark of this run
// when it succeeded. $1 mark.
const registerScript = `m=$1; shift; n=0
while :; do
	out=$("$@" 2>&1); rc=$?; printf '%s\n' "$out"
	[ $rc != 0 ] || break
	case $out in *'unable to contact primary'*) n=$((n + 1)); [ $n -lt 4 ] || exit $rc; sleep 2 ;; *) exit $rc ;; esac
done
mkdir -p "${m%/*}" && : >"$m"`

func (a registerArgs) markFile() string {
	return a.On.Hook + "/runs/" + a.Run + "-registered-" + a.On.Site + "-" + a.Source.Site
}

func (a registerArgs) command() dr.Command {
	argv := []string{
		"sh", "-c", registerScript, "sh", a.markFile(),
		"hdbnsutil", "-sr_register", "--remoteHost=" + a.Source.main().Name, "--remoteInstance=" + a.Source.Instance,
		"--replicationMode=" + a.Mode, "--operationMode=" + a.Operation, "--name=" + a.On.Name,
	}
	if a.Full {
		argv = append(argv, "--force_full_replica")
	}
	return dr.Command{Host: a.On.main().Host, Argv: argv, Login: true}
}

// register makes a stopped site a secondary: what it holds and the primary does
// not is lost with the next start.
var register = kit.Spec[registerArgs]{
	Name: "hana.sr_register",
	Kind: dr.KindIrreversible,
	Doc:  "hdbnsutil -sr_register on a stopped site, under its own former name and with mode and operation mode from the record: HANA takes others when they are not told. With --force_full_replica the whole data are shipped again. Exit 128: the system still runs; exit 149: the secure stores differ (both seen in public tools). SR Guide: Configuring the Secondary System.",
	Check: func(a registerArgs) error {
		if !replModes[a.Mode] || !opModes[a.Operation] {
			return fmt.Errorf("the mode %q or operation mode %q is not allowed", dr.Clip(a.Mode, 20), dr.Clip(a.Operation, 30))
		}
		if a.On.Site == a.Source.Site || a.On.Name == a.Source.Name || a.On.Name == a.Primary.Name {
			return fmt.Errorf("%s cannot be registered at itself or under another site's name", a.On.Site)
		}
		return kit.Checks(a.On.Check(), a.Source.Check(), a.Primary.Check(), checkRun(a.Run))
	},
	Commands:  func(a registerArgs) []dr.Command { return []dr.Command{a.command()} },
	Probe:     probeRegister,
	Guard:     guardRegister,
	Interpret: interpretRegister,
	ProofText: func(a registerArgs) string {
		s := fmt.Sprintf("hdbnsutil -sr_stateConfiguration on %s says mode: %s, operation mode: %s, site name: %s, and its primary masters are hosts of %s", a.On.main().Host, a.Mode, a.Operation, a.On.Name, a.Source.Site)
		if a.Full || a.Again {
			s += "; " + a.markFile() + " exists"
		}
		return s
	},
	GuardText: func(a registerArgs) string {
		return a.On.Site + " is stopped on every host; " + a.Primary.Site + " is the primary and open; the secure stores (SSFS) of " + a.On.Site + " and " + a.Source.Site + " have equal checksums"
	},
	Poll:   500 * time.Millisecond,
	Settle: 20 * time.Second,
}

func probeRegister(ctx context.Context, env kit.Env, a registerArgs) kit.Effect {
	r, _, err := a.On.brief(ctx, env, partConfig)
	if err != nil {
		return notRead(a.On, err)
	}
	masters := r.Masters()
	if len(masters) == 0 {
		masters = a.On.iniMasters(ctx, env)
	}
	fed := false
	for _, m := range masters {
		fed = fed || a.Source.hasName(m) || a.Primary.hasName(m)
	}
	s := r.Config
	if s.Mode != a.Mode || s.Operation != "" && s.Operation != a.Operation || s.SiteName != a.On.Name || !fed {
		return kit.NotDone("the files of %s say mode %s, operation mode %s, name %s, registered at %s", a.On.Site, s.Mode, orNone(s.Operation), orNone(s.SiteName), orNone(strings.Join(masters, " ")))
	}
	if a.Full || a.Again {
		out, err := readOn(ctx, env, a.On.exists(a.markFile()))
		if err != nil {
			return notRead(a.On, err)
		}
		switch strings.TrimSpace(out.Stdout) {
		case "yes":
		case "no":
			return kit.NotDone("%s is registered at %s, but not by this run", a.On.Site, a.Source.Site)
		default:
			return kit.NotKnown("%s: the answer %q was not recognised", a.On.Site, dr.Clip(out.Stdout, 40))
		}
	}
	return kit.Done("%s is registered at %s as %s (%s, %s)", a.On.Site, a.Source.Site, a.On.Name, a.Mode, a.Operation)
}

// exists looks for a file.
func (p Place) exists(path string) dr.Command {
	return dr.Command{Host: p.main().Host, Argv: []string{"sh", "-c", `if [ -e "$1" ]; then echo yes; else echo no; fi`, "sh", path}}
}

// iniMasters reads where global.ini says that the site is registered.
func (p Place) iniMasters(ctx context.Context, env kit.Env) []string {
	out, err := readOn(ctx, env, p.globalIni())
	if err != nil || out.Exit != 0 {
		return nil
	}
	return Reading{Ini: parseIni(out.Stdout)}.Masters()
}

func guardRegister(ctx context.Context, env kit.Env, a registerArgs) (kit.HostTime, error) {
	type answer struct {
		r   Reading
		err error
	}
	ask := func(p Place, parts ...part) chan answer {
		ch := make(chan answer, 1)
		go func() {
			r, _, err := p.brief(ctx, env, parts...)
			ch <- answer{r, err}
		}()
		return ch
	}
	primary, source := ask(a.Primary, partState, partConfig), ask(a.Source, partSSFS)
	r, at, err := a.On.brief(ctx, env, partProcesses, partConfig, partCluster, partSSFS)
	p, s := <-primary, <-source
	if err := kit.Checks(err, p.err, s.err); err != nil {
		return 0, err
	}
	if err := kit.Checks(a.On.isMine(r), a.On.isStopped(r), a.Primary.isOpen(ctx, env, p.r)); err != nil {
		return 0, err
	}
	if r.SSFS != s.r.SSFS {
		return 0, dr.HoldReplan("ssfs_differ", "the secure stores (SSFS) of %s and %s differ (checksums %s and %s)", a.On.Site, a.Source.Site, r.SSFS, s.r.SSFS).
			WithNext("replan: the plan then copies them before the registration")
	}
	return at, nil
}

func interpretRegister(a registerArgs, j kit.Job) error {
	out := strings.TrimSpace(j.Stdout + "\n" + j.Stderr)
	switch {
	case j.Exit == 128 || strings.Contains(out, "must be shut down"):
		return dr.Hold("still_running", "%s was not registered, because it still runs: %s", a.On.Site, dr.Clip(out, 200)).WithNext("stop it on every host, then retry")
	case j.Exit == 149:
		return dr.HoldReplan("ssfs_differ", "%s was not registered, because its secure store differs from that of %s: %s", a.On.Site, a.Source.Site, dr.Clip(out, 200)).
			WithNext("replan: the plan then copies it")
	case strings.Contains(out, "unable to contact primary"):
		return dr.Hold("primary_not_ready", "%s was not registered, because %s could not be contacted: %s", a.On.Site, a.Source.Site, dr.Clip(out, 200)).
			WithNext("check network and the services of %s, then retry", a.Source.Site)
	}
	return nil
}
