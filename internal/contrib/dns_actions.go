package contrib

import (
	"context"
	"fmt"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/nameserver"
)

// dnsUpdate is one change of what a name has.
type dnsUpdate struct {
	Name   string `json:"name"`
	Server string `json:"server"`
	Zone   string `json:"zone"`
	Record string `json:"record"`
	Key    dnsKey `json:"key"`
	// Before is what the name must have, After what it gets.
	Before nameserver.Records `json:"before"`
	After  nameserver.Records `json:"after"`
	TTL    uint32             `json:"ttl"`
	// WasTTL is the time to live that the record must have before, in seconds,
	// so that an undo restores what there was; 0 for any.
	WasTTL uint32 `json:"was_ttl,omitempty"`
}

type dnsKey struct {
	Name       string `json:"name"`
	Algorithm  string `json:"algorithm"`
	Credential string `json:"credential"`
}

func (a dnsUpdate) check() error {
	if err := nameserver.CheckAddress(a.Server); err != nil {
		return fmt.Errorf("the DNS server %q is %w", a.Server, err)
	}
	for _, err := range []error{
		nameserver.CheckName(a.Zone), nameserver.CheckName(a.Record), nameserver.CheckKeyName(a.Key.Name),
		a.Before.Check(), a.After.Check(),
	} {
		if err != nil {
			return err
		}
	}
	if !nameserver.InZone(a.Record, a.Zone) {
		return fmt.Errorf("%s is not in the zone %s", a.Record, a.Zone)
	}
	return nil
}

func (a dnsUpdate) update() nameserver.Update {
	return nameserver.Update{Zone: a.Zone, Name: a.Record, Before: a.Before, After: a.After, TTL: a.TTL}
}

// commands shows the update as input of nsupdate: whoever works by hand can
// send it as it stands.
func (a dnsUpdate) commands() []dr.Command {
	key := nameserver.Key{Name: a.Key.Name, Algorithm: a.Key.Algorithm}
	return []dr.Command{{Host: "nsupdate", SQL: a.update().Script(a.Server, key, "<credential "+a.Key.Credential+">")}}
}

// server is the one that takes the update. Reading is signed too, so that a
// server with views shows what it changes.
func (a dnsUpdate) server(ctx context.Context, env kit.Env) (nameserver.Server, error) {
	secret, err := env.Secret(ctx, a.Key.Credential)
	if err != nil {
		return nameserver.Server{}, err
	}
	return nameserver.Server{
		Dial: env.Dial, Now: env.Now, Address: a.Server,
		Key: &nameserver.Key{Name: a.Key.Name, Algorithm: a.Key.Algorithm, Secret: secret},
	}, nil
}

// read asks the zone's primary server what the name has.
func (a dnsUpdate) read(ctx context.Context, env kit.Env) (nameserver.Answer, error) {
	s, err := a.server(ctx, env)
	if err != nil {
		return nameserver.Answer{}, err
	}
	return s.Read(ctx, a.Zone, a.Record)
}

func dnsSend(ctx context.Context, env kit.Env, a dnsUpdate) error {
	s, err := a.server(ctx, env)
	if err != nil {
		return err
	}
	return s.Update(ctx, a.update())
}

// has says what the name has, in a sentence.
func (a dnsUpdate) has(got nameserver.Answer) string {
	if got.Records.Empty() {
		return a.Record + " has no record"
	}
	return fmt.Sprintf("%s has %s for %s", a.Record, got.Records, dr.Duration(got.Longest))
}

// unread is the probe of a name that could not be read. What only people can
// mend is not asked again.
func unread(err error) kit.Effect {
	e := kit.NotKnown("%s", dr.AsError(err, "dns").Text)
	if dr.ClassOf(err) != dr.ClassRetry {
		e.Never = err
	}
	return e
}

// dnsThere is the probe of pointing and withdrawing. A record that is neither
// the old nor the new one is "not done": the guard says that it is foreign.
func dnsThere(ctx context.Context, env kit.Env, a dnsUpdate) kit.Effect {
	got, err := a.read(ctx, env)
	switch {
	case err != nil:
		return unread(err)
	case got.Records.Equal(a.After):
		return kit.Done("%s", a.has(got))
	}
	return kit.NotDone("%s", a.has(got))
}

// dnsTTLSet is the probe of a time to live.
func dnsTTLSet(ctx context.Context, env kit.Env, a dnsUpdate) kit.Effect {
	got, err := a.read(ctx, env)
	want := time.Duration(a.TTL) * time.Second
	switch {
	case err != nil:
		return unread(err)
	case got.Records.Equal(a.After) && got.Shortest == want && got.Longest == want:
		return kit.Done("%s", a.has(got))
	}
	return kit.NotDone("%s", a.has(got))
}

// dnsExpected is the guard: the server is the zone's authority, takes the key,
// and the name has what the plan says.
func dnsExpected(ctx context.Context, env kit.Env, a dnsUpdate) (kit.HostTime, error) {
	s, err := a.server(ctx, env)
	if err != nil {
		return 0, err
	}
	if err := s.CheckZone(ctx, a.Zone); err != nil {
		return 0, err
	}
	got, err := s.Read(ctx, a.Zone, a.Record)
	switch {
	case err != nil:
		return 0, err
	case !got.Records.Equal(a.Before):
		return 0, dr.Hold("dns_unexpected", "%s, and the plan expects %s: a record that nobody expects is not overwritten", a.has(got), a.Before).
			WithNext("find out who changed it; put the expected record back or make the change by hand, then retry")
	case a.WasTTL != 0 && !a.usual(got):
		return 0, dr.Hold("dns_ttl", "%s, and the inventory says %s: it could not be restored", a.has(got), time.Duration(a.WasTTL)*time.Second).
			WithNext("correct the ttl of the record or the one in the inventory; or skip the step: the move then takes as long as resolvers keep the old record")
	}
	return 0, nil
}

// usual says whether the record has the time to live that it should have before,
// or already, in part, the new one.
func (a dnsUpdate) usual(got nameserver.Answer) bool {
	for _, v := range []time.Duration{got.Shortest, got.Longest} {
		if v != time.Duration(a.WasTTL)*time.Second && v != time.Duration(a.TTL)*time.Second {
			return false
		}
	}
	return true
}

func (a dnsUpdate) guardText() string {
	return fmt.Sprintf("%s is the authority of %s, and %s has %s there", a.Server, a.Zone, a.Record, a.Before)
}

func (a dnsUpdate) proofText() string {
	return fmt.Sprintf("%s answers that %s has %s", digLine(a.Server, a.Record, false), a.Record, a.After)
}

// dnsSettle is how long the server may take to answer what it has acknowledged.
const dnsSettle = 3 * time.Second

// dnsLock: the comparison with the expected record and the change are one for
// the server; a second update finds another record and changes nothing.
const dnsLock = "the update's prerequisites, which the server compares and applies as one"

// dnsMoving makes an action that changes what a name has.
func dnsMoving(name, doc string) kit.Spec[dnsUpdate] {
	return kit.Spec[dnsUpdate]{
		Name: name, Kind: dr.KindChange, Doc: doc, Check: dnsUpdate.check, Commands: dnsUpdate.commands,
		Probe: dnsThere, Guard: dnsExpected, Act: dnsSend, Lock: dnsLock,
		ProofText: dnsUpdate.proofText, GuardText: dnsUpdate.guardText, Settle: dnsSettle,
	}
}

var (
	dnsPoint = dnsMoving("dns.point", "Gives a name the records of a site, by a signed dynamic update (RFC 2136, RFC 8945) whose prerequisites are the records that it must have before.")

	dnsWithdraw = dnsMoving("dns.withdraw", "Takes a name's records away, by a signed dynamic update whose prerequisites are the records that it must have before. Resolvers may keep the absence for as long as the zone's SOA says (RFC 2308).")

	// dnsTTL has no lock: prerequisites compare records without their times to
	// live, so only time keeps a late one from undoing a later one.
	dnsTTL = kit.Spec[dnsUpdate]{
		Name: "dns.ttl", Kind: dr.KindChange, Check: dnsUpdate.check,
		Doc:      "Sets the time to live of a name's records and leaves the records as they are.",
		Commands: dnsUpdate.commands,
		Probe:    dnsTTLSet,
		Guard:    dnsExpected,
		Act:      dnsSend,
		ProofText: func(a dnsUpdate) string {
			return fmt.Sprintf("%s, for %d seconds", a.proofText(), a.TTL)
		},
		GuardText: dnsUpdate.guardText, ActWithin: 10 * time.Second, Settle: dnsSettle,
	}
)
