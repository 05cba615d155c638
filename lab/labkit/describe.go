package labkit

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/switchback-dr/switchback/lab/ledger"
	"github.com/switchback-dr/switchback/lab/writer"
)

// Description is what `lab up` prints: every endpoint and login.
type Description struct {
	Product   string              `json:"product"`
	Dir       string              `json:"dir"`
	Inventory string              `json:"inventory"`
	System    string              `json:"system"`
	Control   string              `json:"control"`
	PID       int                 `json:"pid"`
	Hosts     map[string]HostInfo `json:"hosts"`
	Key       string              `json:"key"`
	Known     string              `json:"known_hosts"`
	Client    string              `json:"client_address"`
	// Endpoints are the product's own, by name.
	Endpoints map[string]string `json:"endpoints"`
	// People are the private keys of the inventory's people.
	People map[string]string `json:"people"`
}

// HostInfo is a host's login: ssh -i KEY -p PORT USER@ADDRESS.
type HostInfo struct {
	Address string `json:"address"`
	Port    int    `json:"port"`
	User    string `json:"user"`
	Root    string `json:"root"`
	SSH     string `json:"ssh"`
}

// Describe tells every endpoint and login.
func (l *Lab) Describe() Description {
	d := Description{
		Product: l.Product.Name(), Dir: l.Dir, Inventory: l.Inventory(), System: l.System.Entry().System,
		Control: filepath.Join(l.Dir, controlSocket), PID: os.Getpid(), Hosts: map[string]HostInfo{}, Key: l.ClientKey(),
		Known: l.KnownHosts(), Client: l.client.Addr(), Endpoints: l.System.Endpoints(), People: l.people,
	}
	for name, h := range l.hosts {
		d.Hosts[name] = HostInfo{
			Address: h.Address, Port: h.Port, User: "lab", Root: h.Root,
			SSH: fmt.Sprintf("ssh -i %s -o UserKnownHostsFile=%s -p %d lab@%s", l.ClientKey(), l.KnownHosts(), h.Port, h.Address),
		}
	}
	return d
}

func (l *Lab) writeLabFile() error {
	b, err := json.MarshalIndent(l.Describe(), "", "  ")
	if err != nil {
		return err
	}
	// The file holds passwords of the lab's client role.
	return os.WriteFile(filepath.Join(l.Dir, labFile), append(b, '\n'), 0o600)
}

// Ledger draws up the account of everything since the lab was started.
func (l *Lab) Ledger(ctx context.Context) (ledger.Ledger, error) {
	// The record is read before the rows: a write acknowledged in between
	// must not look lost.
	record, err := writer.ReadRecord(l.record())
	if err != nil {
		return ledger.Ledger{}, err
	}
	now := time.Now()
	rows, primary, complaint := l.rows(ctx)
	out := ledger.Account(now, record, rows)
	out.Primary, out.Complaint = primary, complaint
	out.TwoPrimaries = l.watch.Moments()
	out.Commands, err = l.commands()
	return out, err
}

// rows asks the one primary for its rows.
func (l *Lab) rows(ctx context.Context) (ledger.Rows, string, string) {
	var primaries []string
	for _, site := range l.Sites {
		if l.System.Writable(ctx, site) {
			primaries = append(primaries, site)
		}
	}
	if len(primaries) != 1 {
		return nil, "", fmt.Sprintf("%d sites can take writes %v: what is lost can be told when there is one", len(primaries), primaries)
	}
	rows, err := l.System.Rows(ctx, primaries[0])
	if err != nil {
		return nil, primaries[0], err.Error()
	}
	return rows, primaries[0], ""
}

func (l *Lab) commands() (map[string]map[string]int, error) {
	all := map[string]map[string]int{}
	for name, h := range l.hosts {
		calls, err := h.Calls()
		if err != nil {
			return nil, err
		}
		counts, err := l.System.Changes(name)
		if err != nil {
			return nil, err
		}
		if counts == nil {
			counts = map[string]int{}
		}
		for _, c := range calls {
			if name := l.changing(c.Argv); name != "" {
				counts[name]++
			}
		}
		all[name] = counts
	}
	return all, nil
}

// changing names a call that changes something.
func (l *Lab) changing(argv []string) string {
	if argv[0] == "client-address" {
		if len(argv) > 2 && argv[1] == "point" {
			return "client-address point " + argv[2]
		}
		return ""
	}
	return l.System.Changing(argv)
}
