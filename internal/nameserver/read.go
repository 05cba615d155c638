package nameserver

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/switchback-dr/switchback/dr"
)

// Answer is what a server said about a name.
type Answer struct {
	Records Records
	// Shortest and Longest are the times for which the records may be kept: at
	// an authoritative server the records' own, at a resolver what is left.
	// Both are zero when there is no record.
	Shortest, Longest time.Duration
	// Negative is how long a resolver may keep that a type is not there; zero
	// when every type that was asked for is.
	Negative time.Duration

	some bool
}

// Read asks what a name has. A server that is no resolver must be the authority
// of the zone.
func (s Server) Read(ctx context.Context, zone, name string) (Answer, error) {
	var asked []*dns.Msg
	for _, t := range types {
		m := new(dns.Msg)
		m.SetQuestion(dns.Fqdn(name), t)
		m.RecursionDesired = s.Resolver
		asked = append(asked, m)
	}
	answers, err := s.exchange(ctx, asked...)
	if err != nil {
		return Answer{}, err
	}
	var out Answer
	for i, m := range answers {
		if err := s.usable(m, zone, name); err != nil {
			return Answer{}, err
		}
		if err := out.take(m, name, types[i]); err != nil {
			return Answer{}, s.strange(err.Error())
		}
	}
	return out, nil
}

// usable says whether an answer tells what the name has.
func (s Server) usable(m *dns.Msg, zone, name string) error {
	switch m.Rcode {
	case dns.RcodeSuccess, dns.RcodeNameError:
		if s.Resolver || m.Authoritative {
			return nil
		}
		return s.noAuthority(zone)
	case dns.RcodeRefused, dns.RcodeNotAuth:
		if !s.Resolver {
			return s.noAuthority(zone)
		}
	}
	return dr.Retry("dns_answer", "the DNS server %s cannot say what %s has (%s)", s.Address, name, rcode(m.Rcode)).
		WithNext("look into the server's log")
}

func (s Server) noAuthority(zone string) error {
	return dr.Hold("dns_zone", "the DNS server %s is not the authority of the zone %s", s.Address, zone).
		WithNext("correct server, servers or zone in the inventory")
}

// take adds one answer. A record of another name (what a CNAME leads to) is none
// of ours; two answers that contradict one another make no answer.
func (a *Answer) take(m *dns.Msg, name string, t uint16) error {
	var found Records
	has := false
	for _, rr := range m.Answer {
		h := rr.Header()
		if !strings.EqualFold(strings.TrimSuffix(h.Name, "."), name) || h.Class != dns.ClassINET {
			continue
		}
		if h.Rrtype != t && h.Rrtype != dns.TypeCNAME {
			continue
		}
		has = true
		if !found.add(rr) {
			return fmt.Errorf("a record of %s cannot be read", name)
		}
		ttl := ttlOf(h.Ttl)
		if !a.some || ttl < a.Shortest {
			a.Shortest, a.some = ttl, true
		}
		a.Longest = max(a.Longest, ttl)
	}
	if !has {
		a.Negative = max(a.Negative, negative(m))
	}
	a.Records.A = append(a.Records.A, found.A...)
	a.Records.AAAA = append(a.Records.AAAA, found.AAAA...)
	if found.CNAME != "" {
		if a.Records.CNAME != "" && a.Records.CNAME != found.CNAME {
			return fmt.Errorf("it names two canonical names of %s", name)
		}
		a.Records.CNAME = found.CNAME
	}
	return nil
}

// negative is how long the absence that an answer tells may be kept (RFC 2308).
func negative(m *dns.Msg) time.Duration {
	for _, rr := range m.Ns {
		if soa, ok := rr.(*dns.SOA); ok {
			return min(ttlOf(soa.Hdr.Ttl), ttlOf(soa.Minttl))
		}
	}
	return 0
}

// ttlOf reads a time to live; the highest bit makes it zero (RFC 2181, section 8).
func ttlOf(n uint32) time.Duration {
	if n > 1<<31-1 {
		return 0
	}
	return time.Duration(n) * time.Second
}

// CheckZone asks whether the server is the authority of a zone, with its key.
func (s Server) CheckZone(ctx context.Context, zone string) error {
	m := new(dns.Msg)
	m.SetQuestion(dns.Fqdn(zone), dns.TypeSOA)
	m.RecursionDesired = false
	answers, err := s.exchange(ctx, m)
	if err != nil {
		return err
	}
	for _, rr := range answers[0].Answer {
		if soa, ok := rr.(*dns.SOA); ok && answers[0].Authoritative && strings.EqualFold(soa.Hdr.Name, dns.Fqdn(zone)) {
			return nil
		}
	}
	return s.noAuthority(zone)
}
