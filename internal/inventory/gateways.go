package inventory

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/switchback-dr/switchback/dr"
)

// Gateway is a program that verifies people by their chat accounts and signs
// their decisions with a key of its own.
type Gateway struct {
	Name string
	// Keys are the public keys that it signs with; several while one is being
	// replaced.
	Keys []ssh.PublicKey
	// Accounts are the kinds of account that it may speak for: "slack".
	Accounts []string
}

// SpeaksFor says whether the gateway may speak for accounts of this kind.
func (g Gateway) SpeaksFor(kind string) bool { return slices.Contains(g.Accounts, kind) }

// Who is everybody whose decisions can count, as the inventory has them now.
type Who struct {
	People   map[string]Person
	Gateways map[string]Gateway
}

// Who gives people and gateways.
func (inv *Inventory) Who() Who { return Who{People: inv.People, Gateways: inv.Gateways} }

// OfAccount finds the person whose account this is.
func (w Who) OfAccount(account string) (Person, bool) {
	for _, p := range w.People {
		if slices.Contains(p.Accounts, account) {
			return p, true
		}
	}
	return Person{}, false
}

// AccountKind is what stands before the colon of an account.
func AccountKind(account string) string {
	kind, _, _ := strings.Cut(account, ":")
	return kind
}

type gatewayFile struct {
	SSHKeys  []string `yaml:"ssh_keys"`
	Accounts []string `yaml:"accounts"`
}

var kindPattern = regexp.MustCompile(`^[a-z][a-z0-9]*$`)

// attestedKind is the kind of accounts that Temporal's server attests; a
// gateway cannot speak for it.
const attestedKind = "temporal"

// loadGateways reads the gateways; owners has the people's keys, since a key
// that two hold proves nothing.
func (l *loader) loadGateways(n node, owners map[string]owner) {
	for _, e := range l.section(n, "gateway") {
		var f gatewayFile
		decode(e.value, &f, l.complaints)
		g := Gateway{Name: e.key, Accounts: f.Accounts}
		for i, text := range f.SSHKeys {
			at := e.value.at(fmt.Sprintf("ssh_keys.%d", i))
			key, err := parseKey(text)
			switch {
			case err != nil:
				l.add(at.line, "%s: %s", at.path, err)
			case key.Type() != ssh.KeyAlgoED25519:
				l.add(at.line, "%s is a key of type %s; a gateway signs with ssh-ed25519", at.path, key.Type())
			default:
				l.own(owners, "key "+ssh.FingerprintSHA256(key), e.key, at)
				g.Keys = append(g.Keys, key)
			}
		}
		if len(f.SSHKeys) == 0 {
			l.add(e.value.line, "%s has no ssh_keys; without one nothing that it says can be verified", e.value.path)
		}
		if len(f.Accounts) == 0 {
			l.add(e.value.line, "%s has no accounts; name the kinds that it may speak for, such as slack", e.value.path)
		}
		for i, kind := range f.Accounts {
			at := e.value.at(fmt.Sprintf("accounts.%d", i))
			switch {
			case !kindPattern.MatchString(kind):
				l.add(at.line, "%s is %q, not the kind of an account such as slack", at.path, dr.Clip(kind, 40))
			case kind == attestedKind:
				l.add(at.line, "%s: only Temporal's server speaks for %s accounts", at.path, kind)
			}
		}
		l.inv.Gateways[e.key] = g
	}
}
