package setup

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/redact"
)

const inventoryText = `version: 1
credentials:
  orders-db: {file: secret}
  rotated: {env: SETUP_TEST_SECRET}
reports: {dir: reports}
hosts:
  db1: {address: 127.0.0.1, user: postgres, known_hosts: [known_hosts], agent: true}
systems: {}
`

func write(t *testing.T, name, body string) string {
	t.Helper()
	require.NoError(t, os.WriteFile(name, []byte(body), 0o600))
	return name
}

func load(t *testing.T) *Setup {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "secret"), "pass word's\n")
	write(t, filepath.Join(dir, "known_hosts"), "")
	s, err := LoadWith(write(t, filepath.Join(dir, "systems.yaml"), inventoryText), nil)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

func TestEveryFormOfACredentialIsTakenOutOfATextBeforeItWasEverUsed(t *testing.T) {
	s := load(t)
	for _, form := range []string{"pass word's", dr.Quote("pass word's")} {
		require.NotContains(t, s.Redact("psql said "+form), "word")
	}
	require.Equal(t, "no secret here", s.Redact("no secret here"))
}

func TestARotatedCredentialIsKnownInItsOldAndItsNewValue(t *testing.T) {
	t.Setenv("SETUP_TEST_SECRET", "first-value")
	s := load(t)
	t.Setenv("SETUP_TEST_SECRET", "second-value")
	v, err := s.Env().Secret(context.Background(), "rotated")
	require.NoError(t, err)
	require.Equal(t, "second-value", v)
	require.Equal(t, redact.Mark+" and "+redact.Mark, s.Redact("first-value and second-value"))
}

func TestAHostOfTheInventoryIsAHostOfThePoolAndAnUnknownHostKeyIsRefused(t *testing.T) {
	s := load(t)
	_, err := s.Hosts.Host("db1")
	require.NoError(t, err)
	_, err = s.Pin("db1")
	require.True(t, dr.HasCode(err, "host_key"), "%v", err)
	_, err = s.Pin("db9")
	require.True(t, dr.HasCode(err, "unknown_host"), "%v", err)
}

func TestSleepEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, Sleep(ctx, time.Hour), context.Canceled)
	require.NoError(t, Sleep(context.Background(), time.Nanosecond))
}

func TestTemporalThatIsNotThereIsOneSentenceWithinSeconds(t *testing.T) {
	t.Setenv("TEMPORAL_CONFIG_FILE", filepath.Join(t.TempDir(), "none.toml"))
	t.Setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
	began := time.Now()
	_, _, err := DialTemporal(context.Background(), nil)
	require.True(t, dr.HasCode(err, "temporal"), "%v", err)
	require.Contains(t, err.Error(), "127.0.0.1:1")
	require.NotContains(t, err.Error(), "\n")
	require.Less(t, time.Since(began), 7*time.Second)
}

func TestAProfileThatIsNotThereIsOneSentence(t *testing.T) {
	t.Setenv("TEMPORAL_CONFIG_FILE", write(t, filepath.Join(t.TempDir(), "temporal.toml"), "[profile.default]\naddress = \"x:1\"\n"))
	t.Setenv("TEMPORAL_PROFILE", "nowhere")
	_, _, err := DialTemporal(context.Background(), nil)
	require.True(t, dr.HasCode(err, "temporal"), "%v", err)
	require.Contains(t, err.Error(), "nowhere")
}

func TestTheNamespaceOfAProfileIsKnownWithoutConnecting(t *testing.T) {
	t.Setenv("TEMPORAL_CONFIG_FILE", write(t, filepath.Join(t.TempDir(), "temporal.toml"), "[profile.default]\nnamespace = \"dr-prod\"\n"))
	require.Equal(t, "dr-prod", Namespace())
	t.Setenv("TEMPORAL_NAMESPACE", "other")
	require.Equal(t, "other", Namespace())
}
