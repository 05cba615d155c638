package inventory

import (
	"crypto/rsa"
	"fmt"
	"regexp"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/switchback-dr/switchback/dr"
)

type personFile struct {
	Name     string   `yaml:"name"`
	Roles    []string `yaml:"roles"`
	SSHKeys  []string `yaml:"ssh_keys"`
	Accounts []string `yaml:"accounts"`
}

var accountPattern = regexp.MustCompile(`^[a-z][a-z0-9]*:[^\s\pC]{1,200}$`)

// UnknownPerson stands for the requester of an unsigned start; nobody may have
// it as ID.
const UnknownPerson = "unknown"

// owner is where a key or an account was first seen.
type owner struct {
	person string
	line   int
}

// loadPeople reads people and gives the keys and accounts with their owners.
func (l *loader) loadPeople(n node) map[string]owner {
	before := len(l.list)
	defer func() { l.peopleBad = len(l.list) > before }()
	owners := map[string]owner{}
	for _, e := range l.section(n, "person") {
		var f personFile
		decode(e.value, &f, l.complaints)
		if e.key == UnknownPerson {
			l.add(e.value.line, "nobody may have the ID %q: it stands for a requester who is not known", UnknownPerson)
		}
		p := Person{ID: e.key, Name: f.Name, Roles: f.Roles, Accounts: f.Accounts}
		if strings.ContainsFunc(f.Name, isControl) {
			l.add(e.value.at("name").line, "%s.name contains control characters", e.value.path)
		}
		for i, r := range f.Roles {
			l.name(e.value.at(fmt.Sprintf("roles.%d", i)), "role", r)
		}
		for i, text := range f.SSHKeys {
			at := e.value.at(fmt.Sprintf("ssh_keys.%d", i))
			key, err := parseKey(text)
			if err != nil {
				l.add(at.line, "%s: %s", at.path, err)
				continue
			}
			l.own(owners, "key "+ssh.FingerprintSHA256(key), e.key, at)
			p.Keys = append(p.Keys, key)
		}
		for i, a := range f.Accounts {
			at := e.value.at(fmt.Sprintf("accounts.%d", i))
			if !accountPattern.MatchString(a) {
				l.add(at.line, "%s is %q, not an account such as slack:T1/U1", at.path, dr.Clip(a, 60))
				continue
			}
			l.own(owners, "account "+a, e.key, at)
		}
		l.inv.People[e.key] = p
	}
	return owners
}

// own complains about a key or account that somebody has already: nobody could
// say whose decision it is.
func (l *loader) own(owners map[string]owner, what, person string, at node) {
	if first, ok := owners[what]; ok {
		if first.person == person {
			l.add(at.line, "the %s stands twice under %s, first in line %d", what, person, first.line)
		} else {
			l.add(at.line, "the %s of %s belongs to %s already, in line %d", what, person, first.person, first.line)
		}
		return
	}
	owners[what] = owner{person, at.line}
}

// minRSABits is the smallest RSA key that may sign a decision.
const minRSABits = 3072

// parseKey reads one line of OpenSSH's authorized_keys without options.
func parseKey(line string) (ssh.PublicKey, error) {
	key, _, options, rest, err := ssh.ParseAuthorizedKey([]byte(line))
	switch {
	case err != nil:
		return nil, fmt.Errorf("this is no OpenSSH public key line such as ssh-ed25519 AAAA... name")
	case len(options) > 0:
		return nil, fmt.Errorf("the key has options, which have no meaning here; remove them")
	case len(strings.TrimSpace(string(rest))) > 0:
		return nil, fmt.Errorf("there is more than one line; write each key as an element of its own")
	}
	switch key.Type() {
	case ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521, ssh.KeyAlgoSKED25519, ssh.KeyAlgoSKECDSA256:
		return key, nil
	case ssh.KeyAlgoRSA:
		if c, ok := key.(ssh.CryptoPublicKey); ok {
			if k, ok := c.CryptoPublicKey().(*rsa.PublicKey); ok && k.N.BitLen() >= minRSABits {
				return key, nil
			}
		}
		return nil, fmt.Errorf("the RSA key is shorter than %d bits; use ssh-ed25519", minRSABits)
	default:
		return nil, fmt.Errorf("keys of type %s are not accepted; use ssh-ed25519", key.Type())
	}
}

// name complains about a name that is not allowed.
func (l *loader) name(at node, kind, name string) bool {
	if err := dr.CheckName(kind, name); err != nil {
		l.add(at.line, "%s", err)
		return false
	}
	return true
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) }
