package contrib

import (
	"fmt"
	"net"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/inventory"
)

// Probes prove, in verify, that clients arrive at the new primary by their own
// address and that the old site takes no writes at its own.
type Probes struct{ List []inventory.Client }

// Plan adds the proofs.
func (c Probes) Plan(in kit.PlanInput, d *kit.Draft) error {
	if in.Gate != dr.GateDecide && in.Gate != dr.GateCutover {
		return nil
	}
	for _, a := range c.List {
		if a.Probe == nil {
			continue
		}
		args := probeOf(a, d.From, d.To)
		arrive := probeClient
		if a.Probe.Kind == inventory.ProbeTCP {
			arrive = probeTCP
		}
		d.Add(dr.PhaseVerify, kit.PlaceProof, arrive.Step(kit.At{
			Phase: dr.PhaseVerify, Slug: "probe-" + a.Name, Title: fmt.Sprintf("Prove that clients of %s reach %s", a.Name, d.To), Site: d.To,
			Timeout: a.Timeout.D(), Skip: dr.SkipDecision, Why: "a takeover that clients do not reach has not happened",
		}, args))
		d.Add(dr.PhaseVerify, kit.PlaceProof, probeOld.Step(kit.At{
			Phase: dr.PhaseVerify, Slug: "probe-old-" + a.Name, Title: fmt.Sprintf("Look whether %s still takes writes", d.From), Site: d.From,
			Timeout: a.Timeout.D(), Skip: dr.SkipDecision, Why: "clients that kept the old address must not write there",
		}, args))
	}
	return nil
}

// probeArgs are one client's proof for one move.
type probeArgs struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	From string `json:"from"`
	To   string `json:"to"`
	// Address is the clients' own, New and Old are the sites'.
	Address    string   `json:"address,omitempty"`
	New        string   `json:"new,omitempty"`
	Old        string   `json:"old,omitempty"`
	Database   string   `json:"database,omitempty"`
	User       string   `json:"user,omitempty"`
	Credential string   `json:"credential,omitempty"`
	TLS        string   `json:"tls,omitempty"`
	CA         string   `json:"tls_ca,omitempty"`
	Host       string   `json:"host,omitempty"`
	Reaches    []string `json:"reaches,omitempty"`
	Writes     []string `json:"writes,omitempty"`
}

func probeOf(c inventory.Client, from, to string) probeArgs {
	p := *c.Probe
	return probeArgs{
		Name: c.Name, Kind: p.Kind, From: from, To: to, Address: p.Address, New: p.Sites[to], Old: p.Sites[from],
		Database: p.Database, User: p.User, Credential: p.Credential, TLS: p.TLS, CA: p.CA,
		Host: p.Host, Reaches: p.Reaches[to], Writes: p.Writes[from],
	}
}

func (a probeArgs) check() error {
	switch a.Kind {
	case inventory.ProbeCommand:
		if a.Host == "" || len(a.Reaches) == 0 || len(a.Writes) == 0 {
			return fmt.Errorf("the probe of %s has no host or no command", a.Name)
		}
		return nil
	case inventory.ProbePostgres, inventory.ProbeMySQL, inventory.ProbeTCP:
		for _, address := range []string{a.Address, a.New, a.Old} {
			if _, _, err := net.SplitHostPort(address); err != nil {
				return fmt.Errorf("the probe of %s has the address %q", a.Name, address)
			}
		}
		return nil
	}
	return fmt.Errorf("the probe of %s is of the kind %q", a.Name, a.Kind)
}

// commands show what is asked at the addresses.
func (a probeArgs) commands(command []string, addresses ...string) []dr.Command {
	if a.Kind == inventory.ProbeCommand {
		return []dr.Command{{Host: a.Host, Argv: command}}
	}
	var out []dr.Command
	for _, address := range addresses {
		if a.Kind == inventory.ProbeTCP {
			host, port, _ := net.SplitHostPort(address)
			out = append(out, dr.Command{Host: "worker", Argv: []string{"nc", "-z", "-v", host, port}})
			continue
		}
		out = append(out, dr.Command{Host: address, SQL: whoAnswers[a.Kind]})
	}
	return out
}
