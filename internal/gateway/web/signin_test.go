package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/internal/gateway/wire"
)

// link makes links as other channels do.
func (s *site) link(t *testing.T) Linker {
	t.Helper()
	l, err := NewLinker(s.channel.seal, s.server.URL)
	require.NoError(t, err)
	return l
}

// sealed is a form with the seal of somebody who does not have the key.
func sealed(t *testing.T, f slip) string {
	t.Helper()
	other, err := wire.NewSealer("other", strings.Repeat("x", wire.MinKey))
	require.NoError(t, err)
	return other.Seal(slipPurpose, time.Now().Add(time.Hour), f)
}

func TestATokenThatDoesNotProveWhoItIsLetsNobodyIn(t *testing.T) {
	for name, spoil := range map[string]func(map[string]any){
		"of another issuer":       func(c map[string]any) { c["iss"] = "https://evil.example.com" },
		"for another client":      func(c map[string]any) { c["aud"] = "another" },
		"expired":                 func(c map[string]any) { c["exp"] = time.Now().Add(-time.Hour).Unix() },
		"of another sign-in":      func(c map[string]any) { c["nonce"] = "another" },
		"without a name":          func(c map[string]any) { c["sub"] = "" },
		"with a deceptive name":   func(c map[string]any) { c["sub"] = "anna\u202e" },
		"with a name of a number": func(c map[string]any) { c["sub"] = 7 },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.provider.Spoil = spoil
			v := s.visitor()
			status, _ := v.signIn("anna", "/")
			require.Equal(t, http.StatusForbidden, status)
			status, _ = v.get("/")
			require.Equal(t, http.StatusUnauthorized, status)
		})
	}
}

func TestAnEMailAddressCountsOnlyWhenTheProviderHasVerifiedIt(t *testing.T) {
	s := newSite(t)
	s.channel.signIn.claim = "email"
	s.provider.Claims["anna"] = map[string]any{"email": "anna@example.com", "email_verified": true}
	s.provider.Claims["mallory"] = map[string]any{"email": "anna@example.com", "email_verified": false}
	status, page := s.visitor().signIn("anna", "/")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, page, "oidc:anna@example.com")
	status, page = s.visitor().signIn("mallory", "/")
	require.Equal(t, http.StatusForbidden, status)
	require.Contains(t, page, "not verified")
}

func TestACallbackThatNobodyBeganLetsNobodyIn(t *testing.T) {
	s := newSite(t)
	status, _ := s.visitor().get("/sign-in/callback?code=x&state=y")
	require.Equal(t, http.StatusBadRequest, status, "no attempt in this browser")

	v := s.visitor()
	v.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	status, _ = v.get("/sign-in")
	require.Equal(t, http.StatusSeeOther, status)
	status, page := v.get("/sign-in/callback?code=x&state=y")
	require.Equal(t, http.StatusBadRequest, status)
	require.Contains(t, page, "another sign-in")
	require.Len(t, s.core.forged, 1)
}

func TestASignInLeadsBackToThisSiteOnly(t *testing.T) {
	for _, back := range []string{"https://evil.example.com", "//evil.example.com", `/\evil.example.com`, "/a\r\nX: y", "javascript:1"} {
		require.Equal(t, "/", localPath(back), back)
	}
	require.Equal(t, "/decide/orders?x=1", localPath("/decide/orders?x=1"))
}

func TestAProviderThatIsDownIsOneSentence(t *testing.T) {
	s := newSite(t)
	s.channel.signIn.issuer = "http://127.0.0.1:1"
	status, page := s.visitor().get("/sign-in")
	require.Equal(t, http.StatusBadGateway, status)
	require.Contains(t, page, "the identity provider does not answer")
	require.Contains(t, page, "starter")
}

func TestCookiesAreForThisSiteAndForNoScript(t *testing.T) {
	s := newSite(t)
	v := s.visitor()
	v.signIn("anna", "/")
	base, err := url.Parse(s.server.URL)
	require.NoError(t, err)
	require.Len(t, v.client.Jar.Cookies(base), 1, "what the sign-in needed is gone")

	s.channel.base.Scheme = "https"
	require.Equal(t, "__Host-switchback", s.channel.cookieName(sessionCookie))
	status, _ := v.get("/")
	require.Equal(t, http.StatusUnauthorized, status, "over https the other cookie counts")
}
