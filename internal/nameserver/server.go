// Package nameserver asks and updates servers of the DNS, over TCP: what a name
// has, whether a server is the authority of a zone, and dynamic updates (RFC
// 2136) signed by TSIG (RFC 8945).
package nameserver

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/miekg/dns"

	"github.com/switchback-dr/switchback/dr"
)

// exchangeTimeout bounds one connection to a server with its questions.
const exchangeTimeout = 5 * time.Second

// fudge is how many seconds the clocks of both sides may differ, and how long a
// signed message can be used (RFC 8945, section 10).
const fudge = 300

// codeCutOff is the error of a server that took the connection and gave no
// answer: whether it acted on the question is not known.
const codeCutOff = "dns_cut_off"

// Server is one server of the DNS.
type Server struct {
	// Dial opens the connection; always for "tcp".
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Address is an IP address with a port.
	Address string
	// Key signs every question; nil signs none.
	Key *Key
	// Resolver says that the server answers for others: it is asked to look,
	// and its answer need not be its own.
	Resolver bool
	// Now is the clock that signatures carry.
	Now func() time.Time
}

// Key is a key of TSIG.
type Key struct {
	Name string
	// Algorithm is as people write it: "hmac-sha256".
	Algorithm string
	// Secret is in base64, as key files have it. It never leaves this package.
	Secret string
}

// Algorithms are the ones that a key may have. MD5 and SHA-1 must not be used
// any more (RFC 8945, section 6).
func Algorithms() []string {
	return []string{"hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512"}
}

// check refuses a key that could not sign.
func (k Key) check() error {
	if raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(k.Secret)); err != nil || len(raw) == 0 {
		return dr.Refuse("credential", "the secret of the DNS key %s is not in base64", k.Name).
			WithNext("store what stands behind secret in the server's key file, without the quotes")
	}
	return nil
}

// exchange sends the questions over one connection and gives an answer for each.
func (s Server) exchange(ctx context.Context, asked ...*dns.Msg) ([]*dns.Msg, error) {
	if s.Key != nil {
		if err := s.Key.check(); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, exchangeTimeout)
	defer cancel()
	raw, err := s.Dial(ctx, "tcp", s.Address)
	if err != nil {
		return nil, s.silent(ctx, err)
	}
	defer context.AfterFunc(ctx, func() { _ = raw.Close() })()
	defer func() { _ = raw.Close() }()
	var out []*dns.Msg
	for _, m := range asked {
		answer, err := s.ask(raw, m)
		if err != nil {
			var de *dr.Error
			if errors.As(err, &de) {
				return nil, err
			}
			cut := dr.AsError(s.silent(ctx, err), "dns")
			cut.Code = codeCutOff
			return nil, cut
		}
		out = append(out, answer)
	}
	return out, nil
}

// ask sends one question. Each has a connection's state of its own, so that a
// signature never depends on an earlier answer.
func (s Server) ask(raw net.Conn, m *dns.Msg) (*dns.Msg, error) {
	c := &dns.Conn{Conn: raw}
	if s.Key != nil {
		name := dns.Fqdn(s.Key.Name)
		c.TsigSecret = map[string]string{name: strings.TrimSpace(s.Key.Secret)}
		m.SetTsig(name, dns.Fqdn(s.Key.Algorithm), fudge, s.Now().Unix())
	}
	if err := c.WriteMsg(m); err != nil {
		return nil, err
	}
	answer, err := c.ReadMsg()
	if answer == nil {
		return nil, err
	}
	if kerr := s.checkKey(answer, err); kerr != nil {
		return nil, kerr
	}
	if errors.Is(err, dns.ErrAuth) {
		return nil, s.noAuthority(strings.TrimSuffix(m.Question[0].Name, "."))
	}
	switch {
	case err != nil:
		return nil, s.strange("what it answers cannot be read")
	case answer.Id != m.Id || !answer.Response || answer.Opcode != m.Opcode || answer.Truncated:
		return nil, s.strange("it does not answer what was asked")
	case len(answer.Question) > 1 || len(answer.Question) == 1 && !sameQuestion(answer.Question[0], m.Question[0]):
		return nil, s.strange("it does not answer what was asked")
	}
	return answer, nil
}

func sameQuestion(a, b dns.Question) bool {
	return strings.EqualFold(a.Name, b.Name) && a.Qtype == b.Qtype && a.Qclass == b.Qclass
}

// checkKey says what the server thinks of the key, and takes no unsigned answer
// to a signed question.
func (s Server) checkKey(answer *dns.Msg, verified error) error {
	if s.Key == nil {
		return nil
	}
	t := answer.IsTsig()
	hold := func(format string, a ...any) error {
		return dr.Hold("dns_key", "the DNS server %s "+format, append([]any{s.Address}, a...)...).
			WithNext("compare name, algorithm and secret of the key with the server's")
	}
	switch {
	case t != nil && t.Error == dns.RcodeBadKey:
		return hold("does not know the key %s", s.Key.Name)
	case t != nil && t.Error == dns.RcodeBadSig:
		return hold("does not accept the secret of the key %s", s.Key.Name)
	case t != nil && t.Error == dns.RcodeBadTime:
		return dr.Hold("dns_time", "the DNS server %s does not accept the key %s: its clock and this worker's differ by more than %d s", s.Address, s.Key.Name, fudge).
			WithNext("set the clocks, then retry")
	case t != nil && t.Error != dns.RcodeSuccess:
		return hold("does not accept the key %s (%s)", s.Key.Name, rcode(int(t.Error)))
	case t != nil && errors.Is(verified, dns.ErrAuth):
		return nil // the library does not verify what says "not the authority"
	case t != nil && verified != nil:
		return hold("answers with a signature that is not the one of the key %s", s.Key.Name)
	case t == nil && verified == nil && (answer.Rcode == dns.RcodeRefused || answer.Rcode == dns.RcodeNotAuth || answer.Rcode == dns.RcodeFormatError):
		return hold("refuses what the key %s signs (%s)", s.Key.Name, rcode(answer.Rcode))
	case t == nil && verified == nil:
		return hold("does not sign its answer to the key %s", s.Key.Name)
	}
	return nil
}

// silent is the error of a server that gave no answer.
func (s Server) silent(ctx context.Context, err error) error {
	why := dr.CleanLine(err.Error())
	var op *net.OpError
	var errno syscall.Errno
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		why = "no answer in time"
	case errors.As(err, &errno):
		why = errno.Error()
	case errors.As(err, &op):
		why = dr.CleanLine(op.Err.Error())
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		why = "it closed the connection"
	}
	return dr.Retry("dns_silent", "the DNS server %s does not answer (%s)", s.Address, dr.Clip(why, 100)).
		WithNext("see that it runs and takes TCP connections from the workers").Because(err)
}

// strange is the error of an answer that makes no sense.
func (s Server) strange(what string) error {
	return dr.Retry("dns_answer", "the DNS server %s gives no usable answer: %s", s.Address, what).WithNext("see what answers there")
}

func rcode(n int) string {
	if t, ok := dns.RcodeToString[n]; ok {
		return t
	}
	return "answer code " + strconv.Itoa(n)
}

// CheckAddress says what is wrong with a server's address.
func CheckAddress(address string) error {
	if p, err := netip.ParseAddrPort(address); err != nil || p.Port() == 0 || p.Addr().IsUnspecified() || p.Addr().IsMulticast() {
		return errors.New("not an IP address with a port")
	}
	return nil
}
