package contrib

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/nameserver"
)

// dnsWait asks servers until all answer the same records.
type dnsWait struct {
	Name   string `json:"name"`
	Zone   string `json:"zone"`
	Record string `json:"record"`
	// Servers must be authorities of the zone; Resolvers answer for others.
	Servers   []string           `json:"servers"`
	Resolvers []string           `json:"resolvers,omitempty"`
	Want      nameserver.Records `json:"want"`
	// MaxTTL is for how many seconds an answer may be kept at most; 0: any.
	MaxTTL uint32 `json:"max_ttl,omitempty"`
}

func (a dnsWait) check() error {
	if len(a.Servers) == 0 {
		return fmt.Errorf("%s has no servers", a.Name)
	}
	for _, s := range append(append([]string{}, a.Servers...), a.Resolvers...) {
		if err := nameserver.CheckAddress(s); err != nil {
			return fmt.Errorf("the DNS server %q is %w", s, err)
		}
	}
	for _, err := range []error{nameserver.CheckName(a.Zone), nameserver.CheckName(a.Record), a.Want.Check()} {
		if err != nil {
			return err
		}
	}
	return nil
}

// digArgv asks a server as people would.
func digArgv(server, record string, resolver bool) []string {
	ap := netip.MustParseAddrPort(server)
	argv := []string{"dig", "+tcp", "@" + ap.Addr().String(), "-p", fmt.Sprint(ap.Port())}
	if !resolver {
		argv = append(argv, "+norecurse")
	}
	return append(argv, record, "A", record, "AAAA", record, "CNAME")
}

func digLine(server, record string, resolver bool) string {
	return strings.Join(digArgv(server, record, resolver), " ")
}

func (a dnsWait) commands() []dr.Command {
	var out []dr.Command
	for _, s := range a.Servers {
		out = append(out, dr.Command{Host: "worker", Argv: digArgv(s, a.Record, false)})
	}
	for _, s := range a.Resolvers {
		out = append(out, dr.Command{Host: "worker", Argv: digArgv(s, a.Record, true)})
	}
	return out
}

// told is what one server said.
type told struct {
	// text is what is wrong with it; "" when nothing is.
	text string
	left time.Duration
	// unknown: it could not be asked. never: asking again is in vain.
	unknown bool
	never   error
}

// ask asks one server.
func (a dnsWait) ask(ctx context.Context, env kit.Env, address string, resolver bool) told {
	s := nameserver.Server{Dial: env.Dial, Now: env.Now, Address: address, Resolver: resolver}
	got, err := s.Read(ctx, a.Zone, a.Record)
	limit := time.Duration(a.MaxTTL) * time.Second
	switch {
	case err != nil:
		t := told{text: dr.AsError(err, "dns").Text, unknown: true}
		if dr.ClassOf(err) != dr.ClassRetry {
			t.never = err
		}
		return t
	case !got.Records.Equal(a.Want):
		t := told{text: fmt.Sprintf("%s still answers %s", address, got.Records)}
		if resolver {
			t.left = max(got.Longest, got.Negative)
			t.text += fmt.Sprintf(", for another %s", dr.Duration(t.left))
		}
		return t
	case limit > 0 && got.Longest > limit:
		t := told{text: fmt.Sprintf("%s still keeps %s for %s", address, got.Records, dr.Duration(got.Longest))}
		if resolver {
			t.left = got.Longest - limit
		}
		return t
	}
	return told{}
}

// dnsEverywhere is the probe: all servers are asked at once.
func dnsEverywhere(ctx context.Context, env kit.Env, a dnsWait) kit.Effect {
	all := append(append([]string{}, a.Servers...), a.Resolvers...)
	answers := make([]told, len(all))
	var wg sync.WaitGroup
	for i, s := range all {
		wg.Go(func() { answers[i] = a.ask(ctx, env, s, i >= len(a.Servers)) })
	}
	wg.Wait()
	var wrong []string
	var out kit.Effect
	var left time.Duration
	out.State = kit.EffectDone
	for _, t := range answers {
		if t.text == "" {
			continue
		}
		wrong = append(wrong, t.text)
		left = max(left, t.left)
		if out.Never == nil {
			out.Never = t.never
		}
		if t.unknown {
			out.State = kit.EffectUnknown
		} else if out.State == kit.EffectDone {
			out.State = kit.EffectNotDone
		}
	}
	if len(wrong) == 0 {
		return kit.Done("all %s answer that %s has %s", dr.Count(int64(len(all)), "server"), a.Record, a.Want)
	}
	out.Text = strings.Join(wrong, "; ")
	out.Progress = &kit.Progress{
		Text: fmt.Sprintf("waiting for %s to be %s everywhere: %s", a.Record, a.Want, out.Text),
		Done: int64(len(all) - len(wrong)), Total: int64(len(all)), Unit: "servers", Left: dr.Duration(left), At: env.Now(),
	}
	return out
}

var dnsKnown = kit.Spec[dnsWait]{
	Name: "dns.known", Kind: dr.KindRead, Check: dnsWait.check, Commands: dnsWait.commands,
	Doc:   "Waits until all authoritative servers and resolvers that the inventory names answer a name's records, and keep them for no longer than asked.",
	Probe: dnsEverywhere,
	ProofText: func(a dnsWait) string {
		text := fmt.Sprintf("each answers that %s has %s", a.Record, a.Want)
		if a.MaxTTL > 0 {
			text += fmt.Sprintf(", for at most %d seconds", a.MaxTTL)
		}
		return text
	},
	Poll: time.Second,
}
