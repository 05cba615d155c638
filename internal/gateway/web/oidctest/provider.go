// Package oidctest is an OpenID Connect provider for tests: discovery, a page to
// sign in, the authorisation code flow with PKCE, signed ID tokens and keys. It
// refuses what a provider refuses. Only tests import it.
package oidctest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// The one client that the provider knows.
const (
	ClientID     = "switchback"
	ClientSecret = "a-secret-of-the-test-client"
)

// Provider is a running provider.
type Provider struct {
	// Issuer is its address.
	Issuer string
	// Claims are added to the ID tokens of a person, by the name that is typed
	// on the sign-in page; "sub" is the name itself unless it stands here.
	Claims map[string]map[string]any
	// Spoil changes the claims of each token, for tests that lie.
	Spoil func(claims map[string]any)

	t      testing.TB
	key    *ecdsa.PrivateKey
	signer jose.Signer

	mu    sync.Mutex
	codes map[string]grant
}

// grant is what a code stands for.
type grant struct{ person, redirect, challenge, nonce string }

const keyID = "test"

// Start starts a provider that ends with the test. callback is the only address
// to which it sends people back.
func Start(t testing.TB, callback string) *Provider {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	o := (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", keyID)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, o)
	if err != nil {
		t.Fatal(err)
	}
	p := &Provider{t: t, key: key, signer: signer, codes: map[string]grant{}, Claims: map[string]map[string]any{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.discovery)
	mux.HandleFunc("GET /authorize", func(w http.ResponseWriter, r *http.Request) { p.page(w, r, callback) })
	mux.HandleFunc("POST /authorize", func(w http.ResponseWriter, r *http.Request) { p.signIn(w, r, callback) })
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("GET /keys", p.keys)
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	p.Issuer = s.URL
	return p
}

func (p *Provider) discovery(w http.ResponseWriter, _ *http.Request) {
	p.json(w, map[string]any{
		"issuer": p.Issuer, "authorization_endpoint": p.Issuer + "/authorize", "token_endpoint": p.Issuer + "/token", "jwks_uri": p.Issuer + "/keys",
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"ES256"},
	})
}

func (p *Provider) keys(w http.ResponseWriter, _ *http.Request) {
	p.json(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &p.key.PublicKey, KeyID: keyID, Algorithm: "ES256", Use: "sig"}}})
}

// wrong says why an authorisation request is refused; "" means that it is not.
func wrong(q url.Values, callback string) string {
	switch {
	case q.Get("response_type") != "code":
		return "response_type"
	case q.Get("client_id") != ClientID:
		return "client_id"
	case q.Get("redirect_uri") != callback:
		return "redirect_uri"
	case q.Get("state") == "" || q.Get("nonce") == "":
		return "state or nonce"
	case q.Get("code_challenge_method") != "S256" || q.Get("code_challenge") == "":
		return "code_challenge"
	}
	return ""
}

func (p *Provider) page(w http.ResponseWriter, r *http.Request, callback string) {
	if why := wrong(r.URL.Query(), callback); why != "" {
		http.Error(w, "wrong "+why, http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = fmt.Fprintf(w, `<!doctype html><title>Sign in</title><h1>The organisation's sign-in</h1><form method="post" action="%s"><input name="person" aria-label="Name"><button>Go on</button></form>`, html.EscapeString(r.URL.RequestURI()))
}

func (p *Provider) signIn(w http.ResponseWriter, r *http.Request, callback string) {
	q := r.URL.Query()
	if why := wrong(q, callback); why != "" {
		http.Error(w, "wrong "+why, http.StatusBadRequest)
		return
	}
	code := rand.Text()
	p.mu.Lock()
	p.codes[code] = grant{r.PostFormValue("person"), q.Get("redirect_uri"), q.Get("code_challenge"), q.Get("nonce")}
	p.mu.Unlock()
	http.Redirect(w, r, callback+"?"+url.Values{"code": {code}, "state": {q.Get("state")}}.Encode(), http.StatusSeeOther)
}

// token exchanges a code, once, for whoever has the verifier and the client's
// secret.
func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	id, secret, basic := r.BasicAuth()
	if !basic {
		id, secret = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	}
	code := r.PostFormValue("code")
	p.mu.Lock()
	g, ok := p.codes[code]
	delete(p.codes, code)
	p.mu.Unlock()
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	switch {
	case id != ClientID || secret != ClientSecret:
		p.refuse(w, "invalid_client")
	case !ok || r.PostFormValue("grant_type") != "authorization_code" || r.PostFormValue("redirect_uri") != g.redirect,
		base64.RawURLEncoding.EncodeToString(sum[:]) != g.challenge:
		p.refuse(w, "invalid_grant")
	default:
		p.json(w, map[string]any{"access_token": rand.Text(), "token_type": "Bearer", "expires_in": 300, "id_token": p.idToken(g)})
	}
}

func (p *Provider) idToken(g grant) string {
	now := time.Now()
	claims := map[string]any{"iss": p.Issuer, "aud": ClientID, "sub": g.person, "nonce": g.nonce, "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix()}
	maps.Copy(claims, p.Claims[g.person])
	if p.Spoil != nil {
		p.Spoil(claims)
	}
	raw, err := json.Marshal(claims)
	if err != nil {
		p.t.Error(err)
	}
	signed, err := p.signer.Sign(raw)
	if err != nil {
		p.t.Error(err)
		return ""
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		p.t.Error(err)
	}
	return text
}

func (p *Provider) refuse(w http.ResponseWriter, why string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	_, _ = fmt.Fprintf(w, `{"error":%q}`, why)
}

func (p *Provider) json(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		p.t.Log(err)
	}
}
