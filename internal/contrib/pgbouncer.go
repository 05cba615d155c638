package contrib

import (
	"fmt"
	"strings"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/inventory"
)

// PgBouncers holds clients back while the primary of PostgreSQL moves, and
// lets them on where it arrives.
type PgBouncers struct{ List []inventory.Client }

// Plan puts the steps where the procedure needs them.
func (c PgBouncers) Plan(in kit.PlanInput, d *kit.Draft) error {
	leave, ok := switching(in, d)
	if !ok {
		return nil
	}
	for _, a := range c.List {
		if a.PgBouncer == nil {
			continue
		}
		lost := givenUp(in)
		if lost && leave != "" {
			d.Consequence("Clients of PgBouncer (%s) are not held back: %s may never answer them. Their connections are ended when PgBouncer is pointed to %s.", a.Name, d.From, d.To)
		}
		for i, p := range a.PgBouncer.Consoles {
			if lostPlace(in, d, a.Name, "PgBouncer", p.Host, p.Site) {
				continue
			}
			m := pgbouncerMove{d, a, p, numbered(a, i)}
			if leave != "" && !lost {
				m.pause(leave)
			}
			m.point(lost)
		}
	}
	return nil
}

// pgbouncerMove is one process in one plan.
type pgbouncerMove struct {
	d       *kit.Draft
	client  inventory.Client
	console inventory.PgConsole
	slug    string
}

func (m pgbouncerMove) args(site string) pgbouncerArgs {
	p, c := m.client.PgBouncer, m.console
	return pgbouncerArgs{
		Name: m.client.Name, Host: c.Host, Psql: c.Psql, Socket: c.Socket, Port: c.Port, User: c.User, Credential: c.Password,
		Databases: sorted(p.Databases), Address: p.Sites[site].Address, ServerPort: p.Sites[site].Port,
	}
}

func (m pgbouncerMove) pause(leave dr.Phase) {
	p, from := m.client.PgBouncer, m.d.From
	back := pgbouncerResume.Step(kit.At{
		Phase: leave, Slug: "pgbouncer-pause-" + m.slug + ".undo", Title: fmt.Sprintf("Let clients of PgBouncer on %s on", m.console.Host), Site: from,
		Timeout: m.client.Timeout.D(), Skip: dr.SkipDecision,
	}, m.args(from))
	args := m.args(from)
	args.Pause, args.Release = wholeSeconds(p.Pause), wholeSeconds(p.Release)
	m.d.Add(leave, kit.PlaceClientsOut, pgbouncerPause.Step(kit.At{
		Phase: leave, Slug: "pgbouncer-pause-" + m.slug, Title: fmt.Sprintf("Hold clients of PgBouncer on %s back, for %s at most", m.console.Host, p.Release), Site: from,
		Timeout: m.client.Timeout.D() + p.Pause.D(), Skip: dr.SkipDecision, Why: "they wait instead of failing while the primary moves", StopsClients: true, Undo: &back,
	}, args))
}

func (m pgbouncerMove) point(kill bool) {
	args := m.args(m.d.To)
	args.File, args.Kill = m.console.File, kill
	args.Text = m.definition(args)
	proof := args
	proof.Kill = false
	m.d.Add(dr.PhaseRedirect, kit.PlaceClientsIn, pgbouncerPoint.Step(kit.At{
		Phase: dr.PhaseRedirect, Slug: "pgbouncer-point-" + m.slug, Title: fmt.Sprintf("Point PgBouncer on %s to %s and let clients on", m.console.Host, m.d.To), Site: m.d.To,
		Timeout: m.client.Timeout.D(), Skip: dr.SkipDecision, Why: "clients reach the system by this pooler",
	}, args))
	m.d.Add(dr.PhaseVerify, kit.PlaceProof, pgbouncerProve.Step(kit.At{
		Phase: dr.PhaseVerify, Slug: "pgbouncer-prove-" + m.slug, Title: fmt.Sprintf("Prove that PgBouncer on %s leads to %s", m.console.Host, m.d.To), Site: m.d.To,
		Timeout: m.client.Timeout.D(), Skip: dr.SkipDecision,
	}, proof))
}

// definition is the included file for one site.
func (m pgbouncerMove) definition(a pgbouncerArgs) string {
	var b strings.Builder
	b.WriteString("; Written by Switchback; included by PgBouncer's own configuration.\n[databases]\n")
	for _, name := range a.Databases {
		words := append([]string{name, "=", "host=" + a.Address, fmt.Sprintf("port=%d", a.ServerPort)}, strings.Fields(m.client.PgBouncer.Databases[name])...)
		b.WriteString(strings.Join(words, " ") + "\n")
	}
	return b.String()
}
