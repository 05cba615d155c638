package contrib

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/internal/inventory"
	"github.com/switchback-dr/switchback/internal/nameserver"
)

// Checked is one thing that was looked at before it is needed.
type Checked struct {
	What string
	Err  error
}

// CheckDNS asks the servers of a client's name: whether the one that takes
// updates is the zone's authority and lets the key change the name, whether the
// name has the records of one of the sites, and whether the other servers
// answer. It changes nothing.
func CheckDNS(ctx context.Context, env kit.Env, c inventory.Client) []Checked {
	d := c.DNS
	u := dnsMove{client: c, dns: *d}.update()
	what := fmt.Sprintf("the DNS server %s lets the key %s change %s", d.Server, d.Key.Name, d.Name)
	s, err := u.server(ctx, env)
	if err == nil {
		err = s.CheckZone(ctx, d.Zone)
	}
	var got nameserver.Answer
	if err == nil {
		got, err = s.Read(ctx, d.Zone, d.Name)
	}
	for _, site := range slices.Sorted(maps.Keys(d.Sites)) {
		if err == nil {
			err = s.MayUpdate(ctx, d.Zone, d.Name, d.Sites[site])
		}
	}
	out := []Checked{{what, err}}
	if err == nil {
		out = append(out, Checked{d.Name + " has the records of one of the sites", knownSite(*d, got)})
	}
	for i, address := range append(slices.Clone(d.Servers), d.Resolvers...) {
		r := nameserver.Server{Dial: env.Dial, Now: env.Now, Address: address, Resolver: i >= len(d.Servers)}
		_, err := r.Read(ctx, d.Zone, d.Name)
		out = append(out, Checked{fmt.Sprintf("the DNS server %s answers what %s has", address, d.Name), err})
	}
	return out
}

// knownSite says that a name has records that the inventory does not know.
func knownSite(d inventory.DNS, got nameserver.Answer) error {
	for _, r := range d.Sites {
		if got.Records.Equal(r) {
			return nil
		}
	}
	if got.Records.Empty() {
		return fmt.Errorf("%s has no record; no procedure will make one where it expects another", d.Name)
	}
	return fmt.Errorf("%s has %s, which is the record of no site; no procedure will overwrite it", d.Name, got.Records)
}
