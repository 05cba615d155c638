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

// everyChannel is the file that the documentation shows; DIR stands for the
// directory of the secrets.
func everyChannel(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "docs", "channels.md"))
	require.NoError(t, err)
	_, text, found := strings.Cut(string(page), "```yaml\n")
	require.True(t, found)
	text, _, found = strings.Cut(text, "```")
	require.True(t, found)
	return strings.ReplaceAll(text, "/etc/switchback/secrets", "DIR")
}

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
	require.NoError(t, open(t, everyChannel(t)))
}

func TestAMistakeInAChannelGetsOneSentenceWithoutTheSecret(t *testing.T) {
	good := everyChannel(t)
	for _, c := range []struct{ from, to, said string }{
		{"issuer: https://login.example.com", "issuer: http://login.example.com", "https"},
		{"    issuer: https://login.example.com # OpenID Connect\n", "", "issuer"},
		{"client_id: switchback", "client: switchback", "client"},
		{"session: 2h", "session: 48h", "1m to 24h"},
		{"public_url: https://dr.example.com", "public_url: https://dr.example.com/path", "public_url"},
		{"public_url: https://dr.example.com", "public_url: http://dr.example.com", "public_url"},
		{"    key: {file: DIR/secret} # 32", "    key: {file: DIR/short} # 32", "could be guessed"},
		{"url: https://chat.example.com", "url: http://chat.example.com", "https"},
		{"token: {file: DIR/secret}", "token: {file: DIR/none}", "no file"},
		{"    key: {file: DIR/secret}           # seals", "    key: {file: DIR/short}           # seals", "could be guessed"},
		{"webhooks: {ops: {file: DIR/address}}", "webhooks: {ops: {file: DIR/plain}}", "https"},
		{"webhooks: {ops: {file: DIR/address}}", "webhooks: {}", "at least one"},
		{"link_key: {file: DIR/secret}", "link_key: {file: DIR/short}", "could be guessed"},
		{"routing_keys: {ops: {file: DIR/routing}}", "routing_keys: {ops: {file: DIR/secret}}", "32"},
		{"hooks: {ops: {url: {file: DIR/address}, key: {file: DIR/secret}}}", "hooks: {ops: {url: {file: DIR/plain}, key: {file: DIR/secret}}}", "https"},
		{"hooks: {ops: {url: {file: DIR/address}, key: {file: DIR/secret}}}", "hooks: {ops: {key: {file: DIR/short}}}", "could be guessed"},
		{"hooks: {ops: {url: {file: DIR/address}, key: {file: DIR/secret}}}", "hooks: {Ops: {key: {file: DIR/secret}}}", "hook"},
		{"  pagerduty:", "  pager:", "pager"},
	} {
		require.Contains(t, good, c.from)
		err := open(t, strings.Replace(good, c.from, c.to, 1))
		require.ErrorContains(t, err, c.said, c.to)
		require.NotContains(t, err.Error(), theSecret)
		require.NotContains(t, err.Error(), "\n", c.to)
	}
	i, j := strings.Index(good, "  web:\n"), strings.Index(good, "  mattermost:\n")
	err := open(t, good[:i]+good[j:])
	require.ErrorContains(t, err, "channel web", "Teams needs the page")
}
