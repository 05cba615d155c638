package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/gateway"
)

func TestSomebodyWhoSignedInDecidesAndADoubledFormIsOneDecision(t *testing.T) {
	s := newSite(t)
	v := s.visitor()
	status, page := v.get("/decide/orders")
	require.Equal(t, http.StatusUnauthorized, status)
	require.Contains(t, page, "Sign in")
	status, page = v.signIn("anna", "/decide/orders")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, page, "shall west become primary?", "the sign-in leads back to the question")
	form := url.Values{"slip": {v.slips()[0]}, "sure": {"yes"}, "reason": {"go on\nplease"}}
	for range 2 {
		status, page = v.post("/decide", form)
		require.Equal(t, http.StatusOK, status)
		require.Contains(t, page, "approve counted")
	}
	require.Len(t, s.core.intents, 2)
	first := s.core.intents[0]
	require.Equal(t, gateway.Intent{Channel: "web", Account: "oidc:anna", ID: first.ID, Verb: dr.VerbApprove, Ref: ref, Reason: "go on please"}, first)
	require.NotEmpty(t, first.ID)
	require.Equal(t, first, s.core.intents[1], "the same form sent again is the same decision")
	_, _ = v.post("/decide", url.Values{"slip": {v.slips()[0]}, "sure": {"yes"}})
	require.NotEqual(t, first.ID, s.core.intents[2].ID, "another form is another decision")
}

func TestAGetNeverDecides(t *testing.T) {
	s := newSite(t)
	v := s.visitor()
	v.signIn("anna", "/")
	slip := url.QueryEscape(v.slips()[0])
	link := s.link(t).Link(ref, s.clock)
	for _, path := range []string{
		"/", "/system/orders", "/decide/orders", link, "/decide?slip=" + slip + "&sure=yes",
		"/decide/orders?slip=" + slip + "&sure=yes", "/system/orders?verb=approve", "/sign-out",
	} {
		_, page := v.get(path)
		require.NotContains(t, page, "approve counted", path)
	}
	require.Empty(t, s.core.intents)
	status, _ := s.visitor().get(link)
	require.Equal(t, http.StatusUnauthorized, status, "a program that looks at links is not signed in and does nothing")
}

func TestAFormThatWasNotShownToThisPersonDecidesNothing(t *testing.T) {
	s := newSite(t)
	anna, mallory := s.visitor(), s.visitor()
	anna.signIn("anna", "/")
	mallory.signIn("mallory", "/")
	own, foreign := anna.slips(), mallory.slips()
	form := func(slip string) url.Values {
		return url.Values{"slip": {slip}, "sure": {"yes"}, "reason": {"because"}}
	}
	for name, slip := range map[string]string{
		"none":              "",
		"of somebody else":  foreign[0],
		"changed":           "f" + own[0][1:],
		"cut":               own[0][:len(own[0])-2],
		"of another page":   s.channel.seal.Seal("link", s.clock.Add(time.Hour), slip{Verb: dr.VerbApprove, Ref: ref}),
		"with another seal": sealed(t, slip{Verb: dr.VerbApprove, Ref: ref}),
	} {
		status, page := anna.post("/decide", form(slip))
		require.Equal(t, http.StatusForbidden, status, name)
		require.Contains(t, page, "not made here for you", name)
	}
	require.Len(t, s.core.forged, 6)
	require.Contains(t, s.core.forged, "orders: a form was sent that was not shown to oidc:anna", "the run that it names shows that somebody tried")

	status, _ := s.visitor().post("/decide", form(own[0]))
	require.Equal(t, http.StatusUnauthorized, status, "not signed in")
	for _, header := range [][]string{{"Origin", "https://evil.example.com"}, {"Sec-Fetch-Site", "cross-site"}} {
		status, _ = anna.post("/decide", form(own[0]), header...)
		require.Equal(t, http.StatusForbidden, status, "from another site: %v", header)
	}
	status, _ = anna.post("/decide", url.Values{"slip": {own[0]}})
	require.Equal(t, http.StatusBadRequest, status, "not confirmed")
	status, page := anna.post("/decide", url.Values{"slip": {own[1]}, "sure": {"yes"}, "reason": {" \n "}})
	require.Equal(t, http.StatusBadRequest, status)
	require.Contains(t, page, "say why")

	s.clock = s.clock.Add(formFor + time.Minute)
	status, page = anna.post("/decide", form(own[0]))
	require.Equal(t, http.StatusConflict, status)
	require.Contains(t, page, "too old")
	s.clock = s.clock.Add(time.Hour)
	status, _ = anna.post("/decide", form(own[0]))
	require.Equal(t, http.StatusUnauthorized, status, "the session is over")
	require.Empty(t, s.core.intents)
}

func TestASignedLinkLeadsToItsQuestionAndSaysWhenThatIsOver(t *testing.T) {
	s := newSite(t)
	v := s.visitor()
	v.signIn("anna", "/")
	status, page := v.get(s.link(t).Link(ref, s.clock))
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, page, "shall west become primary?")
	require.NotContains(t, page, "which is over")

	old := ref
	old.Digest = "aaaaaaaaaaaa"
	_, page = v.get(s.link(t).Link(old, s.clock))
	require.Contains(t, page, "which is over")

	forged := strings.Replace(s.link(t).Link(ref, s.clock), "/go/e", "/go/f", 1)
	status, _ = v.get(forged)
	require.Equal(t, http.StatusForbidden, status)
	require.Len(t, s.core.forged, 1)
	link := s.link(t).Link(ref, s.clock)
	s.clock = s.clock.Add(linkFor + time.Minute)
	status, _ = v.get(link)
	require.Equal(t, http.StatusGone, status)
	require.Empty(t, s.core.intents)
}

func TestPagesEscapeForeignTextAndHoldNoScript(t *testing.T) {
	s := newSite(t)
	v := s.visitor()
	v.signIn(`anna"><script>`, "/")
	for _, path := range []string{"/", "/system/orders", "/decide/orders", "/system/%3Cscript%3E"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.server.URL+path, nil)
		require.NoError(t, err)
		resp, err := v.client.Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		policy := resp.Header.Get("Content-Security-Policy")
		require.Contains(t, policy, "default-src 'none'")
		require.Contains(t, policy, "frame-ancestors 'none'")
		require.NotContains(t, policy, "unsafe")
		_, page := v.get(path)
		require.NotContains(t, strings.ToLower(page), "<script", path)
		require.NotContains(t, page, "javascript:", path)
		require.NotContains(t, page, "style=", path)
	}
	_, page := v.get("/decide/orders")
	require.Contains(t, page, "&lt;b&gt;none&lt;/b&gt; &amp; more")
	require.Contains(t, page, "pg_ctl promote &lt;/pre&gt;&lt;script&gt;")
	_, page = v.get("/system/orders")
	require.Contains(t, page, "waiting for log replay")
	require.Contains(t, page, `http-equiv="refresh"`)
	_, page = v.get("/decide/orders")
	require.NotContains(t, page, `http-equiv="refresh"`, "nobody's reason is lost to a refresh")
}

func TestReadingNeedsASignInUnlessTheFileSaysOtherwise(t *testing.T) {
	s := newSite(t)
	for _, path := range []string{"/", "/system/orders"} {
		status, page := s.visitor().get(path)
		require.Equal(t, http.StatusUnauthorized, status)
		require.NotContains(t, page, "takeover")
	}
	s.channel.open = true
	status, page := s.visitor().get("/")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, page, "takeover, waiting for approval")
	status, _ = s.visitor().get("/decide/orders")
	require.Equal(t, http.StatusUnauthorized, status, "deciding always does")
}

func TestTemporalWithoutAnswerIsOneSentence(t *testing.T) {
	s := newSite(t)
	v := s.visitor()
	v.signIn("anna", "/")
	s.core.err = dr.Retry("temporal", "Temporal does not answer").WithNext("try again, or use starter")
	status, page := v.get("/decide/orders")
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Contains(t, page, "Temporal does not answer")
	require.Contains(t, page, "use starter")
}
