package gateway

import (
	"crypto/ed25519"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
)

const configText = `version: 1
name: chat
inventory: systems.yaml
key: {file: key}
channels:
  slack: {token: {env: X}}
targets:
  ops: {channel: slack, to: T1/C1}
routes:
  - {systems: [orders], first: [ops]}
`

func TestMistakesInTheConfigurationAreNamed(t *testing.T) {
	dir := t.TempDir()
	_, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	block, err := ssh.MarshalPrivateKey(private, "chat")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "key"), pem.EncodeToMemory(block), 0o600))
	kinds := []Kind{{Name: "slack"}}
	read := func(text string) (Config, error) {
		path := filepath.Join(dir, "chatops.yaml")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return ReadConfig(path, kinds)
	}
	c, err := read(configText)
	require.NoError(t, err)
	require.Equal(t, filepath.Join(dir, "systems.yaml"), c.Inventory)
	for old, want := range map[string][2]string{
		"version: 1":         {"version: 2", "this release reads version 1"},
		"name: chat":         {"name: Chat", "gateway name"},
		"slack: {token":      {"slak: {token", `no channel "slak"`},
		"channel: slack":     {"channel: teams", "not under channels"},
		"first: [ops]":       {"first: [opps]", `"opps", which is not under targets`},
		"to: T1/C1}":         {"too: T1/C1}", `has no field "too"`},
		"file: key}":         {"file: chatops.yaml}", "no OpenSSH private key"},
		"first: [ops]}":      {"next: [ops]}", "first is empty"},
		"inventory: systems": {"# inventory: systems", "inventory is missing"},
	} {
		_, err := read(strings.Replace(configText, old, want[0], 1))
		require.ErrorContains(t, err, want[1], old)
	}
}
