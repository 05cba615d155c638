package postgres

import (
	"fmt"
	"regexp"
	"sort"
	"strings"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// Actions are all actions of the adapter.
func (Adapter) Actions() []kit.Action {
	return []kit.Action{
		checkpointAction.Action(), checkpointTimeline.Action(), createSlot.Action(), dropSlot.Action(),
		saveConfig.Action(), setSynchronous.Action(), readyStandby.Action(), restorePrimary.Action(),
		stopPrimary.Action(), proveShutdown.Action(), promote.Action(), testWrite.Action(), checkPrimary.Action(),
		waitStreaming.Action(), startStandby.Action(), stopReceiver.Action(), resumeReceiver.Action(), repoint.Action(),
		fence.Action(), unfence.Action(), attachStandby.Action(),
		keepLost.Action(), rewind.Action(), baseBackup.Action(), verifyBackup.Action(), replaceData.Action(), stopStandby.Action(),
	}
}

// planner makes one plan. It only reads its fields.
type planner struct {
	s  *system
	in kit.PlanInput
	d  *kit.Draft
	rs map[string]Reading
}

// Plan puts PostgreSQL's steps into the draft.
func (s *system) Plan(in kit.PlanInput, d *kit.Draft) error {
	p := &planner{s: s, in: in, d: d, rs: kit.Details[Reading](in.Situation)}
	if err := p.common(); err != nil {
		return err
	}
	return kit.Procedures{Takeover: p.takeover, Failback: p.failback, Reseed: p.reseed}.Plan("PostgreSQL", in.Request)
}

// common refuses what no procedure may go on with.
func (p *planner) common() error {
	if prim := p.in.Situation.Primaries(); len(prim) > 1 {
		return dr.Refuse("two_primaries", "two sites accept writes: %s", strings.Join(prim, " and ")).
			WithNext("stop the clients of one of them now; decide by hand which data counts; then fence the other and reseed it")
	}
	for _, st := range p.s.sites {
		v, _ := p.in.Situation.Site(st.Name)
		if v.Managed != "" {
			first, _, _ := strings.Cut(v.Managed, ", ")
			pause := managerPause[first]
			if pause == "" {
				pause = "pause it with its own command"
			}
			return dr.Refuse("managed", "%s is in charge of %s and would undo these steps", v.Managed, st.Name).WithNext("%s; or use that manager's own procedure", pause)
		}
		if err := p.ownServer(st); err != nil {
			return err
		}
		if r, ok := p.rs[st.Name]; ok && r.Server != nil && r.Server.Version < 130000 {
			return dr.Refuse("version", "%s runs PostgreSQL %d; 13 is the oldest supported", st.Name, r.Server.Version/10000).
				WithNext("upgrade PostgreSQL on all sites, or change sides by hand")
		}
	}
	return p.sameSystem()
}

// ownServer refuses a connection that leads to another server, or that cannot
// be told from one.
func (p *planner) ownServer(st site) error {
	r := p.rs[st.Name]
	switch st.Place.elsewhere(r) {
	case dr.Yes:
		if r.DataExists == dr.No {
			return dr.Refuse("wrong_server", "there is no PostgreSQL on %s in %s, but a server in %s answers there", st.Name, st.Place.Data, dr.Clip(r.Server.Data, 200)).
				WithNext("correct data of %s in the inventory, or its socket and port", st.Name)
		}
		return dr.Refuse("wrong_server", "the connection to %s leads to another server: %s", st.Name, r.Server.Data).WithNext("correct port or socket of %s in the inventory", st.Name)
	case dr.Unknown:
		return dr.Refuse("control_unread", "the control file of %s could not be read, so nobody knows whether the connection leads to its server", st.Name).
			WithNext("run pg_controldata -D %s on %s and mend what it says", st.Place.Data, st.Place.Host)
	case dr.No:
	}
	return nil
}

// sameSystem refuses sites of different clusters.
func (p *planner) sameSystem() error {
	id, from, major := "", "", ""
	overwritten := ""
	switch p.in.Request.Procedure {
	case dr.ProcReseed:
		overwritten = p.in.Request.To
	case dr.ProcFailback:
		if overwritten = p.in.Request.To; overwritten == "" && p.in.Baseline != nil {
			overwritten = p.in.Baseline.Primary
		}
	case dr.ProcTakeover:
	}
	for _, st := range p.s.sites {
		r, ok := p.rs[st.Name]
		if !ok || r.Control.System == "" || st.Name == overwritten {
			continue
		}
		if id != "" && r.Control.System != id {
			return dr.Refuse("other_system", "%s and %s are different clusters: system identifiers %s and %s", from, st.Name, id, r.Control.System).
				WithNext("correct the inventory, or reseed the wrong site")
		}
		if major != "" && r.Major != major {
			return dr.Refuse("other_version", "%s runs PostgreSQL %s and %s runs %s", from, major, st.Name, r.Major).
				WithNext("bring both to the same major version, or reseed the wrong site")
		}
		id, from, major = r.Control.System, st.Name, r.Major
	}
	return nil
}

// place gives a site's place with the observed system identifier.
func (p *planner) place(name string) Place {
	st, _ := p.s.site(name)
	st.Place.System = p.rs[name].Control.System
	if st.Place.System == "" {
		st.Place.System = p.systemID()
	}
	return st.Place
}

// systemID is the identifier that any site has told.
func (p *planner) systemID() string {
	for _, st := range p.s.sites {
		if id := p.rs[st.Name].Control.System; id != "" {
			return id
		}
	}
	return ""
}

// slot names the slot for a site, made by this run.
func (p *planner) slot(site string) string {
	return p.s.set.SlotPrefix + "_" + kit.AtMost(strings.ReplaceAll(site, "-", "_"), 30) + "_" + p.in.RunID
}

// conninfo is how site connects to primary for replication; the password is
// in the pass file on the host.
func (p *planner) conninfo(siteName, primary string) string {
	st, _ := p.s.site(siteName)
	up, _ := p.s.site(primary)
	c := fmt.Sprintf("host=%s port=%d user=%s application_name=%s", up.Listen, up.Place.Port, p.s.set.ReplicationUser, st.AppName)
	if p.s.set.Passfile != "" {
		c += " passfile=" + p.s.set.Passfile
	}
	return c
}

// app gives a site's application_name.
func (p *planner) app(siteName string) string {
	st, _ := p.s.site(siteName)
	return st.AppName
}

// siblings are the other running standbys.
func (p *planner) siblings(from, to string) []string {
	var out []string
	for _, st := range p.s.sites {
		if st.Name != from && st.Name != to && p.rs[st.Name].InRecovery() == dr.Yes {
			out = append(out, st.Name)
		}
	}
	return out
}

var syncToken = regexp.MustCompile(`"[^"]*"|[A-Za-z_][A-Za-z0-9_-]*`)

// swapNames puts one standby's name in another's place in
// synchronous_standby_names.
func swapNames(names, old, now string) string {
	return syncToken.ReplaceAllStringFunc(names, func(t string) string {
		if strings.Trim(t, `"`) != old {
			return t
		}
		return `"` + now + `"`
	})
}

// leftSlots are inactive slots of earlier runs for a site on a server.
func (p *planner) leftSlots(on string, keep ...string) []string {
	var out []string
	for _, v := range p.rs[on].Slots {
		if v.Active || v.Type != "physical" || !strings.HasPrefix(v.Name, p.s.set.SlotPrefix+"_") {
			continue
		}
		kept := false
		for _, k := range keep {
			kept = kept || k == v.Name
		}
		if !kept {
			out = append(out, v.Name)
		}
	}
	sort.Strings(out)
	return out
}
