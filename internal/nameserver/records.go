package nameserver

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// Records are what a name has, as far as a client finds its server by it: either
// addresses or another name. The zero value has nothing.
type Records struct {
	A     []string `json:"a,omitempty"`
	AAAA  []string `json:"aaaa,omitempty"`
	CNAME string   `json:"cname,omitempty"`
}

// Types are the types of records that are looked at and written, in this order.
var types = []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeCNAME}

// maxRecords is how many addresses a name may have here.
const maxRecords = 16

// Check says what is wrong with records that somebody wrote down.
func (r Records) Check() error {
	if r.CNAME != "" && len(r.A)+len(r.AAAA) > 0 {
		return fmt.Errorf("a name has addresses or a cname, not both")
	}
	if len(r.A)+len(r.AAAA) > maxRecords {
		return fmt.Errorf("more than %d addresses", maxRecords)
	}
	for _, a := range r.A {
		if p, err := netip.ParseAddr(a); err != nil || !p.Is4() || p.String() != a || p.IsUnspecified() {
			return fmt.Errorf("%q is no IPv4 address", a)
		}
	}
	for _, a := range r.AAAA {
		if p, err := netip.ParseAddr(a); err != nil || !p.Is6() || p.Is4In6() || p.Zone() != "" || p.String() != a || p.IsUnspecified() {
			return fmt.Errorf("%q is no IPv6 address in its short form", a)
		}
	}
	if r.CNAME != "" {
		return CheckName(r.CNAME)
	}
	return nil
}

// Empty says that there is no record.
func (r Records) Empty() bool { return len(r.A)+len(r.AAAA) == 0 && r.CNAME == "" }

// Equal compares without regard to order.
func (r Records) Equal(o Records) bool { return slices.Equal(r.values(), o.values()) }

// String lists the values; "no record" when there is none.
func (r Records) String() string {
	if r.Empty() {
		return "no record"
	}
	var out []string
	for _, t := range types {
		out = append(out, r.of(t)...)
	}
	return strings.Join(out, ", ")
}

// values are the records as text, sorted.
func (r Records) values() []string {
	var out []string
	for _, t := range types {
		for _, v := range r.of(t) {
			out = append(out, dns.TypeToString[t]+" "+v)
		}
	}
	slices.Sort(out)
	return out
}

// of gives the values of one type.
func (r Records) of(t uint16) []string {
	switch t {
	case dns.TypeA:
		return r.A
	case dns.TypeAAAA:
		return r.AAAA
	}
	if r.CNAME == "" {
		return nil
	}
	return []string{r.CNAME}
}

// add takes a record of an answer over; false when its value is none.
func (r *Records) add(rr dns.RR) bool {
	switch v := rr.(type) {
	case *dns.A:
		a, ok := netip.AddrFromSlice(v.A)
		r.A = append(r.A, a.Unmap().String())
		return ok && a.Unmap().Is4()
	case *dns.AAAA:
		a, ok := netip.AddrFromSlice(v.AAAA)
		r.AAAA = append(r.AAAA, a.String())
		return ok && a.Is6()
	case *dns.CNAME:
		r.CNAME = strings.ToLower(strings.TrimSuffix(v.Target, "."))
		return CheckName(r.CNAME) == nil
	}
	return false
}

// label is one part of a name, without what only makes mischief in zone files.
var label = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$`)

// CheckName says what is wrong with a name of the DNS: lower-case labels with
// dots between them, without the final dot.
func CheckName(name string) error {
	if len(name) > 253 || !strings.Contains(name, ".") {
		return fmt.Errorf("%q is no full name such as orders.example.com", clip(name))
	}
	for part := range strings.SplitSeq(name, ".") {
		if !label.MatchString(part) {
			return fmt.Errorf("%q is no full name such as orders.example.com", clip(name))
		}
	}
	return nil
}

// InZone says whether a name is the zone's own or below it.
func InZone(name, zone string) bool { return name == zone || strings.HasSuffix(name, "."+zone) }

func clip(s string) string {
	if len(s) > 60 {
		return s[:60] + "…"
	}
	return s
}

// CheckKeyName says what is wrong with the name of a key: one label or more.
func CheckKeyName(name string) error {
	if !strings.Contains(name, ".") {
		name += ".key"
	}
	return CheckName(name)
}
