package contrib

import (
	"fmt"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/inventory"
)

// DNS re-points names: their time to live is lowered ahead of a planned move,
// they get the new site's records in redirect, and the procedure goes on when
// every server that the inventory names answers them.
type DNS struct{ List []inventory.Client }

// Plan puts the steps where the procedure needs them.
func (c DNS) Plan(in kit.PlanInput, d *kit.Draft) error {
	var moves []dnsMove
	for _, a := range c.List {
		if a.DNS != nil {
			moves = append(moves, dnsMove{in: in, d: d, client: a, dns: *a.DNS})
		}
	}
	for _, m := range moves {
		switch {
		case in.Gate == dr.GateDecide && in.Request.Mode == dr.ModePlanned:
			m.lower(dr.PhasePrepare, kit.PlaceClientsOut)
			m.withdraw(dr.PhaseIsolate)
		case in.Gate == dr.GateDecide:
			m.late()
			m.withdraw(dr.PhaseIsolate)
		case in.Gate == dr.GateCutover:
			m.withdraw(dr.PhaseQuiesce)
		case in.Request.Procedure == dr.ProcFailback && in.Gate == dr.GateConvert:
			m.ahead(dr.PhaseResynchronise)
		case in.Request.Procedure == dr.ProcFailback && in.Gate == dr.GateOverwrite:
			m.ahead(dr.PhaseStartReplication)
		}
	}
	if in.Gate != dr.GateDecide && in.Gate != dr.GateCutover {
		return nil
	}
	// Every name first: no name waits for the servers of another.
	for _, m := range moves {
		m.point()
	}
	for _, m := range moves {
		m.arrive()
	}
	return nil
}

// dnsMove is one name in one plan.
type dnsMove struct {
	in     kit.PlanInput
	d      *kit.Draft
	client inventory.Client
	dns    inventory.DNS
}

func (m dnsMove) at(ph dr.Phase, verb, title, site string) kit.At {
	return kit.At{
		Phase: ph, Slug: "dns-" + verb + "-" + m.client.Name, Title: title, Site: site,
		Timeout: m.client.Timeout.D(), Skip: dr.SkipDecision,
	}
}

func (m dnsMove) update() dnsUpdate {
	return dnsUpdate{
		Name: m.client.Name, Server: m.dns.Server, Zone: m.dns.Zone, Record: m.dns.Name,
		Key: dnsKey{m.dns.Key.Name, m.dns.Key.Algorithm, m.dns.Key.Credential},
	}
}

// setTTL changes a site's record's time to live; was is the one that it must
// have before, 0 for any.
func (m dnsMove) setTTL(at kit.At, site string, want, was dr.Duration) dr.Step {
	u := m.update()
	u.Before, u.After, u.TTL, u.WasTTL = m.dns.Sites[site], m.dns.Sites[site], seconds(want), seconds(was)
	at.Skip = dr.SkipFree // a longer time to live makes the outage longer, nothing else
	return dnsTTL.Step(at, u)
}

// lower takes the time to live down while clients still work, and waits until
// nobody keeps the record for longer.
func (m dnsMove) lower(ph dr.Phase, place kit.Place) {
	if m.dns.TTL == m.dns.TTLMoving {
		return
	}
	from := m.d.From
	at := m.at(ph, "ttl", fmt.Sprintf("Lower the time to live of %s to %s", m.dns.Name, m.dns.TTLMoving), from)
	at.Why = "resolvers keep the old address for this long"
	back := m.at(ph, "ttl", fmt.Sprintf("Set the time to live of %s to %s again", m.dns.Name, m.dns.TTL), from)
	back.Slug += ".undo"
	undo := m.setTTL(back, from, m.dns.TTL, 0)
	at.Undo = &undo
	m.d.Add(ph, place, m.setTTL(at, from, m.dns.TTLMoving, m.dns.TTL))
	wait := m.at(ph, "forget", fmt.Sprintf("Wait until no server keeps %s for longer than %s", m.dns.Name, m.dns.TTLMoving), from)
	wait.Why, wait.Skip = "who asked before keeps the old time to live", dr.SkipFree
	m.d.Add(ph, place, m.known(wait, from, m.dns.TTLMoving))
	m.unnamed(m.dns.TTLMoving)
}

// ahead lowers the time to live before the cutover of a failback, and restores
// it when the cutover is not made.
func (m dnsMove) ahead(ph dr.Phase) {
	if m.dns.TTL == m.dns.TTLMoving {
		return
	}
	m.lower(ph, kit.PlaceProof)
	back := m.at(dr.PhaseSafeStop, "ttl", fmt.Sprintf("Set the time to live of %s to %s again", m.dns.Name, m.dns.TTL), m.d.From)
	m.d.Add(dr.PhaseSafeStop, kit.PlaceClientsIn, m.setTTL(back, m.d.From, m.dns.TTL, 0))
}

// late tells what it means that nothing could be done ahead.
func (m dnsMove) late() {
	m.d.Consequence("The time to live of %s could not be lowered ahead: resolvers may answer the old address for up to %s after the change.", m.dns.Name, m.dns.TTL)
	if len(m.dns.Resolvers) == 0 {
		m.unnamed(m.dns.TTL)
	}
}

// unnamed tells that resolvers exist of which nobody here knows.
func (m dnsMove) unnamed(ttl dr.Duration) {
	if len(m.dns.Resolvers) == 0 {
		m.d.Consequence("The inventory names no resolvers for %s: whether clients' resolvers still answer the old address, for up to %s, is not asked.", m.dns.Name, ttl)
	}
}

// withdraw takes the record away where the inventory wants it.
func (m dnsMove) withdraw(ph dr.Phase) {
	if !m.dns.Withdraw {
		return
	}
	from := m.d.From
	u := m.update()
	u.Before, u.TTL = m.dns.Sites[from], seconds(m.dns.TTLMoving)
	back := u
	back.Before, back.After = u.After, u.Before
	again := m.at(ph, "withdraw", fmt.Sprintf("Point %s to %s again", m.dns.Name, from), from)
	again.Slug += ".undo"
	undo := dnsPoint.Step(again, back)
	at := m.at(ph, "withdraw", "Withdraw "+m.dns.Name, from)
	at.Why, at.Undo = "new clients must not reach the old primary", &undo
	m.d.Add(ph, kit.PlaceClientsOut, dnsWithdraw.Step(at, u))
}

// point gives the name the new site's records, and its usual time to live when
// the service is back.
func (m dnsMove) point() {
	from, to := m.d.From, m.d.To
	u := m.update()
	u.After, u.TTL = m.dns.Sites[to], seconds(m.dns.TTLMoving)
	if !m.dns.Withdraw {
		u.Before = m.dns.Sites[from]
	}
	at := m.at(dr.PhaseRedirect, "point", fmt.Sprintf("Point %s to %s", m.dns.Name, to), to)
	at.Why = "clients find the system by this name"
	m.d.Add(dr.PhaseRedirect, kit.PlaceClientsIn, dnsPoint.Step(at, u))
	if m.dns.TTL != m.dns.TTLMoving {
		restore := m.at(dr.PhaseProtect, "ttl", fmt.Sprintf("Set the time to live of %s to %s", m.dns.Name, m.dns.TTL), to)
		m.d.Add(dr.PhaseProtect, kit.PlaceClientsIn, m.setTTL(restore, to, m.dns.TTL, 0))
	}
}

// arrive waits until everybody who is asked answers the new records, and proves
// it once more in verify.
func (m dnsMove) arrive() {
	to := m.d.To
	m.d.Add(dr.PhaseRedirect, kit.PlaceClientsIn,
		m.known(m.at(dr.PhaseRedirect, "arrive", fmt.Sprintf("Wait until all servers answer that %s is at %s", m.dns.Name, to), to), to, 0))
	m.d.Add(dr.PhaseVerify, kit.PlaceProof,
		m.known(m.at(dr.PhaseVerify, "prove", fmt.Sprintf("Prove that %s is at %s", m.dns.Name, to), to), to, 0))
}

// known waits until all servers answer a site's records, kept for at most ttl
// (0: any time). It may last as long as a resolver may keep the old ones.
func (m dnsMove) known(at kit.At, site string, ttl dr.Duration) dr.Step {
	at.Timeout += m.dns.TTL.D()
	return dnsKnown.Step(at, dnsWait{
		Name: m.client.Name, Zone: m.dns.Zone, Record: m.dns.Name, Servers: m.dns.Servers, Resolvers: m.dns.Resolvers,
		Want: m.dns.Sites[site], MaxTTL: seconds(ttl),
	})
}

func seconds(d dr.Duration) uint32 { return uint32(d.D().Seconds()) }
