package web

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/gateway"
	"github.com/switchback-dr/switchback/internal/gateway/web/oidctest"
	"github.com/switchback-dr/switchback/internal/gateway/wire"
)

// core is a gateway that notes what it is asked.
type core struct {
	mu      sync.Mutex
	cards   []gateway.Card
	err     error
	intents []gateway.Intent
	forged  []string
	answer  gateway.Answer
}

func (c *core) Page(_ context.Context, system string) (gateway.Page, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if system != "orders" {
		return gateway.Page{}, dr.Refuse("unknown_system", "there is no system %q here", system)
	}
	return gateway.Page{
		System: system, Title: "Planned takeover of orders", Line: "waiting", Running: true, Cards: c.cards,
		Phases:  []dr.PhaseStatus{{Phase: dr.PhasePromote, State: dr.StepPending, Steps: []dr.StepStatus{{ID: "promote.promote", Title: "Promote west", State: dr.StepPending}}}},
		Events:  []dr.Event{{At: time.Unix(1, 0), Text: "<script>alert(1)</script>"}},
		Working: []string{"waiting for log replay"},
	}, c.err
}

func (c *core) Line(context.Context, string) string { return "takeover, waiting for approval" }

func (c *core) Decide(_ context.Context, in gateway.Intent) gateway.Answer {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.intents = append(c.intents, in)
	return c.answer
}

func (c *core) Forged(_, system, why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forged = append(c.forged, system+": "+why)
}

// ref is of the one plan that is asked about.
var ref = gateway.Ref{System: "orders", OriginalRun: "o", Run: "r", Gate: dr.GateDecide, Occurrence: 1, Digest: "02e37a8dc1a7"}

func askingCard() gateway.Card {
	return gateway.Card{
		Key: "k", Level: gateway.LevelAsk, System: "orders", Title: "Approval needed", Reality: "REAL", Lead: "shall west become primary?",
		Facts:    []gateway.Fact{{Name: "Loss", Text: "<b>none</b> & more"}},
		Commands: []gateway.Phase{{Name: "promote", Steps: []gateway.Step{{Kind: dr.KindIrreversible, Title: "Promote", Commands: []string{"pg_ctl promote </pre><script>"}}}}},
		Buttons: []gateway.Button{
			{Verb: dr.VerbApprove, Label: "Approve", Confirm: "Approve plan 02e37a8dc1a7?", Ref: ref},
			{Verb: dr.VerbReject, Label: "Reject", Confirm: "Reject it?", NeedsReason: true, Ref: ref},
		},
		Link: "javascript:alert(1)",
	}
}

// site is the channel on a real server, with a real provider.
type site struct {
	t        *testing.T
	core     *core
	channel  *Channel
	provider *oidctest.Provider
	server   *httptest.Server
	clock    time.Time
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, core: &core{cards: []gateway.Card{askingCard()}, answer: gateway.Answer{Text: "approve counted", Counted: true}}, clock: time.Now()}
	mux := http.NewServeMux()
	s.server = httptest.NewServer(mux)
	t.Cleanup(s.server.Close)
	base, why := publicBase(s.server.URL)
	require.Empty(t, why)
	seal, err := wire.NewSealer("key", strings.Repeat("k", wire.MinKey))
	require.NoError(t, err)
	s.channel = &Channel{core: s.core, systems: []string{"orders", "hr"}, base: base, seal: seal, session: time.Hour, now: func() time.Time { return s.clock }}
	s.provider = oidctest.Start(t, s.channel.address("/sign-in/callback"))
	s.channel.signIn = &signIn{
		issuer: s.provider.Issuer, client: oidctest.ClientID, secret: oidctest.ClientSecret, scopes: []string{"openid"}, claim: "sub", callback: s.channel.address("/sign-in/callback"),
	}
	for pattern, h := range s.channel.Routes() {
		mux.Handle(pattern, h)
	}
	return s
}

// visitor is a browser with cookies of its own.
type visitor struct {
	*site
	client *http.Client
}

func (s *site) visitor() visitor {
	jar, err := cookiejar.New(nil)
	require.NoError(s.t, err)
	return visitor{s, &http.Client{Jar: jar, Timeout: 30 * time.Second}}
}

func (v visitor) do(req *http.Request) (int, string) {
	v.t.Helper()
	resp, err := v.client.Do(req)
	require.NoError(v.t, err)
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	require.NoError(v.t, err)
	return resp.StatusCode, string(b)
}

func (v visitor) get(path string) (int, string) {
	v.t.Helper()
	if strings.HasPrefix(path, "/") {
		path = v.server.URL + path
	}
	req, err := http.NewRequestWithContext(v.t.Context(), http.MethodGet, path, nil)
	require.NoError(v.t, err)
	return v.do(req)
}

func (v visitor) post(address string, form url.Values, header ...string) (int, string) {
	v.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = v.server.URL + address
	}
	req, err := http.NewRequestWithContext(v.t.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
	require.NoError(v.t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return v.do(req)
}

// signIn signs in as somebody, from a page that asked for it.
func (v visitor) signIn(person, back string) (int, string) {
	v.t.Helper()
	req, err := http.NewRequestWithContext(v.t.Context(), http.MethodGet, v.server.URL+"/sign-in?back="+url.QueryEscape(back), nil)
	require.NoError(v.t, err)
	resp, err := v.client.Do(req)
	require.NoError(v.t, err)
	require.NoError(v.t, resp.Body.Close())
	require.Equal(v.t, http.StatusOK, resp.StatusCode, "the provider's page")
	return v.post(resp.Request.URL.String(), url.Values{"person": {person}})
}

var slipField = regexp.MustCompile(`name="slip" value="([^"]+)"`)

// slips are the sealed forms of a page, in the order of its buttons.
func (v visitor) slips() []string {
	v.t.Helper()
	status, page := v.get("/decide/orders")
	require.Equal(v.t, http.StatusOK, status, page)
	var out []string
	for _, m := range slipField.FindAllStringSubmatch(page, -1) {
		out = append(out, m[1])
	}
	require.Len(v.t, out, 2)
	return out
}
