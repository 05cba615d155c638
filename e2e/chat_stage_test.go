package e2e_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/e2e"
	"github.com/switchback-dr/switchback/internal/gateway/slack/slackfake"
)

// chatStage is a stage with a Slack and gateways.
type chatStage struct {
	*stage
	slack *slackfake.Fake
	// gateways are the addresses of the replicas; processes are theirs.
	gateways  []string
	processes []*e2e.Process
	config    string
	carla     string
}

const ops = "C0PS"

// newChatStage has people with accounts, a policy of two signed approvals of
// others, and gateways; so many replicas of one gateway are started.
func newChatStage(t *testing.T, replicas int) *chatStage {
	t.Helper()
	s := &chatStage{stage: &stage{&e2e.Stage{T: t, Dev: e2e.StartDev(t, e2e.DevOptions{})}}, slack: slackfake.New(ops, "C9")}
	t.Cleanup(s.slack.Close)
	s.LabProcess = e2e.StartLab(t, "postgres", filepath.Join(t.TempDir(), "lab"), &s.Lab)
	s.Client = s.Dev.Client(t)
	key, public := s.newPerson("chat")
	s.Lab.Inventory = s.chatInventory(public)
	s.StartWorker()
	s.config = s.file("chatops.yaml", fmt.Sprintf(`
version: 1
name: chat
inventory: %s
key: {file: %s}
listen: 127.0.0.1:0
rehearsal: true
ui: http://temporal.example.com
channels:
  slack: {token: {env: T_TOKEN}, signing_secret: {env: T_SECRET}, api: %q, hooks: %q}
targets:
  ops: {channel: slack, to: T1/%s}
routes:
  - {first: [ops]}
`, s.Lab.Inventory, key, s.slack.API(), s.slack.Hooks(), ops))
	for range replicas {
		s.startGateway()
	}
	return s
}

func (s *chatStage) chatInventory(public string) string {
	var line string
	s.carla, line = s.newPerson("carla")
	d := s.document()
	account := func(id string, list ...string) {
		p := d.part("people", id)
		p["accounts"] = list
	}
	d.part("people")["carla"] = map[string]any{"name": "Carla", "roles": []string{"approver"}, "ssh_keys": []string{line}}
	d.part("people")["dora"] = map[string]any{"name": "Dora", "roles": []string{"dba"}}
	account("ana", "slack:T1/UANA", "slack:T1/UANA2")
	account("ben", "slack:T1/UBEN")
	account("carla", "slack:T1/UCARLA")
	account("dora", "slack:T1/UDORA")
	d["gateways"] = map[string]any{"chat": map[string]any{"ssh_keys": []string{public}, "accounts": []string{"slack"}}}
	d.part("policies")["lab"] = map[string]any{
		"quorum": 2, "roles": []string{"approver"}, "exclude_requester": true, "break_glass": map[string]any{"roles": []string{"dba"}},
	}
	return s.write(d)
}

var atPattern = regexp.MustCompile(`http://[0-9.:]+`)

func (s *chatStage) startGateway() {
	s.T.Helper()
	env := append(s.Dev.Env(), "T_TOKEN="+slackfake.Token, "T_SECRET="+slackfake.SigningSecret, "SWITCHBACK_CHATOPS="+s.config)
	p := e2e.Start(s.T, e2e.Spec{Name: "chatops", Path: e2e.Build(s.T, "chatops"), Env: env})
	line := p.AwaitLine(s.T, time.Minute)
	s.gateways = append(s.gateways, atPattern.FindString(line))
	s.processes = append(s.processes, p)
	require.NotEmpty(s.T, s.gateways[len(s.gateways)-1], line)
}

// send posts a body to a replica with the headers and gives the status.
func (s *chatStage) send(replica int, path, body string, headers http.Header) int {
	s.T.Helper()
	req, err := http.NewRequestWithContext(s.T.Context(), http.MethodPost, s.gateways[replica]+path, strings.NewReader(body))
	require.NoError(s.T, err)
	req.Header = headers
	begin := time.Now()
	res, err := http.DefaultClient.Do(req)
	require.NoError(s.T, err)
	require.NoError(s.T, res.Body.Close())
	s.T.Logf("answered %d in %s", res.StatusCode, time.Since(begin).Round(time.Millisecond))
	return res.StatusCode
}

// signed posts a body as Slack would.
func (s *chatStage) signed(replica int, path, body string) {
	s.T.Helper()
	require.Equal(s.T, http.StatusOK, s.send(replica, path, body, slackfake.Sign(body, slackfake.SigningSecret, time.Now())))
}

// card waits for the message about the open gate that has buttons, or none.
func (s *chatStage) card(what string, want func(slackfake.Message) bool) slackfake.Message {
	s.T.Helper()
	var found slackfake.Message
	e2e.Await(s.T, 2*time.Minute, what, func() (bool, string) {
		all := s.slack.Messages(ops)
		for _, m := range all {
			if want(m) {
				found = m
				return true, ""
			}
		}
		last := ""
		if len(all) > 0 {
			last = all[len(all)-1].Line()
		}
		return false, fmt.Sprintf("%d messages, the last: %s", len(all), dr.Clip(last, 300))
	})
	return found
}

// click clicks a button of a message as a person, and says which body it was.
func (s *chatStage) click(user, channel string, m slackfake.Message, label string) string {
	s.T.Helper()
	for _, b := range m.Buttons() {
		if b.Label == label {
			body := slackfake.Form(s.slack.Click(user, "Ben Example", channel, m, b))
			s.signed(0, "/slack/actions", body)
			return body
		}
	}
	s.T.Fatalf("the message has no button %q: %+v", label, m.Buttons())
	return ""
}

// refused waits until the run shows a refusal.
func (s *chatStage) refused(why string) {
	s.T.Helper()
	s.Await("the refusal "+why, func(st dr.Status) bool {
		for _, r := range st.Refused {
			if strings.Contains(r.Why, why) {
				return true
			}
		}
		return false
	})
}

func (s *chatStage) votes(n int) {
	s.T.Helper()
	s.Await(fmt.Sprintf("%d votes", n), func(st dr.Status) bool { return st.Gate != nil && len(st.Gate.Votes) == n })
}
