package people

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/switchback-dr/switchback/dr"
)

// maxKeyFile bounds a key file, in bytes.
const maxKeyFile = 64 * 1024

// Passphrase asks the person for the passphrase of a key file. The caller's
// terminal must not show it.
type Passphrase func(prompt string) ([]byte, error)

// LoadSigner gives the key to sign with. path is a private key file, or a
// public one (.pub) whose private half is in the agent; a may be nil. A
// private key with a passphrase is taken from the agent when it is there; else
// ask, which may be nil, is called once. Every error is a refusal of code
// "signing_key".
func LoadSigner(path string, a agent.Agent, ask Passphrase) (ssh.Signer, error) {
	raw, mode, err := readKey(path)
	if err != nil {
		return nil, err
	}
	if pub, _, _, _, err := ssh.ParseAuthorizedKey(raw); err == nil {
		return fromAgent(path, pub, a)
	}
	if mode.Perm()&0o077 != 0 {
		return nil, dr.Refuse("signing_key", "the private key %s can be read by others (mode %04o)", path, mode.Perm()).
			WithNext("chmod 600 %s", dr.Quote(path))
	}
	signer, err := ssh.ParsePrivateKey(raw)
	var locked *ssh.PassphraseMissingError
	switch {
	case err == nil:
		return signer, nil
	case !errors.As(err, &locked):
		return nil, dr.Refuse("signing_key", "the file %s is no OpenSSH key", path)
	}
	if a != nil && locked.PublicKey != nil {
		if signer, err := fromAgent(path, locked.PublicKey, a); err == nil {
			return signer, nil
		}
	}
	return unlock(path, raw, ask)
}

func unlock(path string, raw []byte, ask Passphrase) (ssh.Signer, error) {
	if ask == nil {
		return nil, dr.Refuse("signing_key", "the key %s has a passphrase and nobody can be asked for it", path).
			WithNext("add the key to the SSH agent with ssh-add %s", dr.Quote(path))
	}
	phrase, err := ask(fmt.Sprintf("Passphrase for %s: ", path))
	if err != nil {
		return nil, dr.Refuse("signing_key", "the passphrase of %s could not be read: %v", path, err)
	}
	defer clear(phrase)
	signer, err := ssh.ParsePrivateKeyWithPassphrase(raw, phrase)
	if err != nil {
		return nil, dr.Refuse("signing_key", "the passphrase of %s is not right", path)
	}
	return signer, nil
}

func fromAgent(path string, pub ssh.PublicKey, a agent.Agent) (ssh.Signer, error) {
	if a == nil {
		return nil, dr.Refuse("signing_key", "%s is a public key and there is no SSH agent", path).
			WithNext("name the private key, or start an agent and ssh-add it")
	}
	signers, err := a.Signers()
	if err != nil {
		return nil, dr.Refuse("signing_key", "the SSH agent does not answer: %v", err)
	}
	want := pub.Marshal()
	for _, s := range signers {
		if bytes.Equal(s.PublicKey().Marshal(), want) {
			return s, nil
		}
	}
	return nil, dr.Refuse("signing_key", "the SSH agent does not have the key %s", path).
		WithNext("add it with ssh-add %s", dr.Quote(strings.TrimSuffix(path, ".pub")))
}

func readKey(path string) ([]byte, fs.FileMode, error) {
	f, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, 0, dr.Refuse("signing_key", "there is no key file %s", path).WithNext("name your key, or make one with ssh-keygen -t ed25519")
	case err != nil:
		return nil, 0, dr.Refuse("signing_key", "the key file %s cannot be opened", path)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil, 0, dr.Refuse("signing_key", "the key file %s is not a regular file", path)
	}
	raw, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err != nil || len(raw) > maxKeyFile {
		return nil, 0, dr.Refuse("signing_key", "the key file %s cannot be read or is no key", path)
	}
	return raw, info.Mode(), nil
}
