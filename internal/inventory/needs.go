package inventory

import (
	"slices"

	"github.com/switchback-dr/switchback/adapters/kit"
)

// Needs lists hosts with the tools that must be there: the adapter's, then
// those of clients and hooks.
func (s *System) Needs() []kit.Need {
	out := slices.Clone(s.Instance.Needs())
	for _, c := range s.Clients {
		if c.VIP != nil {
			for _, site := range sortedKeys(c.VIP.Sites) {
				out = append(out, kit.Need{Site: site, Host: c.VIP.Sites[site].Host, Tools: c.VIP.tools()})
			}
		}
		if c.HAProxy != nil {
			for _, p := range c.HAProxy.Proxies {
				out = append(out, kit.Need{Site: p.Site, Host: p.Host, Tools: []kit.Tool{
					{Name: "perl or python3", Path: "perl", Or: []string{"python3"}, Hint: "package perl or python3"},
				}})
			}
		}
		if c.PgBouncer != nil {
			for _, p := range c.PgBouncer.Consoles {
				out = append(out, kit.Need{Site: p.Site, Host: p.Host, Tools: []kit.Tool{
					{Name: "psql", Path: p.Psql, Hint: "package postgresql-client"}, timeoutTool,
				}})
			}
		}
	}
	for _, h := range s.Hooks {
		if h.HTTP == nil {
			out = append(out, kit.Need{Host: h.Host, Tools: []kit.Tool{timeoutTool}})
		}
	}
	return out
}

var timeoutTool = kit.Tool{Name: "timeout", Path: "timeout", Hint: "package coreutils"}
