package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"github.com/switchback-dr/switchback/internal/gateway"
)

// everyChannel is a file with the channels that need no answer to be opened; DIR
// stands for the directory of the secrets.
const everyChannel = `version: 1
name: office
inventory: systems.yaml
key: {file: DIR/key}
listen: 127.0.0.1:0
public_url: https://dr.example.com
channels:
  web:
    issuer: https://login.example.com
    client_id: switchback
    client_secret: {file: DIR/secret}
    key: {file: DIR/secret}
    claim: preferred_username
    session: 2h
  mattermost:
    url: https://chat.example.com
    token: {file: DIR/secret}
    key: {file: DIR/secret}
    command_token: {file: DIR/secret}
  teams:
    webhooks: {ops: {file: DIR/address}}
    link_key: {file: DIR/secret}
  pagerduty:
    routing_keys: {ops: {file: DIR/routing}}
  webhook:
    hooks: {ops: {url: {file: DIR/address}, key: {file: DIR/secret}}}
targets:
  ops: {channel: mattermost, to: channelchannelchannelchann}
routes:
  - {first: [ops]}
`

// theSecret must be in no error.
const theSecret = "a-secret-of-more-than-thirty-two-characters"

// open reads a file and opens its channels.
func open(t *testing.T, text string) error {
	t.Helper()
	dir := t.TempDir()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	block, err := ssh.MarshalPrivateKey(private, "")
	require.NoError(t, err)
	for name, value := range map[string]string{
		"key": string(pem.EncodeToMemory(block)), "secret": theSecret, "short": "too-short-a-secret", "routing": strings.Repeat("r", 32),
		"address": "https://hooks.example.com/" + theSecret, "plain": "http://hooks.example.com/" + theSecret,
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(value), 0o600))
	}
	path := filepath.Join(dir, "chatops.yaml")
	require.NoError(t, os.WriteFile(path, []byte(strings.ReplaceAll(text, "DIR", dir)), 0o600))
	c, err := gateway.ReadConfig(path, channels())
	if err != nil {
		return err
	}
	g := &gateway.Gateway{Config: c, Systems: []string{"orders"}, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	return g.Open(channels())
}

func TestEveryChannelOpensFromItsPartOfTheFile(t *testing.T) {
	require.NoError(t, open(t, everyChannel))
}

func TestAMistakeInAChannelGetsOneSentenceWithoutTheSecret(t *testing.T) {
	for _, c := range []struct{ from, to, said string }{
		{"issuer: https://login.example.com", "issuer: http://login.example.com", "https"},
		{"    issuer: https://login.example.com\n", "", "issuer"},
		{"client_id: switchback", "client: switchback", "client"},
		{"session: 2h", "session: 48h", "1m to 24h"},
		{"public_url: https://dr.example.com", "public_url: https://dr.example.com/path", "public_url"},
		{"public_url: https://dr.example.com", "public_url: http://dr.example.com", "public_url"},
		{"    key: {file: DIR/secret}\n    claim", "    key: {file: DIR/short}\n    claim", "could be guessed"},
		{"url: https://chat.example.com", "url: http://chat.example.com", "https"},
		{"token: {file: DIR/secret}", "token: {file: DIR/none}", "no file"},
		{"    key: {file: DIR/secret}\n    command", "    key: {file: DIR/short}\n    command", "could be guessed"},
		{"webhooks: {ops: {file: DIR/address}}", "webhooks: {ops: {file: DIR/plain}}", "https"},
		{"webhooks: {ops: {file: DIR/address}}", "webhooks: {}", "at least one"},
		{"link_key: {file: DIR/secret}", "link_key: {file: DIR/short}", "could be guessed"},
		{"routing_keys: {ops: {file: DIR/routing}}", "routing_keys: {ops: {file: DIR/secret}}", "32"},
		{"hooks: {ops: {url: {file: DIR/address}, key: {file: DIR/secret}}}", "hooks: {ops: {url: {file: DIR/plain}, key: {file: DIR/secret}}}", "https"},
		{"hooks: {ops: {url: {file: DIR/address}, key: {file: DIR/secret}}}", "hooks: {ops: {key: {file: DIR/short}}}", "could be guessed"},
		{"hooks: {ops: {url: {file: DIR/address}, key: {file: DIR/secret}}}", "hooks: {Ops: {key: {file: DIR/secret}}}", "hook"},
		{"  pagerduty:", "  pager:", "pager"},
	} {
		require.Contains(t, everyChannel, c.from)
		err := open(t, strings.Replace(everyChannel, c.from, c.to, 1))
		require.ErrorContains(t, err, c.said, c.to)
		require.NotContains(t, err.Error(), theSecret)
		require.NotContains(t, err.Error(), "\n", c.to)
	}
	i, j := strings.Index(everyChannel, "  web:\n"), strings.Index(everyChannel, "  mattermost:\n")
	err := open(t, everyChannel[:i]+everyChannel[j:])
	require.ErrorContains(t, err, "channel web", "Teams needs the page")
}
