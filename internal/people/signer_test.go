package people_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/people"
)

// keyFiles writes a key pair and gives the private file, the public one and
// the key.
func keyFiles(t *testing.T, passphrase string) (private, public string, key ed25519.PrivateKey) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	block, err := ssh.MarshalPrivateKey(key, "anna")
	if passphrase != "" {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(key, "anna", []byte(passphrase))
	}
	require.NoError(t, err)
	private = filepath.Join(t.TempDir(), "key")
	public = private + ".pub"
	require.NoError(t, os.WriteFile(private, pem.EncodeToMemory(block), 0o600))
	require.NoError(t, os.WriteFile(public, ssh.MarshalAuthorizedKey(signerOf(t, key).PublicKey()), 0o644))
	return private, public, key
}

func TestAKeyFileWithAPassphraseAsksForItOnce(t *testing.T) {
	private, _, key := keyFiles(t, "open sesame")
	asked := 0
	s, err := people.LoadSigner(private, nil, func(string) ([]byte, error) { asked++; return []byte("open sesame"), nil })
	require.NoError(t, err)
	require.Equal(t, 1, asked)
	require.Equal(t, signerOf(t, key).PublicKey(), s.PublicKey())

	_, err = people.LoadSigner(private, nil, func(string) ([]byte, error) { return []byte("wrong"), nil })
	require.EqualError(t, err, "the passphrase of "+private+" is not right")
	_, err = people.LoadSigner(private, nil, nil)
	require.EqualError(t, err, "the key "+private+" has a passphrase and nobody can be asked for it; next: add the key to the SSH agent with ssh-add "+private)
	_, err = people.LoadSigner(private, nil, func(string) ([]byte, error) { return nil, errors.New("no terminal") })
	require.EqualError(t, err, "the passphrase of "+private+" could not be read: no terminal")
}

func TestAPublicKeyFileMeansTheKeyInTheAgent(t *testing.T) {
	private, public, key := keyFiles(t, "secret")
	ring := agent.NewKeyring()
	_, err := people.LoadSigner(public, ring, nil)
	require.EqualError(t, err, "the SSH agent does not have the key "+public+"; next: add it with ssh-add "+private)
	require.NoError(t, ring.Add(agent.AddedKey{PrivateKey: key}))
	for _, path := range []string{public, private} {
		s, err := people.LoadSigner(path, ring, nil)
		require.NoError(t, err)
		_, err = people.Verify(sign(t, s, "n", "hello"), "n", []byte("hello"), keysOf(signerOf(t, key)))
		require.NoError(t, err)
	}
	_, err = people.LoadSigner(public, nil, nil)
	require.EqualError(t, err, public+" is a public key and there is no SSH agent; next: name the private key, or start an agent and ssh-add it")
}

func TestAKeyFileThatIsNotUsableIsRefused(t *testing.T) {
	private, _, _ := keyFiles(t, "")
	require.NoError(t, os.Chmod(private, 0o644))
	_, err := people.LoadSigner(private, nil, nil)
	require.EqualError(t, err, "the private key "+private+" can be read by others (mode 0644); next: chmod 600 "+private)
	require.True(t, dr.HasCode(err, "signing_key"))

	missing := filepath.Join(t.TempDir(), "none")
	_, err = people.LoadSigner(missing, nil, nil)
	require.EqualError(t, err, "there is no key file "+missing+"; next: name your key, or make one with ssh-keygen -t ed25519")

	garbage := filepath.Join(t.TempDir(), "garbage")
	require.NoError(t, os.WriteFile(garbage, []byte("hello"), 0o600))
	_, err = people.LoadSigner(garbage, nil, nil)
	require.EqualError(t, err, "the file "+garbage+" is no OpenSSH key")

	_, err = people.LoadSigner(t.TempDir(), nil, nil)
	require.ErrorContains(t, err, "is not a regular file")
}
