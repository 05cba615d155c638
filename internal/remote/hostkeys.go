package remote

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/switchback-dr/switchback/dr"
)

// hostKeys are the keys known for one endpoint and the check against them.
type hostKeys struct {
	ep    Endpoint
	check ssh.HostKeyCallback
	// known are in order of preference, equal in every worker that has the
	// same entries.
	known []ssh.PublicKey
}

// preference orders key types as OpenSSH's clients do.
var preference = []string{ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521, ssh.KeyAlgoRSA}

func readHostKeys(ep Endpoint) (*hostKeys, error) {
	if len(ep.KnownHosts) == 0 {
		return nil, dr.Refuse("host_key", "host %s has no known_hosts file, so its host key cannot be verified", ep.place()).
			WithNext("name a known_hosts file in the inventory")
	}
	check, err := knownhosts.New(ep.KnownHosts...)
	if err != nil {
		return nil, dr.Refuse("host_key", "host %s: known_hosts cannot be read: %v", ep.place(), err).Because(err)
	}
	k := &hostKeys{ep: ep, check: check}
	var mismatch *knownhosts.KeyError
	if errors.As(check(ep.hostport(), &net.TCPAddr{IP: net.IPv4zero, Port: ep.Port}, noKey{}), &mismatch) {
		for _, w := range mismatch.Want {
			k.known = append(k.known, w.Key)
		}
	}
	slices.SortFunc(k.known, func(a, b ssh.PublicKey) int {
		if d := rank(a) - rank(b); d != 0 {
			return d
		}
		return bytes.Compare(a.Marshal(), b.Marshal())
	})
	return k, nil
}

func rank(k ssh.PublicKey) int {
	if i := slices.Index(preference, k.Type()); i >= 0 {
		return i
	}
	return len(preference)
}

// fingerprint of the preferred known key; "" when none is known.
func (k *hostKeys) fingerprint() string {
	if len(k.known) == 0 {
		return ""
	}
	return ssh.FingerprintSHA256(k.known[0])
}

// algorithms restricts what is negotiated to the types of the known keys;
// otherwise a server with several keys may offer another one than the known.
// It is empty, meaning all, for an unknown host, whose key is then refused.
func (k *hostKeys) algorithms() []string {
	var algos []string
	for _, key := range k.known {
		add := []string{key.Type()}
		if key.Type() == ssh.KeyAlgoRSA {
			add = []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
		}
		for _, a := range add {
			if !slices.Contains(algos, a) {
				algos = append(algos, a)
			}
		}
	}
	return algos
}

// verify is the callback of the handshake.
func (k *hostKeys) verify(_ string, remote net.Addr, key ssh.PublicKey) error {
	err := k.check(k.ep.hostport(), remote, key)
	if err == nil {
		return nil
	}
	files := strings.Join(k.ep.KnownHosts, ", ")
	offered := key.Type() + " " + ssh.FingerprintSHA256(key)
	var revoked *knownhosts.RevokedError
	var mismatch *knownhosts.KeyError
	switch {
	case errors.As(err, &revoked):
		return dr.Refuse("host_key", "host %s offers the key %s, which %s:%d marks as revoked", k.ep.place(), offered, revoked.Revoked.Filename, revoked.Revoked.Line).Because(err)
	case errors.As(err, &mismatch) && len(mismatch.Want) > 0:
		w := mismatch.Want[0]
		return dr.Refuse("host_key", "host %s offers the key %s, but %s:%d knows another one (%s)", k.ep.place(), offered, w.Filename, w.Line, ssh.FingerprintSHA256(w.Key)).
			WithNext("find out why the key has changed before you change %s", files).Because(err)
	default:
		return dr.Refuse("host_key", "host %s offers the key %s, which is not in %s", k.ep.place(), offered, files).
			WithNext("compare the fingerprint with the host's own, then add the key to %s", files).Because(err)
	}
}

// fingerprintOf remembers the fingerprint of the preferred known key until a
// known_hosts file changes: every step of a plan compares it.
type fingerprintOf struct {
	mu    sync.Mutex
	stamp string
	text  string
}

// read gives the fingerprint; "" when none is known or a file cannot be read.
func (f *fingerprintOf) read(ep Endpoint) string {
	stamp := ""
	for _, path := range ep.KnownHosts {
		info, err := os.Stat(path)
		if err != nil {
			return ""
		}
		stamp += fmt.Sprintln(path, info.Size(), info.ModTime().UnixNano())
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if stamp == "" || stamp != f.stamp {
		keys, err := readHostKeys(ep)
		if err != nil {
			return ""
		}
		f.stamp, f.text = stamp, keys.fingerprint()
	}
	return f.text
}

// noKey is no host's key: asking known_hosts about it gives all known ones.
type noKey struct{}

func (noKey) Type() string                        { return "none" }
func (noKey) Marshal() []byte                     { return []byte("none") }
func (noKey) Verify([]byte, *ssh.Signature) error { return errors.New("no key") }
