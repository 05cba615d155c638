package worker

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/inventory"
	"github.com/switchback-dr/switchback/internal/setup"
)

// checkDeadline bounds the check of one host.
const checkDeadline = 30 * time.Second

// Finding is one line of a check.
type Finding struct {
	System string `json:"system"`
	Host   string `json:"host,omitempty"`
	What   string `json:"what"`
	// Problem is empty when all is well.
	Problem string `json:"problem,omitempty"`
}

// Check validates an inventory against the world: it reads every credential,
// connects to every host, looks for every tool, reads every site and asks every
// DNS server. It changes nothing.
func Check(ctx context.Context, path string) ([]Finding, error) {
	s, err := setup.Load(path)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	var all []Finding
	for _, sys := range s.Inventory.Systems {
		all = append(all, checkCredentials(ctx, s, sys)...)
		hosts := checkHosts(ctx, s, sys)
		all = append(all, hosts...)
		all = append(all, checkSites(ctx, s, sys, unconnected(hosts))...)
		all = append(all, checkClients(ctx, s, sys)...)
	}
	return all, nil
}

func checkCredentials(ctx context.Context, s *setup.Setup, sys *inventory.System) []Finding {
	var out []Finding
	for _, name := range sys.Credentials() {
		f := Finding{System: sys.Name, What: "credential " + name}
		if _, err := s.Secret(ctx, name); err != nil {
			f.Problem = err.Error()
		}
		out = append(out, f)
	}
	return out
}

// connects is what is checked of a host before anything else.
const connects = "connects"

// unconnected names the hosts that do not connect.
func unconnected(all []Finding) map[string]bool {
	lost := map[string]bool{}
	for _, f := range all {
		if f.What == connects && f.Problem != "" {
			lost[f.Host] = true
		}
	}
	return lost
}

// checkHosts looks at all hosts of a system in parallel; the findings keep the
// inventory's order.
func checkHosts(ctx context.Context, s *setup.Setup, sys *inventory.System) []Finding {
	hosts := sys.Hosts()
	found := make([][]Finding, len(hosts))
	var wg sync.WaitGroup
	for i, h := range hosts {
		wg.Go(func() { found[i] = checkHost(ctx, s, sys, h.Name) })
	}
	wg.Wait()
	var out []Finding
	for _, f := range found {
		out = append(out, f...)
	}
	return out
}

func checkHost(ctx context.Context, s *setup.Setup, sys *inventory.System, host string) []Finding {
	ctx, cancel := context.WithTimeout(ctx, checkDeadline)
	defer cancel()
	connected := Finding{System: sys.Name, Host: host, What: connects}
	_, err := s.Pin(host)
	if err == nil {
		err = s.Hosts.Ping(ctx, host)
	}
	if err != nil {
		connected.Problem = dr.AsError(err, "host").Error()
		return []Finding{connected}
	}
	out := []Finding{connected}
	for _, need := range sys.Needs() {
		if need.Host != host {
			continue
		}
		for _, t := range need.Tools {
			f := Finding{System: sys.Name, Host: host, What: "has " + t.Name}
			if err := s.Hosts.CheckTool(ctx, host, t); err != nil {
				f.Problem = dr.AsError(err, "tool").Error()
			}
			out = append(out, f)
		}
	}
	return out
}

// PrintFindings writes the findings for people and says how many problems
// there are.
func PrintFindings(w io.Writer, all []Finding) (problems int) {
	for _, f := range all {
		where := f.System
		if f.Host != "" {
			where += " " + f.Host
		}
		if f.Problem == "" {
			fmt.Fprintf(w, "ok       %s: %s\n", where, f.What)
			continue
		}
		problems++
		fmt.Fprintf(w, "PROBLEM  %s: %s: %s\n", where, f.What, f.Problem)
	}
	fmt.Fprintf(w, "%d checks, %d problems; nothing was changed\n", len(all), problems)
	return problems
}
