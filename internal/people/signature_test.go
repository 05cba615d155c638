package people_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hiddeco/sshsig"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/people"
)

func newKey(t testing.TB) ssh.Signer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	return signerOf(t, key)
}

func signerOf(t testing.TB, key any) ssh.Signer {
	t.Helper()
	s, err := ssh.NewSignerFromKey(key)
	require.NoError(t, err)
	return s
}

func keysOf(signers ...ssh.Signer) []ssh.PublicKey {
	var out []ssh.PublicKey
	for _, s := range signers {
		out = append(out, s.PublicKey())
	}
	return out
}

func sign(t testing.TB, s ssh.Signer, namespace, message string) string {
	t.Helper()
	text, err := people.Sign(s, namespace, []byte(message))
	require.NoError(t, err)
	return text
}

// sshKeygen runs the real ssh-keygen.
func sshKeygen(t *testing.T, stdin string, args ...string) (string, error) {
	t.Helper()
	path, err := exec.LookPath("ssh-keygen")
	require.NoError(t, err, "ssh-keygen is missing: install the package openssh-client")
	cmd := exec.Command(path, args...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestEveryKindOfKeySignsAndItsKeyIsNamed(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	big, err := rsa.GenerateKey(rand.Reader, 3072)
	require.NoError(t, err)
	other := newKey(t)
	for name, s := range map[string]ssh.Signer{"ed25519": newKey(t), "ecdsa": signerOf(t, ec), "rsa": signerOf(t, big)} {
		key, err := people.Verify(sign(t, s, "n", "hello"), "n", []byte("hello"), keysOf(other, s))
		require.NoError(t, err, name)
		require.Equal(t, s.PublicKey().Marshal(), key.Marshal(), name)
	}
}

func TestSshKeygenAcceptsWhatWeSign(t *testing.T) {
	dir := t.TempDir()
	s := newKey(t)
	allowed := filepath.Join(dir, "allowed")
	require.NoError(t, os.WriteFile(allowed, append([]byte("anna "), ssh.MarshalAuthorizedKey(s.PublicKey())...), 0o600))
	signature := filepath.Join(dir, "sig")
	require.NoError(t, os.WriteFile(signature, []byte(sign(t, s, dr.NamespaceDecision, "the plan")), 0o600))

	out, err := sshKeygen(t, "the plan", "-Y", "verify", "-f", allowed, "-I", "anna", "-n", dr.NamespaceDecision, "-s", signature)
	require.NoError(t, err, out)
	require.Contains(t, out, "Good")
	out, err = sshKeygen(t, "another plan", "-Y", "verify", "-f", allowed, "-I", "anna", "-n", dr.NamespaceDecision, "-s", signature)
	require.Error(t, err, out)
}

func TestWeAcceptWhatSshKeygenSigns(t *testing.T) {
	for _, kind := range [][]string{{"-t", "ed25519"}, {"-t", "ecdsa", "-b", "384"}, {"-t", "rsa", "-b", "3072"}} {
		path := filepath.Join(t.TempDir(), "key")
		out, err := sshKeygen(t, "", append([]string{"-q", "-N", "", "-f", path}, kind...)...)
		require.NoError(t, err, out)
		s, err := people.LoadSigner(path, nil, nil)
		require.NoError(t, err)
		message := filepath.Join(t.TempDir(), "message")
		require.NoError(t, os.WriteFile(message, []byte("the plan"), 0o600))
		out, err = sshKeygen(t, "", "-Y", "sign", "-f", path, "-n", dr.NamespaceStart, message)
		require.NoError(t, err, out)
		text, err := os.ReadFile(message + ".sig")
		require.NoError(t, err)
		_, err = people.Verify(string(text), dr.NamespaceStart, []byte("the plan"), keysOf(s))
		require.NoError(t, err, kind)
	}
}

func TestASignatureThatDoesNotFitIsRefusedWithItsReason(t *testing.T) {
	s, other := newKey(t), newKey(t)
	ours := sign(t, s, "n", "hello")
	broken := []byte(ours)
	broken[len(broken)/2] ^= 1
	for name, c := range map[string]struct {
		text, namespace, message string
		keys                     []ssh.PublicKey
		want                     string
	}{
		"another namespace": {ours, "m", "hello", keysOf(s), `the signature was made for "n", not for "m"`},
		"no namespace":      {ours, "", "hello", keysOf(s), `the signature was made for "n", not for ""`},
		"another key":       {ours, "n", "hello", keysOf(other), "the signature was made with a key that is not one of the person's"},
		"no key":            {ours, "n", "hello", nil, "the signature was made with a key that is not one of the person's"},
		"another message":   {ours, "n", "hello!", keysOf(s), "the signature does not fit what was signed"},
		"huge":              {strings.Repeat("x", 9000), "n", "hello", keysOf(s), "the signature is larger than 8.2 kB"},
		"garbage":           {"\x1b[31mgarbage", "n", "hello", keysOf(s), "the signature is not one armoured OpenSSH signature"},
		"empty":             {"", "n", "hello", keysOf(s), "the signature is not one armoured OpenSSH signature"},
		"two":               {ours + ours, "n", "hello", keysOf(s), "the signature is not one armoured OpenSSH signature"},
		"text in front":     {"see: \n" + ours, "n", "hello", keysOf(s), "the signature is not one armoured OpenSSH signature"},
		"another block":     {strings.ReplaceAll(ours, "SSH SIGNATURE", "CERTIFICATE"), "n", "hello", keysOf(s), "the signature is not one armoured OpenSSH signature"},
		"no content":        {"-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n", "n", "hello", keysOf(s), "the signature cannot be read"},
	} {
		_, err := people.Verify(c.text, c.namespace, []byte(c.message), c.keys)
		require.EqualError(t, err, c.want, name)
		require.True(t, dr.HasCode(err, "signature"), name)
	}
	_, err := people.Verify(string(broken), "n", []byte("hello"), keysOf(s))
	require.Error(t, err, "one flipped bit")
}

// securityKey makes a signature as an ed25519 security key with the given
// flags does (OpenSSH's PROTOCOL.u2f).
func securityKey(t *testing.T, flags byte, message string) (ssh.PublicKey, string) {
	t.Helper()
	const application, namespace = "ssh:", "n"
	pub, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	key, err := ssh.ParsePublicKey(ssh.Marshal(struct {
		Type string
		Key  []byte
		App  string
	}{ssh.KeyAlgoSKED25519, pub, application}))
	require.NoError(t, err)
	hash := sshsig.HashSHA512.Hash()
	hash.Write([]byte(message))
	inner := append([]byte("SSHSIG"), ssh.Marshal(struct{ Namespace, Reserved, Hash, Message string }{namespace, "", "sha512", string(hash.Sum(nil))})...)
	app, digest := sha256.Sum256([]byte(application)), sha256.Sum256(inner)
	rest := []byte{flags, 0, 0, 0, 7}
	blob := bytes.Join([][]byte{app[:], rest, digest[:]}, nil)
	return key, string(sshsig.Armor(&sshsig.Signature{
		Version: 1, PublicKey: key, Namespace: namespace, HashAlgorithm: sshsig.HashSHA512,
		Signature: &ssh.Signature{Format: ssh.KeyAlgoSKED25519, Blob: ed25519.Sign(private, blob), Rest: rest},
	}))
}

func TestASecurityKeyCountsOnlyWhenItWasTouched(t *testing.T) {
	key, text := securityKey(t, 1, "hello")
	_, err := people.Verify(text, "n", []byte("hello"), []ssh.PublicKey{key})
	require.NoError(t, err)
	key, text = securityKey(t, 0, "hello")
	_, err = people.Verify(text, "n", []byte("hello"), []ssh.PublicKey{key})
	require.EqualError(t, err, "the security key did not see a person's touch")
}

func FuzzVerifyNeverAcceptsWhatWasNotSigned(f *testing.F) {
	s := newKey(f)
	good := sign(f, s, "n", "hello")
	f.Add(good, "hello")
	f.Add("", "")
	f.Add(good[:len(good)/2], "hello")
	f.Add("-----BEGIN SSH SIGNATURE-----\nU1NIU0lHAAAAAQ==\n-----END SSH SIGNATURE-----", "hello")
	f.Fuzz(func(t *testing.T, text, message string) {
		if _, err := people.Verify(text, "n", []byte(message), keysOf(s)); err == nil && message != "hello" {
			t.Fatalf("accepted a signature over %q", message)
		}
	})
}
