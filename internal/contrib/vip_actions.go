package contrib

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// vipArgs are one virtual address at one site.
type vipArgs struct {
	Name      string `json:"name"`
	Site      string `json:"site"`
	Host      string `json:"host"`
	Interface string `json:"interface"`
	// Address has the length of its network's prefix.
	Address string `json:"address"`
	Sudo    bool   `json:"sudo,omitempty"`
}

func (a vipArgs) check() error {
	if _, err := netip.ParsePrefix(a.Address); err != nil || a.Host == "" || a.Interface == "" {
		return fmt.Errorf("%s has no address, host or interface", a.Name)
	}
	return nil
}

func (a vipArgs) prefix() netip.Prefix { return netip.MustParsePrefix(a.Address) }

func (a vipArgs) script(body string) []dr.Command {
	p := a.prefix()
	argv := []string{"sh", "-c", strings.TrimSpace(body), "sh", a.Interface, p.Addr().String(), fmt.Sprint(p.Bits())}
	if a.Sudo {
		argv = append([]string{"sudo", "-n"}, argv...)
	}
	return []dr.Command{{Host: a.Host, Argv: argv, Env: []string{"LC_ALL=C", "PATH=/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"}}}
}

// Interface, address and the prefix's length are the arguments. For IPv4 the
// neighbours are told by arping; for IPv6 the kernel tells them by itself when
// its own search for a duplicate has ended (ndisc_notify).
const (
	vipBindScript = `
case $2 in
*:*) sysctl -q -w "net.ipv6.conf.$1.ndisc_notify=1"; ip -6 address add "$2/$3" dev "$1" ;;
*) ip -4 address add "$2/$3" dev "$1" && arping -q -U -c 2 -I "$1" "$2"; ip -4 -o address show dev "$1" to "$2/32" ;;
esac`
	vipUnbindScript = `ip address del "$2/$3" dev "$1"`
	// vipSearchScript ends with 0 when nobody answers for the address, with 1
	// when somebody does, and with another code when it could not look.
	vipSearchScript = `
case $2 in
*:*)
  ip -6 neigh del "$2" dev "$1" 2>/dev/null
  out=$(ping -6 -n -c 2 -i 0.2 -W 1 -I "$1" "$2" 2>&1); code=$?
  case $code in 0) exit 1 ;; 1) exit 0 ;; *) echo "$out" >&2; exit 9 ;; esac ;;
*)
  command -v arping >/dev/null || { echo "arping is missing" >&2; exit 9; }
  out=$(arping -D -c 2 -w 1 -I "$1" "$2" 2>&1); code=$?
  case $code in 0 | 1) exit "$code" ;; *) echo "$out" >&2; exit 9 ;; esac ;;
esac`
)

// vipShow prints a host's addresses.
func vipShow(host string) dr.Command {
	return dr.Command{Host: host, Argv: []string{"sh", "-c", `PATH=$PATH:/usr/sbin:/sbin; exec ip -j address show`}}
}

// vipLinks reads the host's addresses.
func vipLinks(ctx context.Context, env kit.Env, a vipArgs) (links, kit.HostTime, error) {
	out, err := env.Read(ctx, vipShow(a.Host))
	switch {
	case err != nil:
		return links{}, 0, err
	case out.Exit != 0 || out.Truncated:
		return links{}, 0, dr.Retry("vip", "the addresses of %s could not be read: ip ended with exit code %d %s", a.Host, out.Exit, dr.Clip(strings.TrimSpace(out.Stderr), 200)).
			WithNext("see that iproute2 is installed there")
	}
	l, err := parseLinks(out.Stdout)
	if err != nil {
		return links{}, 0, dr.Retry("vip", "the addresses of %s could not be read: %s", a.Host, dr.CleanLine(err.Error()))
	}
	return l, out.HostTime, nil
}

// vipWhere says what an address does on the host of its site.
func vipWhere(ctx context.Context, env kit.Env, a vipArgs) (b bound, found bool, text string, err error) {
	l, _, err := vipLinks(ctx, env, a)
	if err != nil {
		return bound{}, false, "", err
	}
	at := l.find(a.prefix().Addr())
	switch {
	case len(at) == 0:
		return bound{}, false, fmt.Sprintf("%s does not have %s", a.Host, a.prefix().Addr()), nil
	case len(at) > 1 || at[0].Interface != a.Interface:
		return bound{}, true, "", dr.Hold("vip_elsewhere", "%s has %s on the interface %s, and the inventory says %s", a.Host, a.prefix().Addr(), at[0].Interface, a.Interface).
			WithNext("remove it there by hand, or correct the inventory")
	}
	return at[0], true, fmt.Sprintf("%s has %s on %s", a.Host, at[0].Prefix, a.Interface), nil
}

func vipBound(ctx context.Context, env kit.Env, a vipArgs) kit.Effect {
	b, found, text, err := vipWhere(ctx, env, a)
	switch {
	case err != nil && found:
		return kit.Effect{Text: dr.AsError(err, "vip").Text, Never: err}
	case err != nil:
		return kit.NotKnown("%s", dr.AsError(err, "vip").Text)
	case !found:
		return kit.NotDone("%s", text)
	case b.Duplicate:
		return kit.Effect{Text: text, Never: dr.Hold("vip_duplicate", "another machine answers for %s: the kernel of %s does not use it", b.Prefix.Addr(), a.Host).WithNext("find that machine, take the address from it, and retry")}
	case b.Tentative:
		return kit.NotDone("%s, and still looks whether another machine has it", text)
	case b.Prefix != a.prefix():
		return kit.Effect{Text: text, Never: dr.Hold("vip_prefix", "%s, and the inventory says %s", text, a.Address).WithNext("correct one of the two")}
	}
	return kit.Done("%s", text)
}

func vipUnbound(ctx context.Context, env kit.Env, a vipArgs) kit.Effect {
	_, found, text, err := vipWhere(ctx, env, a)
	switch {
	case err != nil && found:
		return kit.Effect{Text: dr.AsError(err, "vip").Text, Never: err}
	case err != nil:
		return kit.NotKnown("%s", dr.AsError(err, "vip").Text)
	case found:
		return kit.NotDone("%s", text)
	}
	return kit.Done("%s", text)
}

// vipFree is the guard of binding: the interface is there, up, and serves the
// address's network, and nobody answers for the address.
func vipFree(ctx context.Context, env kit.Env, a vipArgs) (kit.HostTime, error) {
	l, _, err := vipLinks(ctx, env, a)
	if err != nil {
		return 0, err
	}
	up, there := l.names[a.Interface]
	switch {
	case !there:
		return 0, dr.Hold("vip_interface", "%s has no interface %s", a.Host, a.Interface).WithNext("correct the inventory")
	case !up:
		return 0, dr.Hold("vip_interface", "the interface %s of %s is down", a.Interface, a.Host).WithNext("bring it up, then retry")
	case !l.serves(a.Interface, a.prefix()):
		return 0, dr.Hold("vip_network", "%s is in none of the networks of %s on %s", a.Address, a.Interface, a.Host).WithNext("correct the address, its prefix length or the interface in the inventory")
	}
	out, err := env.Read(ctx, a.script(vipSearchScript)[0])
	switch {
	case err != nil:
		return 0, err
	case out.Exit == 0:
		return out.HostTime, nil
	case out.Exit == 1:
		return 0, dr.Hold("vip_duplicate", "another machine answers for %s in the network of %s", a.prefix().Addr(), a.Host).
			WithNext("find it (it may be the old primary's host) and take the address from it, then retry")
	}
	return 0, dr.Hold("vip_search", "whether another machine has %s could not be found out on %s: %s", a.prefix().Addr(), a.Host, dr.Clip(dr.CleanLine(strings.TrimSpace(out.Stderr)), 200)).
		WithNext("install arping (package iputils-arping) and let the login user run it")
}

// vipThere is the guard of unbinding: the host still answers.
func vipThere(ctx context.Context, env kit.Env, a vipArgs) (kit.HostTime, error) {
	_, at, err := vipLinks(ctx, env, a)
	return at, err
}

func vipProof(want string) func(vipArgs) string {
	return func(a vipArgs) string {
		return fmt.Sprintf("%s$ ip address show dev %s: %s is %s", a.Host, a.Interface, a.prefix().Addr(), want)
	}
}

var (
	vipBind = kit.Spec[vipArgs]{
		Name: "vip.bind", Kind: dr.KindChange, Check: vipArgs.check,
		Doc:       "Binds a virtual address to an interface and tells the neighbours (gratuitous ARP, unsolicited neighbour advertisement). Before it, nobody may answer for the address.",
		Commands:  func(a vipArgs) []dr.Command { return a.script(vipBindScript) },
		Probe:     vipBound,
		Guard:     vipFree,
		ProofText: vipProof("there, neither tentative nor dadfailed"),
		GuardText: func(a vipArgs) string {
			return fmt.Sprintf("%s of %s is up and in the network of %s, and no machine answers for it", a.Interface, a.Host, a.Address)
		},
		Poll: 100 * time.Millisecond,
	}
	vipUnbind = kit.Spec[vipArgs]{
		Name: "vip.unbind", Kind: dr.KindChange, Check: vipArgs.check,
		Doc:       "Takes a virtual address from an interface.",
		Commands:  func(a vipArgs) []dr.Command { return a.script(vipUnbindScript) },
		Probe:     vipUnbound,
		Guard:     vipThere,
		ProofText: vipProof("not there"),
		GuardText: func(a vipArgs) string { return a.Host + " answers" },
		Poll:      100 * time.Millisecond,
	}
	vipProve = kit.Spec[vipArgs]{
		Name: "vip.prove", Kind: dr.KindRead, Check: vipArgs.check,
		Doc:       "Proves that a virtual address is bound and in use.",
		Commands:  func(a vipArgs) []dr.Command { return []dr.Command{vipShow(a.Host)} },
		Probe:     vipBound,
		ProofText: vipProof("there, neither tentative nor dadfailed"),
	}
)
