package openedge

import (
	"context"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// pairArgs are a source and one target of it.
type pairArgs struct {
	Source Place `json:"source"`
	Target Place `json:"target"`
	// Seed is the backup that the target was made of; after it no other
	// backup may run until both are in step.
	Seed string `json:"seed,omitempty"`
}

func (a pairArgs) check() error {
	if a.Seed != "" {
		if err := pathOK(a.Seed); err != nil {
			return err
		}
	}
	return kit.Checks(a.Source.Check(), a.Target.Check())
}

func (a pairArgs) looks() []look {
	ls := pair(a.Source, a.Target)
	if a.Seed != "" {
		ls[0].Files = []string{a.Seed + ".date"}
	}
	return ls
}

func (a pairArgs) commands() []dr.Command {
	ls := a.looks()
	return []dr.Command{ls[0].command(), ls[1].command()}
}

// synchronised is the only proof that a target follows: an exit code of a
// start, or the server's status alone, is none.
var synchronised = kit.Spec[pairArgs]{
	Name: "openedge.wait_synchronised",
	Kind: dr.KindRead,
	Doc: "Waits until the replication server says 6021, its control agent of the target says 3049, and the target's own agent says 3049. " +
		"Manual: OpenEdge Replication, \"Detail or verbose return codes\".",
	Check:    func(a pairArgs) error { return a.check() },
	Commands: pairArgs.commands,
	Probe: func(ctx context.Context, env kit.Env, a pairArgs) kit.Effect {
		rs, _, err := readAll(ctx, env, a.looks()...)
		if err != nil {
			return kit.NotRead(a.Target.Site, err)
		}
		return a.judge(rs[0], rs[1], env.Now())
	},
	ProofText: func(a pairArgs) string {
		return "dsrutil -C status -detail says 6021 on " + a.Source.Site + ", 3049 for " + a.Target.Agent + " there, and 3049 on " + a.Target.Site
	},
	Poll: 500 * time.Millisecond,
}

func (a pairArgs) judge(s, t Reading, at time.Time) kit.Effect {
	if s.Status.Exit < 0 && t.Status.Exit < 0 {
		return kit.NotKnown("neither %s nor %s told a status", a.Source.Site, a.Target.Site)
	}
	if inStep(s, t, a.Target.Agent) {
		e := kit.Done("%s and %s are in step: server 6021, agent 3049 at both ends", a.Source.Site, a.Target.Site)
		e.Evidence = []dr.Evidence{{At: at, Name: "synchronised", Text: e.Text}}
		return e
	}
	text := "server " + s.Status.Code.String() + ", control agent " + s.Agents[a.Target.Agent].String() + ", agent " + t.Status.Code.String()
	e := kit.NotDone("%s", text)
	e.Progress = &kit.Progress{Text: "waiting for " + a.Target.Site + " to catch up: " + text, At: at}
	e.Never = a.never(s, t)
	return e
}

// never says why waiting is in vain.
func (a pairArgs) never(s, t Reading) error {
	agent := s.Agents[a.Target.Agent]
	switch {
	case t.HalfRestored() != "":
		return dr.HoldReplan("half_restored", "%s is half restored (%s)", a.Target.Site, t.HalfRestored()).WithNext("replan from the restore")
	case agent == codeRecoveryFailed, agent == codeInvalidTarget, t.Status.Code == codeRecoveryFailed, t.Status.Code == codeInvalidTarget:
		return dr.HoldReplan("not_this_target", "the server of %s does not take %s as its target: control agent %s, agent %s", a.Source.Site, a.Target.Site, agent, t.Status.Code).
			WithNext("reseed %s", a.Target.Site)
	case a.Seed != "" && dr.HasCode(sameBackupDate(s, a.Seed, a.Source.Site), "another_backup"):
		return anotherBackupError(a.Source.Site)
	case s.InUse() == dr.No:
		return dr.HoldReplan("source_closed", "%s is not open any more", a.Source.Site).WithNext("start it, then retry")
	case t.InUse() == dr.No && t.Exists == dr.Yes:
		return dr.HoldReplan("target_closed", "%s is not open: its agent cannot be reached", a.Target.Site).WithNext("read its log, start it as a target, then retry")
	case s.InUse() == dr.Yes && s.Role() == roleSource && (s.Status.Code == codeServerEnded || (s.Status.Exit == 0 && s.Status.Code < 2000)):
		return dr.Hold("server_gone", "the replication server of %s is gone (%s) while its database works", a.Source.Site, s.Status.Code).
			WithNext("dsrutil %s -C restart server on %s, then retry", a.Source.Database, a.Source.Site)
	}
	return nil
}

func anotherBackupError(site string) *dr.Error {
	return dr.HoldReplan("another_backup", "another backup of %s was begun after the seed: its agent will refuse the target (10440, 11696, 10504)", site).
		WithNext("stop scheduled backups of %s, then replan from the backup", site)
}

// propertiesArgs name a database whose properties must serve both roles.
type propertiesArgs struct {
	On     Place   `json:"on"`
	Others []Place `json:"others"`
	// Tool says that dsrutil -C verify is asked, too: it reaches for the
	// other site, so that both must be open.
	Tool bool `json:"tool,omitempty"`
}

// verifyScript: $1 DSRHOME, or "" when the tool is not asked, $2 database.
const verifyScript = `echo ok; out=; [ -z "$1" ] || out=$(timeout 60 "$1/bin/dsrutil" "$2" -C verify </dev/null 2>&1); echo "exit $?"
[ ! -r "$2.repl.properties" ] || head -c 60000 "$2.repl.properties" | sed 's/^/p /'
printf '%s\n' "$out" | head -n 60 | sed 's/^/v /'; echo end`

func (a propertiesArgs) command() dr.Command {
	home := ""
	if a.Tool {
		home = a.On.DSRHome
	}
	return a.On.script(verifyScript, home, a.On.Database)
}

// verifyProperties proves before anything starts that a host can play both
// roles.
var verifyProperties = kit.Spec[propertiesArgs]{
	Name: "openedge.verify_properties",
	Kind: dr.KindRead,
	Doc: "Runs dsrutil -C verify and reads DATABASE.repl.properties: it must have the sections [server], [agent], [transition] and a control agent for every " +
		"other site with that site's address and port. Manual: \"DSRUTIL verify qualifier\".",
	Check: func(a propertiesArgs) error {
		for _, o := range a.Others {
			if err := o.Check(); err != nil {
				return err
			}
		}
		return a.On.Check()
	},
	Commands: func(a propertiesArgs) []dr.Command { return []dr.Command{a.command()} },
	Probe: func(ctx context.Context, env kit.Env, a propertiesArgs) kit.Effect {
		out, err := a.On.query(ctx, env, a.command())
		if err != nil {
			return kit.NotRead(a.On.Site, err)
		}
		return a.judge(out)
	},
	ProofText: func(a propertiesArgs) string {
		t := a.On.Database + ".repl.properties of " + a.On.Site + " has every section"
		if a.Tool {
			t += ", and dsrutil " + a.On.Database + " -C verify ends with 0"
		}
		return t
	},
}

func (a propertiesArgs) judge(out []string) kit.Effect {
	var props, said []string
	if len(out) == 0 || !strings.HasPrefix(out[0], "exit ") {
		return kit.NotKnown("%s: the answer was not recognised", a.On.Site)
	}
	for _, l := range out[1:] {
		if v, ok := strings.CutPrefix(l, "p "); ok {
			props = append(props, v)
		} else if v, ok := strings.CutPrefix(l, "v "); ok {
			said = append(said, v)
		}
	}
	p := parseProperties(props)
	if lacks := p.lacks(a.On, a.Others); len(lacks) > 0 {
		err := dr.Hold("properties", "%s.repl.properties of %s does not serve both roles: %s", a.On.base(), a.On.Site, strings.Join(lacks, "; ")).
			WithNext("complete the file on %s, then retry", a.On.Site)
		return kit.Effect{State: kit.EffectNotDone, Text: err.Text, Never: err}
	}
	if out[0] != "exit 0" {
		err := dr.Hold("verify", "dsrutil -C verify on %s ended with %s: %s", a.On.Site, out[0], lastOf(said...)).WithNext("mend what it says, then retry; skip only when the message is understood")
		return kit.Effect{State: kit.EffectNotDone, Text: err.Text, Never: err}
	}
	if a.Tool && len(said) == 0 {
		return kit.NotKnown("dsrutil -C verify on %s said nothing", a.On.Site)
	}
	e := kit.Done("repl.properties of %s serves both roles", a.On.Site)
	if a.Tool {
		e.Text += "; dsrutil -C verify: " + lastOf(said...)
	}
	return e
}
