package contrib

import (
	"context"
	"fmt"
	"sync"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/inventory"
)

// Stray is an address of clients that may lead to a site which is not the
// primary: one that came back with the address that nobody could unbind.
type Stray struct {
	// Alarm is the sentence for people; equal for equal strays.
	Alarm string
	// Is says whether it is so now.
	Is dr.Tri
}

// Strays looks where clients' addresses lead. Without exactly one primary
// nothing can be told; a site that does not answer is not asked.
func Strays(ctx context.Context, env kit.Env, clients []inventory.Client, s dr.Situation) []Stray {
	var looks []func() []Stray
	for _, c := range clients {
		switch {
		case c.VIP != nil:
			for _, site := range s.Sites {
				looks = append(looks, func() []Stray { return vipStrays(ctx, env, c, site, primaryOf(s)) })
			}
		case c.DNS != nil:
			looks = append(looks, func() []Stray { return dnsStrays(ctx, env, c, s) })
		case len(c.Show) > 0:
			looks = append(looks, func() []Stray { return shownStrays(ctx, env, c, s) })
		}
	}
	found := make([][]Stray, len(looks))
	var wg sync.WaitGroup
	for i, look := range looks {
		wg.Go(func() { found[i] = look() })
	}
	wg.Wait()
	var out []Stray
	for _, f := range found {
		out = append(out, f...)
	}
	return out
}

// primaryOf gives the one site that accepts writes; "" when it is not known.
func primaryOf(s dr.Situation) string {
	if p := s.Primaries(); len(p) == 1 {
		return p[0]
	}
	return ""
}

// vipStrays asks one site's host for a client's addresses.
func vipStrays(ctx context.Context, env kit.Env, c inventory.Client, site dr.SiteSituation, primary string) []Stray {
	at, ok := c.VIP.Sites[site.Site]
	if !ok || site.Site == primary {
		return nil
	}
	var l links
	known := primary != "" && site.Reachable == dr.Yes
	if known {
		var err error
		l, _, err = vipLinks(ctx, env, vipArgs{Host: at.Host})
		known = err == nil
	}
	var out []Stray
	for _, p := range c.VIP.Addresses {
		v := Stray{Alarm: fmt.Sprintf("%s, which is not the primary, has the address %s of the clients %s: they may reach it; unbind the address there", site.Site, p.Addr(), c.Name)}
		if known {
			v.Is = dr.TriOf(len(l.find(p.Addr())) > 0)
		}
		out = append(out, v)
	}
	return out
}

// leads makes a stray for every site but the primary; is says whether a client's
// address leads to the site.
func leads(what, primary string, s dr.Situation, is func(site string) dr.Tri) []Stray {
	var out []Stray
	for _, site := range s.Sites {
		v := Stray{Alarm: fmt.Sprintf("%s leads clients to %s, which is not the primary: point it to the primary", what, site.Site)}
		switch {
		case primary == "":
		case site.Site == primary:
			v.Is = dr.No
		default:
			v.Is = is(site.Site)
		}
		out = append(out, v)
	}
	return out
}

// dnsStrays asks the zone's primary server.
func dnsStrays(ctx context.Context, env kit.Env, c inventory.Client, s dr.Situation) []Stray {
	primary := primaryOf(s)
	got, err := dnsMove{client: c, dns: *c.DNS}.update().read(ctx, env)
	return leads(c.DNS.Name, primary, s, func(site string) dr.Tri {
		if err != nil {
			return dr.Unknown
		}
		return dr.TriOf(got.Records.Equal(c.DNS.Sites[site]))
	})
}

// shownStrays asks the operator's own proof.
func shownStrays(ctx context.Context, env kit.Env, c inventory.Client, s dr.Situation) []Stray {
	primary := primaryOf(s)
	return leads("the client address "+c.Name, primary, s, func(site string) dr.Tri {
		switch pointed(ctx, env, argvArgs{Name: c.Name, Host: c.Host, Proof: c.Show, Want: site}).State {
		case kit.EffectDone:
			return dr.Yes
		case kit.EffectNotDone:
			return dr.No
		default:
			return dr.Unknown
		}
	})
}
