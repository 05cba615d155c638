package slack_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/switchback-dr/switchback/internal/gateway"
	"github.com/switchback-dr/switchback/internal/gateway/slack"
	"github.com/switchback-dr/switchback/internal/gateway/slack/slackfake"
	"github.com/switchback-dr/switchback/internal/inventory"
)

// silent is a Temporal that answers nothing until whoever asks gives up.
type silent struct{ client.Client }

func (silent) DescribeTaskQueue(ctx context.Context, _ string, _ enums.TaskQueueType) (*workflowservice.DescribeTaskQueueResponse, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (silent) UpdateWorkflow(ctx context.Context, _ client.UpdateWorkflowOptions) (client.WorkflowUpdateHandle, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (silent) SignalWorkflow(ctx context.Context, _, _, _ string, _ any) error {
	<-ctx.Done()
	return ctx.Err()
}

// open makes a gateway with only Slack, and its address.
func open(t *testing.T, f *slackfake.Fake, part string) (*gateway.Gateway, *httptest.Server) {
	t.Helper()
	t.Setenv("T_TOKEN", slackfake.Token)
	t.Setenv("T_SECRET", slackfake.SigningSecret)
	t.Setenv("T_APP", slackfake.AppToken)
	node, err := inventory.Document("chatops.yaml", "slack", []byte("token: {env: T_TOKEN}\n"+part+"\napi: \""+f.API()+"\"\nhooks: \""+f.Hooks()+"\"\n"))
	require.NoError(t, err)
	g := &gateway.Gateway{
		Config: gateway.Config{Name: "chat", Channels: map[string]inventory.Node{"slack": node}}, Temporal: silent{}, Systems: []string{"orders"},
		Who: func() (inventory.Who, error) {
			return inventory.Who{People: map[string]inventory.Person{"ana": {ID: "ana", Accounts: []string{"slack:T1/UANA"}}}}, nil
		},
		Redact: func(s string) string { return s }, Now: time.Now, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	_, err = g.NewKey()
	require.NoError(t, err)
	require.NoError(t, g.Open([]gateway.Kind{{Name: "slack", Account: "slack", New: slack.New}}))
	s := httptest.NewServer(g.Handler())
	t.Cleanup(s.Close)
	return g, s
}

func send(t *testing.T, address, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(body))
	require.NoError(t, err)
	req.Header = slackfake.Sign(body, slackfake.SigningSecret, time.Now())
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusOK, res.StatusCode)
}

func TestSlackIsAnsweredInTimeWhateverTemporalDoes(t *testing.T) {
	f := slackfake.New("C1")
	t.Cleanup(f.Close)
	_, s := open(t, f, "signing_secret: {env: T_SECRET}")
	b := slackfake.Button{ActionID: "dr.approve", Value: `{"s":"orders","o":"r0","r":"r1","g":"decide","n":1,"d":"0123456789ab"}`}
	begin := time.Now()
	send(t, s.URL+"/slack/actions", slackfake.Form(f.Click("UANA", "Ana", "C1", slackfake.Message{TS: "1.1"}, b)))
	require.Less(t, time.Since(begin), 3*time.Second, "Slack shows an error after three seconds")
}

func TestAClickThatNeedsAReasonOpensAFormThatHoldsWhatItIsAbout(t *testing.T) {
	f := slackfake.New("C1")
	t.Cleanup(f.Close)
	_, s := open(t, f, "signing_secret: {env: T_SECRET}")
	b := slackfake.Button{ActionID: "drreason.break-glass", Value: `{"s":"orders","o":"r0","r":"r1","g":"decide","n":1,"d":"0123456789ab"}`}
	payload := f.Click("UANA", "Ana", "C1", slackfake.Message{TS: "1.1"}, b)
	send(t, s.URL+"/slack/actions", slackfake.Form(payload))
	submitted := f.Submit("UANA", payload, "east burns")
	require.NotEmpty(t, submitted, "the form is open")
	require.Contains(t, submitted, "0123456789ab")
	require.Contains(t, submitted, "T1/C1")
}

// TestSocketModeServesClicksAndCommands: the same through the connection that
// the gateway opens.
func TestSocketModeServesClicksAndCommands(t *testing.T) {
	f := slackfake.New("C1")
	t.Cleanup(f.Close)
	g, s := open(t, f, "app_token: {env: T_APP}")
	res, err := http.Post(s.URL+"/slack/actions", "application/x-www-form-urlencoded", strings.NewReader("payload={}"))
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusNotFound, res.StatusCode, "with Socket Mode nothing is served over HTTP")
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = g.Channel("slack").Run(ctx) }()
	defer func() { cancel(); <-done }()

	form, err := url.ParseQuery(f.Command("USTRANGER", "C1", "systems"))
	require.NoError(t, err)
	flat := map[string]string{}
	for k := range form {
		flat[k] = form.Get(k)
	}
	raw, err := json.Marshal(flat)
	require.NoError(t, err)
	require.NotEmpty(t, f.Push("slash_commands", raw), "it is acknowledged")
	require.Eventually(t, func() bool {
		return strings.Contains(strings.Join(f.Told(), " "), "your account slack:T1/USTRANGER belongs to nobody in the inventory")
	}, 30*time.Second, 10*time.Millisecond)

	b := slackfake.Button{ActionID: "drreason.reject", Value: `{"s":"orders","o":"r0","r":"r1","g":"decide","n":1,"d":"0123456789ab"}`}
	payload := f.Click("UANA", "Ana", "C1", slackfake.Message{TS: "1.1"}, b)
	require.NotEmpty(t, f.Push("interactive", json.RawMessage(payload)))
	require.Eventually(t, func() bool { return f.Submit("UANA", payload, "x") != "" }, 30*time.Second, 10*time.Millisecond)
}

func FuzzRequestsOfSlack(f *testing.F) {
	fake := slackfake.New("C1")
	f.Cleanup(fake.Close)
	f.Add("payload=%7B%22type%22%3A%22block_actions%22%7D")
	f.Add("payload={\"type\":\"view_submission\",\"view\":{\"private_metadata\":\"{}\"}}")
	f.Add("text=approve orders 0123456789ab&user_id=U&team_id=T1")
	f.Add("payload=%zz")
	f.Setenv("T_TOKEN", slackfake.Token)
	f.Setenv("T_SECRET", slackfake.SigningSecret)
	node, err := inventory.Document("chatops.yaml", "slack", []byte("token: {env: T_TOKEN}\nsigning_secret: {env: T_SECRET}\napi: \""+fake.API()+"\"\nhooks: \""+fake.Hooks()+"\"\n"))
	require.NoError(f, err)
	g := &gateway.Gateway{
		Now: time.Now, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Redact: func(s string) string { return s },
		Who: func() (inventory.Who, error) { return inventory.Who{}, nil }, Config: gateway.Config{Channels: map[string]inventory.Node{"slack": node}},
	}
	require.NoError(f, g.Open([]gateway.Kind{{Name: "slack", Account: "slack", New: slack.New}}))
	h := g.Handler()
	f.Fuzz(func(t *testing.T, body string) {
		for _, path := range []string{"/slack/actions", "/slack/command"} {
			r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
			r.Header = slackfake.Sign(body, slackfake.SigningSecret, time.Now())
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			require.Contains(t, []int{http.StatusOK, http.StatusBadRequest}, w.Code)
		}
	})
}
