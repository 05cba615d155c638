package wire

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
)

type thing struct{ Name string }

func sealer(t testing.TB, letter string) Sealer {
	t.Helper()
	s, err := NewSealer("k", strings.Repeat(letter, MinKey))
	require.NoError(t, err)
	return s
}

func TestATokenOpensForItsPurposeAndTimeOnly(t *testing.T) {
	s, now := sealer(t, "a"), time.Unix(1_800_000_000, 0)
	token := s.Seal("one", now.Add(time.Minute), thing{"orders"})
	var got thing
	require.NoError(t, s.Open("one", token, now, &got))
	require.Equal(t, "orders", got.Name)

	require.True(t, dr.HasCode(s.Open("two", token, now, &got), "forged"))
	require.True(t, dr.HasCode(sealer(t, "b").Open("one", token, now, &got), "forged"))
	require.True(t, dr.HasCode(s.Open("one", token, now.Add(2*time.Minute), &got), "too_old"))
	for _, bad := range []string{"", ".", token + "x", "x" + token, strings.Repeat("x", 1<<20) + token, strings.ToUpper(token)} {
		require.True(t, dr.HasCode(s.Open("one", bad, now, &got), "forged"), dr.Clip(bad, 40))
	}
	Peek(strings.Replace(token, ".", ".x", 1), &got)
	require.Equal(t, "orders", got.Name, "what it claims can be shown")
	_, err := NewSealer("k", "short")
	require.ErrorContains(t, err, "could be guessed")
	require.NotContains(t, err.Error(), "short\"")
}

func FuzzOpen(f *testing.F) {
	s, now := sealer(f, "a"), time.Unix(1_800_000_000, 0)
	f.Add("")
	f.Add("e30.e30")
	f.Add(s.Seal("two", now.Add(time.Minute), thing{"x"}))
	f.Fuzz(func(t *testing.T, token string) {
		var got thing
		require.Error(t, s.Open("one", token, now, &got), "nobody makes a token without the key")
	})
}

func TestACallFollowsNoRedirectAndNamesNoAddress(t *testing.T) {
	var asked int
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	}))
	c := NewCaller("Chat", http.Header{"Authorization": {"Bearer x"}})
	_, err := c.JSON(t.Context(), http.MethodPost, s.URL+"/secret", thing{})
	require.Equal(t, dr.ClassRefuse, dr.ClassOf(err))
	require.Equal(t, 1, asked)
	s.Close()
	_, err = c.JSON(t.Context(), http.MethodPost, s.URL+"/secret", nil)
	require.Equal(t, dr.ClassRetry, dr.ClassOf(err))
	require.NotContains(t, err.Error(), "secret")
}

func TestSecretsAreSentOverHTTPSOnly(t *testing.T) {
	for address, good := range map[string]bool{
		"https://chat.example.com": true, "http://127.0.0.1:8065": true, "http://localhost": true,
		"http://chat.example.com": false, "chat.example.com": false, "https://user:pw@chat.example.com": false, "ftp://127.0.0.1": false, "": false,
	} {
		require.Equal(t, good, CheckAddress(address) == nil, address)
	}
}
