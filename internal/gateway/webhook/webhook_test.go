package webhook

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/gateway"
	"github.com/switchback-dr/switchback/internal/gateway/wire"
)

// core is a gateway that notes what it is asked.
type core struct {
	mu      sync.Mutex
	intents []gateway.Intent
	askers  []gateway.Asker
	forged  []string
	late    bool
}

func (c *core) Decide(_ context.Context, in gateway.Intent) gateway.Answer {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.intents = append(c.intents, in)
	return gateway.Answer{Text: "approve counted", Counted: true}
}

func (c *core) Command(_ context.Context, by gateway.Asker, text string) gateway.Answer {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.askers = append(c.askers, by)
	return gateway.Answer{Text: text, Card: &gateway.Card{Title: "a card"}}
}

func (c *core) Forged(_, system, why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forged = append(c.forged, system+": "+why)
}

func (c *core) Later(_ time.Duration, f func(ctx context.Context)) bool {
	if c.late {
		return false
	}
	f(context.Background())
	return true
}

var key = []byte(strings.Repeat("k", wire.MinKey))

type bench struct {
	t       *testing.T
	core    *core
	channel *Channel
	server  *httptest.Server
	clock   time.Time
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, core: &core{}, clock: time.Unix(1_800_000_000, 0)}
	b.channel = &Channel{core: b.core, hooks: map[string]hook{"ops": {key: key}}, call: wire.NewCaller("the webhook", nil), now: func() time.Time { return b.clock }}
	mux := http.NewServeMux()
	for pattern, h := range b.channel.Routes() {
		mux.Handle(pattern, http.MaxBytesHandler(h, gateway.MaxBody))
	}
	b.server = httptest.NewServer(mux)
	t.Cleanup(b.server.Close)
	return b
}

// send posts a body; stamp and signature are made for it unless given.
func (b *bench) send(path, body string, header map[string]string) (int, string) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.server.URL+path, strings.NewReader(body))
	require.NoError(b.t, err)
	stamp := strconv.FormatInt(b.clock.Unix(), 10)
	req.Header.Set(HeaderTimestamp, stamp)
	req.Header.Set(HeaderSignature, sign(key, stamp, []byte(body)))
	for name, value := range header {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(b.t, err)
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(b.t, err)
	return resp.StatusCode, string(raw)
}

const approve = `{"id":"decision-1","user":"anna","verb":"approve","ref":{"system":"orders","original_run":"o","run":"r","gate":"decide","occurrence":1,"digest":"02e37a8dc1a7"},"reason":"go"}`

func TestASignedDecisionIsPassedOnAndARepeatedOneIsTheSame(t *testing.T) {
	b := newBench(t)
	for range 2 {
		status, answer := b.send("/webhook/ops/decisions", approve, nil)
		require.Equal(t, 200, status)
		require.JSONEq(t, `{"counted":true,"text":"approve counted"}`, answer)
	}
	first := b.core.intents[0]
	require.Equal(t, gateway.Intent{
		Channel: "webhook", Account: "webhook:ops/anna", Place: "ops", ID: "ops decision-1", Verb: dr.VerbApprove, Reason: "go",
		Ref: gateway.Ref{System: "orders", OriginalRun: "o", Run: "r", Gate: dr.GateDecide, Occurrence: 1, Digest: "02e37a8dc1a7"},
	}, first)
	require.Equal(t, first, b.core.intents[1])

	status, answer := b.send("/webhook/ops/commands", `{"id":"command-1","user":"anna","text":"status orders"}`, nil)
	require.Equal(t, 200, status)
	require.Contains(t, answer, `"title":"a card"`)
	require.Equal(t, gateway.Asker{Channel: "webhook", Account: "webhook:ops/anna", Place: "ops", ID: "ops command-1"}, b.core.askers[0])

	b.core.late = true
	status, answer = b.send("/webhook/ops/decisions", approve, nil)
	require.Equal(t, 202, status)
	require.Contains(t, answer, "same id")
}

func TestARequestThatIsForgedOldOrChangedIsRefusedAndShown(t *testing.T) {
	b := newBench(t)
	at := func(d time.Duration) string { return strconv.FormatInt(b.clock.Add(d).Unix(), 10) }
	signed := func(stamp string) map[string]string {
		return map[string]string{HeaderTimestamp: stamp, HeaderSignature: sign(key, stamp, []byte(approve))}
	}
	for name, header := range map[string]map[string]string{
		"no signature":         {HeaderSignature: ""},
		"another key":          {HeaderSignature: sign([]byte(strings.Repeat("x", 32)), at(0), []byte(approve))},
		"the body was changed": {HeaderSignature: sign(key, at(0), []byte(strings.Replace(approve, "reject", "approve", 1)+" "))},
		"the time was changed": {HeaderTimestamp: at(time.Second)},
		"no time":              signed(""),
		"an old one":           signed(at(-window - time.Second)),
		"one of tomorrow":      signed(at(24 * time.Hour)),
	} {
		status, answer := b.send("/webhook/ops/decisions", approve, header)
		require.Equal(t, 401, status, name)
		require.Contains(t, answer, `"counted":false`, name)
	}
	status, _ := b.send("/webhook/other/decisions", approve, nil)
	require.Equal(t, 401, status, "a hook that is not there")
	require.Len(t, b.core.forged, 8)
	for _, why := range b.core.forged {
		require.True(t, strings.HasPrefix(why, "orders: "), "the run that it names shows that somebody tried: %s", why)
	}
	require.Empty(t, b.core.intents)
}

func TestABodyThatIsNotUnderstoodChangesNothing(t *testing.T) {
	b := newBench(t)
	for _, body := range []string{
		"", "{}", "[]", `{"id":"short","user":"anna","verb":"approve","ref":{"system":"orders"}}`,
		strings.Replace(approve, `"verb"`, `"verbs"`, 1), strings.Replace(approve, `"approve"`, `"explode"`, 1),
		strings.Replace(approve, `"anna"`, `"anna/../ben"`, 1), strings.Replace(approve, `"anna"`, `"an\u202ena"`, 1),
		strings.Replace(approve, `"user"`, `"user":"ben","user"`, 1), approve + approve,
	} {
		status, answer := b.send("/webhook/ops/decisions", body, nil)
		require.Equal(t, 400, status, body)
		require.Contains(t, answer, "nothing was done", body)
	}
	status, _ := b.send("/webhook/ops/decisions", strings.Repeat("x", gateway.MaxBody+1), nil)
	require.Equal(t, http.StatusRequestEntityTooLarge, status)
	require.Empty(t, b.core.intents)
}

func TestAMessageIsSignedDocumentedJSON(t *testing.T) {
	b := newBench(t)
	var got struct {
		body   string
		header http.Header
	}
	status := 200
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		got.body, got.header = string(raw), r.Header
		w.WriteHeader(status)
	}))
	defer receiver.Close()
	b.channel.hooks["ops"] = hook{url: receiver.URL + "/secret-path", key: key}
	p := gateway.Post{Place: "ops", Key: "gw/orders/r/end", Kind: dr.ChatCard, Card: gateway.Card{Title: "T", Buttons: []gateway.Button{{Verb: dr.VerbApprove, Ref: gateway.Ref{System: "orders"}}}}}
	receipt, err := b.channel.Deliver(t.Context(), p)
	require.NoError(t, err)
	require.Equal(t, sign(key, got.header.Get(HeaderTimestamp), []byte(got.body)), got.header.Get(HeaderSignature))
	var m message
	require.NoError(t, dr.DecodeStrict([]byte(got.body), &m), "the form that the documentation gives, and no more")
	require.Equal(t, message{Schema: 1, Kind: dr.ChatCard, ID: "gw/orders/r/end", Card: m.Card}, m)
	require.Equal(t, "orders", m.Card.Actions[0].Ref.System)
	require.True(t, json.Valid(receipt))
	p.Receipt = receipt
	_, err = b.channel.Deliver(t.Context(), p)
	require.NoError(t, err)
	require.Contains(t, got.body, `"edit":true`)

	for code, class := range map[int]dr.Class{429: dr.ClassRetry, 503: dr.ClassRetry, 400: dr.ClassRefuse, 302: dr.ClassRefuse} {
		status = code
		_, err = b.channel.Deliver(t.Context(), p)
		require.Equal(t, class, dr.ClassOf(err), code)
		require.NotContains(t, err.Error(), "secret-path")
	}
	receiver.Close()
	_, err = b.channel.Deliver(t.Context(), p)
	require.Equal(t, dr.ClassRetry, dr.ClassOf(err))
	require.NotContains(t, err.Error(), "secret-path", "an address may be a secret")
	p.Place = "nowhere"
	_, err = b.channel.Deliver(t.Context(), p)
	require.Equal(t, dr.ClassRefuse, dr.ClassOf(err))
}

func TestTheDocumentedFormsAreTheRealOnes(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "channels.md"))
	require.NoError(t, err)
	var blocks []string
	for _, part := range strings.Split(string(page), "```json\n")[1:] {
		block, _, _ := strings.Cut(part, "```")
		blocks = append(blocks, block)
	}
	require.Len(t, blocks, 2)
	var m message
	require.NoError(t, dr.DecodeStrict([]byte(blocks[0]), &m))
	sent, err := json.Marshal(messageOf(gateway.Post{Card: gateway.Card{Commands: []gateway.Phase{{}}, Buttons: []gateway.Button{{}}}}))
	require.NoError(t, err)
	var documented, written struct{ Card map[string]any }
	require.NoError(t, json.Unmarshal([]byte(blocks[0]), &documented))
	require.NoError(t, json.Unmarshal(sent, &written))
	for field := range written.Card {
		require.Contains(t, documented.Card, field, "a field that the documentation leaves out")
	}
	b := newBench(t)
	status, answer := b.send("/webhook/ops/decisions", blocks[1], nil)
	require.Equal(t, 200, status, answer)
	require.Equal(t, m.Card.Actions[0].Ref, ref(b.core.intents[0].Ref), "the ref goes back as it came")
}

func FuzzDecision(f *testing.F) {
	f.Add(approve)
	f.Add(`{"id":"` + strings.Repeat("x", 300) + `"}`)
	f.Fuzz(func(t *testing.T, body string) {
		c := &core{}
		ch := &Channel{core: c, hooks: map[string]hook{"ops": {key: key}}, now: time.Now}
		w := httptest.NewRecorder()
		ch.decide(w, "ops", []byte(body))
		require.True(t, json.Valid(w.Body.Bytes()))
		for _, in := range c.intents {
			require.True(t, strings.HasPrefix(in.Account, "webhook:ops/"))
			require.True(t, gateway.KnownVerb(in.Verb))
		}
	})
}
