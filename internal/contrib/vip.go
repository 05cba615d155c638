package contrib

import (
	"fmt"
	"strings"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/inventory"
)

// VIPs moves virtual addresses: unbound where the primary role leaves, before
// it leaves; bound where it arrives, when clients may come.
type VIPs struct{ List []inventory.Client }

// Plan puts the steps where the procedure needs them.
func (c VIPs) Plan(in kit.PlanInput, d *kit.Draft) error {
	for _, a := range c.List {
		if a.VIP == nil {
			continue
		}
		for _, p := range a.VIP.Addresses {
			m := vipMove{in: in, d: d, client: a, address: p.String(), slug: a.Name + "-" + slugOf(p.Addr().String())}
			switch in.Gate {
			case dr.GateDecide:
				m.move(dr.PhaseIsolate)
			case dr.GateCutover:
				m.move(dr.PhaseQuiesce)
			case dr.GateConvert:
				// A host that returns may have bound it at boot.
				m.unbind(dr.PhasePrepare, d.To, false)
			case dr.GateOverwrite:
				m.unbind(dr.PhaseRestore, d.To, false)
			case dr.GateUndo:
			}
		}
	}
	return nil
}

// slugOf turns an address into the alphabet of step IDs.
func slugOf(address string) string {
	return strings.NewReplacer(".", "-", ":", "-").Replace(address)
}

// vipMove is one address in one plan.
type vipMove struct {
	in      kit.PlanInput
	d       *kit.Draft
	client  inventory.Client
	address string
	slug    string
}

func (m vipMove) args(site string) vipArgs {
	at := m.client.VIP.Sites[site]
	return vipArgs{Name: m.client.Name, Site: site, Host: at.Host, Interface: at.Interface, Address: m.address, Sudo: !m.client.VIP.NoSudo}
}

// move takes the address from the old site to the new one.
func (m vipMove) move(leave dr.Phase) {
	from, to := m.d.From, m.d.To
	m.unbind(leave, from, true)
	bind := kit.At{
		Phase: dr.PhaseRedirect, Slug: "vip-bind-" + m.slug, Title: fmt.Sprintf("Bind %s to %s", m.address, to), Site: to,
		Timeout: m.client.Timeout.D(), Skip: dr.SkipDecision, Why: "clients reach the system by this address",
	}
	m.d.Add(dr.PhaseRedirect, kit.PlaceClientsIn, vipBind.Step(bind, m.args(to)))
	m.d.Add(dr.PhaseVerify, kit.PlaceProof, vipProve.Step(kit.At{
		Phase: dr.PhaseVerify, Slug: "vip-prove-" + m.slug, Title: fmt.Sprintf("Prove that %s has %s", to, m.address), Site: to,
		Timeout: m.client.Timeout.D(), Skip: dr.SkipDecision,
	}, m.args(to)))
}

// unbind takes the address from a site, when that can be asked.
func (m vipMove) unbind(ph dr.Phase, site string, leaving bool) {
	if _, ok := m.client.VIP.Sites[site]; !ok {
		return
	}
	if s, _ := m.in.Situation.Site(site); s.Reachable == dr.No {
		m.d.Consequence("%s cannot be unbound at %s, which does not answer: when it returns it may have the address a second time. Keep it off the clients' network until it was looked at.", m.address, site)
		if leaving {
			m.leave(site)
		}
		return
	}
	at := kit.At{
		Phase: ph, Slug: "vip-unbind-" + m.slug, Title: fmt.Sprintf("Unbind %s at %s", m.address, site), Site: site,
		Timeout: m.client.Timeout.D(), Skip: dr.SkipDecision, Why: "one host at a time has the address", StopsClients: leaving,
	}
	if leaving {
		back := vipBind.Step(kit.At{
			Phase: ph, Slug: "vip-unbind-" + m.slug + ".undo", Title: fmt.Sprintf("Bind %s to %s again", m.address, site), Site: site,
			Timeout: m.client.Timeout.D(), Skip: dr.SkipDecision,
		}, m.args(site))
		at.Undo = &back
	}
	m.d.Add(ph, kit.PlaceClientsOut, vipUnbind.Step(at, m.args(site)))
}

// leave asks the silent site once more when the service is back, where it costs
// no time of the outage, and says what it means that it does not answer.
func (m vipMove) leave(site string) {
	m.d.Add(dr.PhaseVerify, kit.PlaceProof, vipLeft.Step(kit.At{
		Phase: dr.PhaseVerify, Slug: "vip-left-" + m.slug, Title: fmt.Sprintf("Look whether %s still has %s", site, m.address), Site: site,
		Timeout: m.client.Timeout.D(), Skip: dr.SkipDecision, Why: "it did not answer when the address should have been unbound there",
	}, m.args(site)))
}
