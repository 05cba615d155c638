package nameserver

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/miekg/dns"

	"github.com/switchback-dr/switchback/dr"
)

// Update replaces what a name has. The server makes it only where the name still
// has what is said under Before, and nothing of another of the types: the
// comparison and the change are one (RFC 2136, sections 2.4 and 3.2).
type Update struct {
	Zone string
	Name string
	// Before is what the name must have now; After is what it gets, for TTL
	// seconds.
	Before, After Records
	TTL           uint32
}

// change is one line of an update: a prerequisite, a deletion or an addition.
type change struct {
	verb string
	rr   dns.RR
	kind uint16
}

// changes are the update's lines in their order; message and script are both
// made of them.
func (u Update) changes() []change {
	var out []change
	for _, t := range types {
		before := u.Before.of(t)
		if len(before) == 0 {
			out = append(out, change{verb: "prereq nxrrset", kind: t})
		}
		for _, v := range before {
			out = append(out, change{"prereq yxrrset", record(u.Name, t, 0, v), t})
		}
	}
	for _, t := range types {
		if len(u.Before.of(t)) > 0 {
			out = append(out, change{verb: "update delete", kind: t})
		}
	}
	for _, t := range types {
		for _, v := range u.After.of(t) {
			out = append(out, change{"update add", record(u.Name, t, u.TTL, v), t})
		}
	}
	return out
}

// record makes a record of a checked value.
func record(name string, t uint16, ttl uint32, value string) dns.RR {
	h := dns.RR_Header{Name: dns.Fqdn(name), Rrtype: t, Class: dns.ClassINET, Ttl: ttl}
	switch t {
	case dns.TypeA:
		return &dns.A{Hdr: h, A: net.IP(netip.MustParseAddr(value).AsSlice())}
	case dns.TypeAAAA:
		return &dns.AAAA{Hdr: h, AAAA: net.IP(netip.MustParseAddr(value).AsSlice())}
	}
	return &dns.CNAME{Hdr: h, Target: dns.Fqdn(value)}
}

// message gives the update as it goes over the wire.
func (u Update) message() *dns.Msg {
	m := new(dns.Msg)
	m.SetUpdate(dns.Fqdn(u.Zone))
	for _, c := range u.changes() {
		none := []dns.RR{&dns.ANY{Hdr: dns.RR_Header{Name: dns.Fqdn(u.Name), Rrtype: c.kind}}}
		switch c.verb {
		case "prereq nxrrset":
			m.RRsetNotUsed(none)
		case "prereq yxrrset":
			m.Used([]dns.RR{c.rr})
		case "update delete":
			m.RemoveRRset(none)
		case "update add":
			m.Insert([]dns.RR{c.rr})
		}
	}
	return m
}

// Script gives the update as input of nsupdate, complete but for the secret,
// for which a reference stands.
func (u Update) Script(server string, key Key, secret string) string {
	ap := netip.MustParseAddrPort(server)
	lines := []string{
		fmt.Sprintf("server %s %d", ap.Addr(), ap.Port()),
		"zone " + u.Zone,
		"key " + key.Algorithm + ":" + key.Name + " " + secret,
	}
	name := dns.Fqdn(u.Name)
	for _, c := range u.changes() {
		kind := dns.TypeToString[c.kind]
		switch {
		case c.rr == nil:
			lines = append(lines, c.verb+" "+name+" IN "+kind)
		case c.verb == "update add":
			lines = append(lines, fmt.Sprintf("%s %s %d IN %s %s", c.verb, name, u.TTL, kind, valueOf(c.rr)))
		default:
			lines = append(lines, c.verb+" "+name+" IN "+kind+" "+valueOf(c.rr))
		}
	}
	return strings.Join(append(lines, "send"), "\n")
}

func valueOf(rr dns.RR) string { return strings.TrimPrefix(rr.String(), rr.Header().String()) }

// Update sends the update. An error that is not marked as unknown says that the
// server has changed nothing.
func (s Server) Update(ctx context.Context, u Update) error {
	answers, err := s.exchange(ctx, u.message())
	if err != nil {
		if de := dr.AsError(err, "dns"); de.Code == codeCutOff {
			return dr.HoldUnknown(de.Code, "%s", de.Text).WithNext("%s", de.Next).Because(err)
		}
		return err
	}
	return s.made(answers[0].Rcode, u)
}

// made says what an answer to an update means.
func (s Server) made(code int, u Update) error {
	switch code {
	case dns.RcodeSuccess:
		return nil
	case dns.RcodeNXRrset, dns.RcodeYXRrset, dns.RcodeNameError, dns.RcodeYXDomain:
		return dr.Hold("dns_unexpected", "%s does not have %s any more: the DNS server %s changed nothing", u.Name, u.Before, s.Address).
			WithNext("find out who changed it; then retry, or replan")
	case dns.RcodeNotAuth, dns.RcodeNotZone:
		return s.noAuthority(u.Zone)
	case dns.RcodeRefused:
		return dr.Hold("dns_refused", "the DNS server %s does not let the key %s change %s", s.Address, s.Key.Name, u.Name).
			WithNext("give the key the right in the server's allow-update or update-policy")
	case dns.RcodeNotImplemented:
		return dr.Hold("dns_refused", "the DNS server %s takes no dynamic updates", s.Address).WithNext("name the zone's primary server in the inventory")
	default:
		return dr.Hold("dns_refused", "the DNS server %s did not make the update of %s (%s)", s.Address, u.Name, rcode(code)).WithNext("look into the server's log")
	}
}

// MayUpdate asks whether the key may change a name's records of the types of
// like. It changes nothing: the update takes away one record that is not there
// and that no name has.
func (s Server) MayUpdate(ctx context.Context, zone, name string, like Records) error {
	t, value := dns.TypeCNAME, "nothing.invalid"
	switch {
	case len(like.A) > 0:
		t, value = dns.TypeA, "0.0.0.0"
	case len(like.AAAA) > 0:
		t, value = dns.TypeAAAA, "::"
	}
	m := new(dns.Msg)
	m.SetUpdate(dns.Fqdn(zone))
	m.Remove([]dns.RR{record(name, t, 0, value)})
	answers, err := s.exchange(ctx, m)
	if err != nil {
		return err
	}
	return s.made(answers[0].Rcode, Update{Zone: zone, Name: name})
}
