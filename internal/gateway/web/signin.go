package web

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/switchback-dr/switchback/dr"
)

// Limits of signing in.
const (
	// signInFor is how long somebody may take at the provider.
	signInFor = 10 * time.Minute
	// providerTimeout bounds each question to the provider.
	providerTimeout = 10 * time.Second
)

// signIn is OpenID Connect's authorisation code flow with PKCE (RFC 7636),
// state and nonce (OpenID Connect Core 1.0, 3.1).
type signIn struct {
	issuer, client, secret string
	scopes                 []string
	// claim is what of the ID token becomes the account.
	claim    string
	callback string

	mu       sync.Mutex
	provider *oidc.Provider
}

// find asks the provider for its addresses, when they are needed first: a
// provider that is down must not keep the gateway from starting.
func (s *signIn) find() (*oidc.Provider, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.provider != nil {
		return s.provider, nil
	}
	ctx := oidc.ClientContext(context.Background(), &http.Client{Timeout: providerTimeout})
	p, err := oidc.NewProvider(ctx, s.issuer)
	if err != nil {
		return nil, dr.Retry("sign_in", "the identity provider does not answer").
			WithNext("try again; starter signs with your SSH key and needs no provider").Because(err)
	}
	s.provider = p
	return p, nil
}

func (s *signIn) config(p *oidc.Provider) *oauth2.Config {
	return &oauth2.Config{ClientID: s.client, ClientSecret: s.secret, Endpoint: p.Endpoint(), RedirectURL: s.callback, Scopes: s.scopes}
}

// attempt is what is remembered, in a sealed cookie, while somebody is at the
// provider.
type attempt struct {
	State    string `json:"s"`
	Nonce    string `json:"n"`
	Verifier string `json:"v"`
	// Back is where to go afterwards.
	Back string `json:"b"`
}

func (c *Channel) startSignIn(w http.ResponseWriter, r *http.Request) {
	p, err := c.signIn.find()
	if err != nil {
		c.problem(w, r, http.StatusBadGateway, err)
		return
	}
	a := attempt{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Back: localPath(r.URL.Query().Get("back"))}
	c.setCookie(w, attemptCookie, c.seal.Seal(attemptCookie, c.now().Add(signInFor), a), signInFor)
	http.Redirect(w, r, c.signIn.config(p).AuthCodeURL(a.State, oidc.Nonce(a.Nonce), oauth2.S256ChallengeOption(a.Verifier)), http.StatusSeeOther)
}

// endSignIn takes the code that the provider sent back and makes a session.
func (c *Channel) endSignIn(w http.ResponseWriter, r *http.Request) {
	var a attempt
	if err := c.openCookie(r, attemptCookie, &a); err != nil {
		c.problem(w, r, http.StatusBadRequest, dr.Refuse("sign_in", "this sign-in was not begun here, or too long ago").WithNext("begin again"))
		return
	}
	c.setCookie(w, attemptCookie, "", 0)
	q := r.URL.Query()
	if subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(a.State)) != 1 {
		c.core.Forged(Name, "", "a sign-in came back with another state")
		c.problem(w, r, http.StatusBadRequest, dr.Refuse("sign_in", "this is the end of another sign-in").WithNext("begin again"))
		return
	}
	if e := q.Get("error"); e != "" {
		c.problem(w, r, http.StatusForbidden, dr.Refuse("sign_in", "the identity provider refused: %s", dr.Clip(dr.CleanLine(e), 100)))
		return
	}
	account, err := c.signIn.finish(r.Context(), q.Get("code"), a)
	if err != nil {
		c.problem(w, r, http.StatusForbidden, err)
		return
	}
	s := session{ID: rand.Text(), Account: account}
	c.setCookie(w, sessionCookie, c.seal.Seal(sessionCookie, c.now().Add(c.session), s), c.session)
	http.Redirect(w, r, a.Back, http.StatusSeeOther)
}

// finish exchanges the code and verifies the ID token: issuer, audience,
// signature, expiry and nonce.
func (s *signIn) finish(ctx context.Context, code string, a attempt) (account string, err error) {
	refused := func(err error) (string, error) {
		return "", dr.Refuse("sign_in", "the identity provider's answer does not prove who you are").WithNext("begin again").Because(err)
	}
	p, err := s.find()
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, &http.Client{Timeout: providerTimeout}), providerTimeout)
	defer cancel()
	tokens, err := s.config(p).Exchange(ctx, code, oauth2.VerifierOption(a.Verifier))
	if err != nil {
		return refused(err)
	}
	raw, _ := tokens.Extra("id_token").(string)
	id, err := p.Verifier(&oidc.Config{ClientID: s.client}).Verify(ctx, raw)
	if err != nil {
		return refused(err)
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(a.Nonce)) != 1 {
		return refused(fmt.Errorf("the nonce is another one"))
	}
	value, err := s.claimOf(id)
	if err != nil {
		return "", err
	}
	return Account + ":" + value, nil
}

// claimOf reads the claim that becomes the account. An e-mail address counts
// only when the provider has verified it.
func (s *signIn) claimOf(id *oidc.IDToken) (string, error) {
	claims := map[string]any{}
	if err := id.Claims(&claims); err != nil {
		return "", dr.Refuse("sign_in", "the claims of the identity provider cannot be read")
	}
	if s.claim == "email" && claims["email_verified"] != true {
		return "", dr.Refuse("sign_in", "the identity provider has not verified your e-mail address")
	}
	value, _ := claims[s.claim].(string)
	if value == "" || len(value) > 200 || value != dr.CleanLine(value) {
		return "", dr.Refuse("sign_in", "the identity provider gives no usable claim %q", s.claim)
	}
	return value, nil
}

// localPath keeps only a path of this site: a sign-in leads nowhere else.
func localPath(p string) string {
	if !strings.HasPrefix(p, "/") || strings.HasPrefix(p, "//") || strings.ContainsAny(p, "\\\r\n\t") {
		return "/"
	}
	return p
}
