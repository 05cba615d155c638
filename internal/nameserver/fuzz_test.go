package nameserver

import (
	"testing"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"
)

// FuzzAnswer reads what any server may send. Whatever it is, the records that
// are taken from it are ones that could have been written down.
func FuzzAnswer(f *testing.F) {
	reply := new(dns.Msg)
	reply.SetQuestion("orders.example.com.", dns.TypeA)
	reply.Response = true
	for _, line := range []string{
		"orders.example.com. 60 IN A 192.0.2.11", "ORDERS.example.com. 60 IN A 192.0.2.12",
		"orders.example.com. 60 IN CNAME West.example.com.", "west.example.com. 5 IN A 192.0.2.12",
	} {
		rr, err := dns.NewRR(line)
		require.NoError(f, err)
		reply.Answer = append(reply.Answer, rr)
		raw, err := reply.Pack()
		require.NoError(f, err)
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		m := new(dns.Msg)
		if m.Unpack(raw) != nil {
			return
		}
		var a Answer
		for _, kind := range types {
			if a.take(m, "orders.example.com", kind) != nil {
				return
			}
		}
		require.LessOrEqual(t, a.Shortest, a.Longest)
		require.True(t, a.Records.Equal(a.Records))
		if a.Records.Empty() {
			require.Zero(t, a.Longest)
		}
	})
}
