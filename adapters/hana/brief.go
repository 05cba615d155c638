package hana

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// part is something that a guard or a probe reads of a site.
type part int

const (
	partState part = iota
	partConfig
	partProcesses
	partCluster
	partStatus
	partSSFS
)

// commands are what reading the parts runs; the plan shows them.
func (p Place) commands(parts ...part) []dr.Command {
	var out []dr.Command
	for _, v := range parts {
		switch v {
		case partState:
			out = append(out, p.srState())
		case partConfig:
			out = append(out, p.srConfig())
		case partProcesses:
			out = append(out, p.allProcesses()...)
		case partCluster:
			out = append(out, p.main().cluster())
		case partStatus:
			out = append(out, p.srStatus())
		case partSSFS:
			out = append(out, p.ssfsSums())
		}
	}
	return out
}

// brief reads parts of a site at once and gives the main host's clock. Any part
// that could not be read is an error: nothing is decided on the rest.
func (p Place) brief(ctx context.Context, env kit.Env, parts ...part) (Reading, kit.HostTime, error) {
	g := &gatherer{r: Reading{Gaps: map[string]string{}}, lost: map[string]error{}}
	var wg sync.WaitGroup
	var at kit.HostTime
	ask := func(what string, c dr.Command, take func(kit.Output) error) {
		wg.Go(func() {
			g.run(ctx, env, what, c, func(o kit.Output) error {
				if c.Host == p.main().Host && (at == 0 || o.HostTime < at) {
					at = o.HostTime
				}
				return take(o)
			})
		})
	}
	for _, v := range parts {
		switch v {
		case partState:
			ask("hdbnsutil -sr_state", p.srState(), func(o kit.Output) error { return takeState(o, &g.r.State) })
		case partConfig:
			ask("hdbnsutil -sr_stateConfiguration", p.srConfig(), func(o kit.Output) error { return takeState(o, &g.r.Config) })
		case partProcesses:
			g.r.Processes = make([]Processes, len(p.Hosts))
			for i, h := range p.Hosts {
				ask("GetProcessList of "+h.Name, p.processes(h), func(o kit.Output) error { return takeProcesses(o, h, &g.r.Processes[i]) })
			}
		case partCluster:
			ask("crm_mon", p.main().cluster(), g.takeCluster)
		case partStatus:
			ask("systemReplicationStatus.py", p.srStatus(), g.takeStatus)
		case partSSFS:
			ask("sha256sum", p.ssfsSums(), func(o kit.Output) (err error) {
				g.r.SSFS, err = parseSums(o.Stdout)
				return err
			})
		}
	}
	wg.Wait()
	if gaps := sortedKeys(g.r.Gaps); len(gaps) > 0 {
		if err := g.lost[p.main().Host]; err != nil {
			return g.r, 0, err
		}
		return g.r, 0, dr.Retry("unrecognised", "%s: %s: %s", p.Site, gaps[0], g.r.Gaps[gaps[0]])
	}
	return g.r, at, nil
}

// notRead is kit.NotRead; a refused SQL login does not go away by waiting either.
func notRead(p Place, err error) kit.Effect {
	e := kit.NotRead(p.Site, err)
	if dr.HasCode(err, "sql_login") {
		e.Never = err
	}
	return e
}

func checkRun(run string) error {
	if !kit.RunID.MatchString(run) {
		return fmt.Errorf("the run %q is not allowed", dr.Clip(run, 40))
	}
	return nil
}

// isMine wants the site of the plan, and no cluster manager in charge of it.
func (p Place) isMine(r Reading) error {
	if n := r.Name(); n != "" && n != p.Name {
		return kit.No("%s calls itself %s in system replication, the plan was made for %s", p.Site, dr.Clip(n, 60), p.Name)
	}
	if r.Cluster != nil && r.Cluster.Managed != dr.No {
		return kit.No("%s: %s", p.Site, r.Cluster.Text)
	}
	return nil
}

// isSecondary wants a site that is registered and was not taken over.
func (p Place) isSecondary(r Reading) error {
	if err := p.isMine(r); err != nil {
		return err
	}
	if !replModes[r.Mode()] || r.State != nil && r.State.TakeoverActive == dr.Yes {
		return kit.No("%s is no secondary: %s", p.Site, summary(r))
	}
	return nil
}

// isStopped wants every host's list to show a stopped system.
func (p Place) isStopped(r Reading) error {
	if r.Running() != dr.No {
		return kit.No("%s is not proven to be stopped: %s", p.Site, processWords(r))
	}
	return nil
}

// isPrimary wants an online primary that is not suspended.
func (p Place) isPrimary(r Reading) error {
	if err := p.isMine(r); err != nil {
		return err
	}
	if r.OnlinePrimary() != dr.Yes || r.State.Suspended == dr.Yes {
		return kit.No("%s is not open as the primary: %s", p.Site, summary(r))
	}
	return nil
}

// isOpen wants an online primary whose SYSTEMDB takes a login.
func (p Place) isOpen(ctx context.Context, env kit.Env, r Reading) error {
	if err := p.isPrimary(r); err != nil {
		return err
	}
	s, err := p.ask(ctx, env, systemDB, queryDatabase)
	switch {
	case err != nil:
		return kit.No("SYSTEMDB of %s does not answer: %s", p.Site, dr.AsError(err, "sql").Text)
	case len(s) != 1 || !strings.EqualFold(s[0]["SYSTEM_ID"], p.SID):
		return kit.No("SYSTEMDB of %s belongs to another system", p.Site)
	}
	return nil
}
