package contrib

import (
	"fmt"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/inventory"
)

// HAProxies keeps clients away while the primary role moves, and sends them to
// the site where it arrives.
type HAProxies struct{ List []inventory.Client }

// Plan puts the steps where the procedure needs them.
func (c HAProxies) Plan(in kit.PlanInput, d *kit.Draft) error {
	leave, ok := switching(in, d)
	if !ok {
		return nil
	}
	for _, a := range c.List {
		if a.HAProxy == nil {
			continue
		}
		for i, p := range a.HAProxy.Proxies {
			if lostPlace(in, d, a.Name, "HAProxy", p.Host, p.Site) {
				continue
			}
			haproxyMove{in, d, a, p, i}.plan(leave)
		}
	}
	return nil
}

// haproxyMove is one process in one plan.
type haproxyMove struct {
	in     kit.PlanInput
	d      *kit.Draft
	client inventory.Client
	proxy  inventory.Proxy
	index  int
}

// args are the process with the server of one site open.
func (m haproxyMove) args(open string) haproxyArgs {
	h := m.client.HAProxy
	a := haproxyArgs{Name: numbered(m.client, m.index), Host: m.proxy.Host, At: m.proxy.Socket + m.proxy.Address, Sudo: m.proxy.Sudo, Backend: h.Backend, Open: h.Servers[open]}
	for _, site := range sorted(h.Servers) {
		if site != open {
			a.Others = append(a.Others, h.Servers[site])
		}
	}
	return a
}

func (m haproxyMove) plan(leave dr.Phase) {
	slug, timeout, where := numbered(m.client, m.index), m.client.Timeout.D(), fmt.Sprintf("%s on %s", m.client.HAProxy.Backend, m.proxy.Host)
	if leave != "" {
		m.shut(leave, slug, where)
	}
	m.d.Add(dr.PhaseRedirect, kit.PlaceClientsIn, haproxyOpen.Step(kit.At{
		Phase: dr.PhaseRedirect, Slug: "haproxy-open-" + slug, Title: fmt.Sprintf("Send clients of %s to %s", where, m.d.To), Site: m.d.To,
		Timeout: timeout, Skip: dr.SkipDecision, Why: "clients reach the system by this proxy",
	}, m.args(m.d.To)))
	m.d.Add(dr.PhaseVerify, kit.PlaceProof, haproxyProve.Step(kit.At{
		Phase: dr.PhaseVerify, Slug: "haproxy-prove-" + slug, Title: fmt.Sprintf("Prove that %s sends clients to %s", where, m.d.To), Site: m.d.To,
		Timeout: timeout, Skip: dr.SkipDecision,
	}, m.args(m.d.To)))
}

// shut keeps clients away until the redirection, or the release.
func (m haproxyMove) shut(leave dr.Phase, slug, where string) {
	h, from, timeout := m.client.HAProxy, m.d.From, m.client.Timeout.D()
	args, title := m.args(from), fmt.Sprintf("Keep clients of %s away", where)
	if !givenUp(m.in) {
		args.Drain, args.Release = wholeSeconds(h.Drain), wholeSeconds(h.Release)
		title += fmt.Sprintf(", for %s at most", h.Release)
	}
	back := haproxyOpen.Step(kit.At{
		Phase: leave, Slug: "haproxy-close-" + slug + ".undo", Title: fmt.Sprintf("Let clients of %s in to %s again", where, from), Site: from,
		Timeout: timeout, Skip: dr.SkipDecision,
	}, m.args(from))
	m.d.Add(leave, kit.PlaceClientsOut, haproxyClose.Step(kit.At{
		Phase: leave, Slug: "haproxy-close-" + slug, Title: title, Site: from,
		Timeout: timeout + h.Drain.D(), Skip: dr.SkipDecision, Why: "nobody writes while the primary role moves", StopsClients: true, Undo: &back,
	}, args))
}
