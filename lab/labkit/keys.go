package labkit

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/ssh"
)

// newKey makes an ed25519 key pair in DIR/name and DIR/name.pub, in OpenSSH's
// formats.
func newKey(path, comment string) (ssh.Signer, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("no key: %w", err)
	}
	block, err := ssh.MarshalPrivateKey(private, comment)
	if err != nil {
		return nil, fmt.Errorf("no key: %w", err)
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		return nil, fmt.Errorf("no key: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
		return nil, err
	}
	if err := os.WriteFile(path+".pub", []byte(authorized(key, comment)+"\n"), 0o644); err != nil {
		return nil, err
	}
	return ssh.NewSignerFromKey(private)
}

// authorized is a public key as a line of authorized_keys.
func authorized(key ssh.PublicKey, comment string) string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))) + " " + comment
}

// Password makes a random password of 32 hex digits.
func Password() string {
	b := make([]byte, 16)
	// crypto/rand.Read never fails; it ends the program instead.
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}
