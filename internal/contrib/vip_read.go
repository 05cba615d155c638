package contrib

import (
	"encoding/json"
	"fmt"
	"net/netip"
)

// bound is an address on an interface, as `ip -j address` tells it.
type bound struct {
	Interface string
	Prefix    netip.Prefix
	// Tentative: the kernel still looks whether somebody else has it.
	// Duplicate: somebody has, and the kernel does not use it.
	Tentative, Duplicate bool
}

// links are a host's interfaces with their addresses.
type links struct {
	names map[string]bool // interface -> is it up
	all   []bound
}

// parseLinks reads the JSON of `ip -j address`. An entry that is not
// understood makes the whole unreadable: an address might hide in it.
func parseLinks(text string) (links, error) {
	var raw []struct {
		Name  string   `json:"ifname"`
		Flags []string `json:"flags"`
		Info  []struct {
			Family    string `json:"family"`
			Local     string `json:"local"`
			Prefixlen *int   `json:"prefixlen"`
			Tentative bool   `json:"tentative"`
			Duplicate bool   `json:"dadfailed"`
		} `json:"addr_info"`
	}
	if err := json.Unmarshal([]byte(text), &raw); err != nil {
		return links{}, fmt.Errorf("ip -j address printed no list: %w", err)
	}
	if len(raw) == 0 {
		return links{}, fmt.Errorf("ip -j address printed no interface")
	}
	out := links{names: map[string]bool{}}
	for _, i := range raw {
		// iproute2 prints {} for what a filter left out.
		if i.Name == "" && len(i.Info) == 0 {
			continue
		}
		if i.Name == "" {
			return links{}, fmt.Errorf("ip -j address printed addresses without an interface")
		}
		for _, f := range i.Flags {
			out.names[i.Name] = out.names[i.Name] || f == "UP"
		}
		for _, a := range i.Info {
			if a.Family != "inet" && a.Family != "inet6" {
				continue
			}
			addr, err := netip.ParseAddr(a.Local)
			if err != nil || a.Prefixlen == nil || *a.Prefixlen < 0 || *a.Prefixlen > addr.BitLen() {
				return links{}, fmt.Errorf("ip -j address printed an address that is none on %s", i.Name)
			}
			out.all = append(out.all, bound{i.Name, netip.PrefixFrom(addr, *a.Prefixlen), a.Tentative, a.Duplicate})
		}
	}
	return out, nil
}

// find gives where an address is.
func (l links) find(a netip.Addr) []bound {
	var out []bound
	for _, b := range l.all {
		if b.Prefix.Addr() == a {
			out = append(out, b)
		}
	}
	return out
}

// serves says whether an interface has another address in the same network:
// without one nobody there would be reached by it.
func (l links) serves(name string, p netip.Prefix) bool {
	for _, b := range l.all {
		if b.Interface == name && b.Prefix.Addr() != p.Addr() && b.Prefix.Masked() == p.Masked() {
			return true
		}
	}
	return false
}
