package inventory_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"github.com/switchback-dr/switchback/internal/inventory"
)

// keyLine gives the authorized_keys line of a key.
func keyLine(t *testing.T, public any) string {
	t.Helper()
	key, err := ssh.NewPublicKey(public)
	require.NoError(t, err)
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
}

func rsaLine(t *testing.T, bits int) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	require.NoError(t, err)
	return keyLine(t, &key.PublicKey)
}

// withKeys is an inventory whose persons have these keys, each in line
// 3, 4, ...
func withKeys(keys ...string) string {
	var b strings.Builder
	b.WriteString("version: 1\npeople:\n")
	for i, k := range keys {
		fmt.Fprintf(&b, "  p%d: {ssh_keys: [%q]}\n", i, k)
	}
	return b.String()
}

func TestOnlyStrongKeysOfKnownTypesAreAccepted(t *testing.T) {
	public, _, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	good := keyLine(t, public)
	sk := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(securityKey(t, public))))
	require.Empty(t, complaints(t, withKeys(good, rsaLine(t, 3072), sk)))
	const dsa = "ssh-dss AAAAB3NzaC1kc3MAAAADAQABAAAAAwEAAQAAAAMBAAEAAAADAQAB"
	for key, want := range map[string]string{
		rsaLine(t, 2048):            "the RSA key is shorter than 3072 bits; use ssh-ed25519",
		`from="10.0.0.1" ` + good:   "the key has options, which have no meaning here; remove them",
		good + "\n" + good:          "there is more than one line; write each key as an element of its own",
		dsa:                         "this is no OpenSSH public key line such as ssh-ed25519 AAAA... name",
		"ssh-ed25519 AAAA":          "this is no OpenSSH public key line such as ssh-ed25519 AAAA... name",
		"-----BEGIN PRIVATE KEY---": "this is no OpenSSH public key line such as ssh-ed25519 AAAA... name",
	} {
		require.Equal(t, []string{"systems.yaml:3: people.p0.ssh_keys[0]: " + want}, complaints(t, withKeys(key)))
	}
}

// securityKey gives the public key of a security key.
func securityKey(t *testing.T, public ed25519.PublicKey) ssh.PublicKey {
	t.Helper()
	key, err := ssh.ParsePublicKey(ssh.Marshal(struct {
		Type string
		Key  []byte
		App  string
	}{ssh.KeyAlgoSKED25519, public, "ssh:"}))
	require.NoError(t, err)
	return key
}

func TestAKeyUnderTwoPeopleNamesBothLines(t *testing.T) {
	public, _, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	line := keyLine(t, public)
	key, err := ssh.NewPublicKey(public)
	require.NoError(t, err)
	require.Equal(t, []string{"systems.yaml:4: the key " + ssh.FingerprintSHA256(key) + " of p1 belongs to p0 already, in line 3"},
		complaints(t, withKeys(line, line+" another comment")))
}

func TestAPersonHasARoleOfAListOrNoRoleIsAskedFor(t *testing.T) {
	p := inventory.Person{Roles: []string{"dba"}}
	require.True(t, p.HasRole(nil))
	require.True(t, p.HasRole([]string{"lead", "dba"}))
	require.False(t, p.HasRole([]string{"lead"}))
}
