package gateway

import (
	"crypto/ed25519"

	"golang.org/x/crypto/ssh"
)

// NewKey gives a gateway a new key and its public half: for tests of channels,
// which have no chatops.yaml.
func (g *Gateway) NewKey() (ssh.PublicKey, error) {
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, err
	}
	g.Config.key, err = ssh.NewSignerFromKey(private)
	if err != nil {
		return nil, err
	}
	return g.Config.key.PublicKey(), nil
}

// Channel gives an open channel; nil when there is none of this name.
func (g *Gateway) Channel(name string) Channel { return g.channels[name] }
