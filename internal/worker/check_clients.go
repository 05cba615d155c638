package worker

import (
	"context"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/contrib"
	"github.com/switchback-dr/switchback/internal/inventory"
	"github.com/switchback-dr/switchback/internal/setup"
)

// checkClients asks the DNS servers of a system's clients.
func checkClients(ctx context.Context, s *setup.Setup, sys *inventory.System) []Finding {
	ctx, cancel := context.WithTimeout(ctx, checkDeadline)
	defer cancel()
	var out []Finding
	for _, c := range sys.Clients {
		if c.DNS == nil {
			continue
		}
		for _, v := range contrib.CheckDNS(ctx, s.Env(), c) {
			f := Finding{System: sys.Name, What: v.What}
			if v.Err != nil {
				f.Problem = s.Redact(dr.AsError(v.Err, "dns").Error())
			}
			out = append(out, f)
		}
	}
	return out
}
