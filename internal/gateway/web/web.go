// Package web serves a page for each system: what runs, its timeline, and its
// gate with the same content as every other card. People decide there after
// they have signed in with OpenID Connect, by POST only: a GET never decides, so
// that programs which follow links to look at them do nothing.
//
// The pages are written on the server and hold no script. They work on a
// telephone and refresh themselves, except where somebody is about to decide.
package web

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/gateway"
	"github.com/switchback-dr/switchback/internal/gateway/wire"
	"github.com/switchback-dr/switchback/internal/inventory"
)

// Name is the channel's name in chatops.yaml and in decisions; Account is the
// kind of the accounts that it authenticates.
const (
	Name    = "web"
	Account = "oidc"
)

// Core is what the pages need of the gateway.
type Core interface {
	Page(ctx context.Context, system string) (gateway.Page, error)
	Line(ctx context.Context, system string) string
	Decide(ctx context.Context, in gateway.Intent) gateway.Answer
	Forged(channel, system, why string)
}

// settings is the channel's part of chatops.yaml.
type settings struct {
	Issuer       string              `yaml:"issuer"`
	ClientID     string              `yaml:"client_id"`
	ClientSecret inventory.SecretRef `yaml:"client_secret"`
	Scopes       []string            `yaml:"scopes"`
	Claim        string              `yaml:"claim"`
	Key          inventory.SecretRef `yaml:"key"`
	Session      dr.Duration         `yaml:"session"`
	OpenReading  bool                `yaml:"open_reading"`
}

// Channel serves the pages.
type Channel struct {
	core    Core
	systems []string
	base    *url.URL
	seal    wire.Sealer
	signIn  *signIn
	session time.Duration
	// open lets people read without signing in.
	open bool
	now  func() time.Time
}

// New makes the channel from its part of chatops.yaml.
func New(node inventory.Node, g *gateway.Gateway) (gateway.Channel, error) {
	s := settings{Claim: "sub", Scopes: []string{"openid"}, Session: dr.Duration(time.Hour)}
	if err := node.Decode(&s); err != nil {
		return nil, dr.Refuse("chatops", "%s", err).Because(err)
	}
	base, why := publicBase(g.Config.PublicURL)
	if why != "" {
		return nil, dr.Refuse("chatops", "the channel web needs public_url: %s", why)
	}
	switch {
	case s.Issuer == "":
		return nil, node.Complain("issuer", "name the OpenID Connect issuer, such as https://login.example.com")
	case s.ClientID == "":
		return nil, node.Complain("client_id", "name the client that the issuer knows this gateway by")
	case time.Duration(s.Session) < time.Minute || time.Duration(s.Session) > 24*time.Hour:
		return nil, node.Complain("session", "a session lasts from 1m to 24h")
	}
	issuer, err := url.Parse(s.Issuer)
	if err != nil || !wire.Secure(issuer) {
		return nil, node.Complain("issuer", "the issuer must be an https address")
	}
	key, err := s.Key.Read("channels.web.key")
	if err != nil {
		return nil, err
	}
	seal, err := wire.NewSealer("channels.web.key", key)
	if err != nil {
		return nil, err
	}
	secret := ""
	if !s.ClientSecret.Empty() {
		if secret, err = s.ClientSecret.Read("channels.web.client_secret"); err != nil {
			return nil, err
		}
	}
	c := &Channel{core: g, systems: g.Systems, base: base, seal: seal, session: time.Duration(s.Session), open: s.OpenReading, now: g.Now}
	c.signIn = &signIn{issuer: s.Issuer, client: s.ClientID, secret: secret, scopes: s.Scopes, claim: s.Claim, callback: c.address("/sign-in/callback")}
	return c, nil
}

// publicBase checks the gateway's own address: cookies and links depend on it.
func publicBase(address string) (*url.URL, string) {
	u, err := url.Parse(strings.TrimSuffix(address, "/"))
	switch {
	case err != nil || u.Host == "":
		return nil, "the address by which people reach this gateway, such as https://dr.example.com"
	case !wire.Secure(u):
		return nil, "it must begin with https"
	case u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return nil, "a scheme and a host, without a path"
	}
	return u, ""
}

func (c *Channel) address(path string) string { return c.base.String() + path }

// Deliver refuses: a page is looked at, nothing is sent to it.
func (c *Channel) Deliver(context.Context, gateway.Post) (json.RawMessage, error) {
	return nil, dr.Refuse("chat", "the web page is no place to send a message to").WithNext("leave it out of targets; every card links to it")
}

// Run serves nothing of its own.
func (c *Channel) Run(context.Context) error { return nil }

// Routes are the pages.
func (c *Channel) Routes() map[string]http.Handler {
	page := func(h http.HandlerFunc) http.Handler { return c.guarded(h) }
	return map[string]http.Handler{
		"GET /{$}":              page(c.board),
		"GET /system/{system}":  page(c.system),
		"GET /decide/{system}":  page(c.decidePage),
		"POST /decide":          page(c.decide),
		"GET /go/{token}":       page(c.follow),
		"GET /sign-in":          page(c.startSignIn),
		"GET /sign-in/callback": page(c.endSignIn),
		"POST /sign-out":        page(c.signOut),
		"GET /style.css":        page(style),
	}
}

// guarded sets what keeps a page from being framed, scripted or kept, and
// refuses what another site's page sends.
func (c *Channel) guarded(next http.Handler) http.Handler {
	protected := http.NewCrossOriginProtection().Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		if c.base.Scheme == "https" {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		protected.ServeHTTP(w, r)
	})
}
