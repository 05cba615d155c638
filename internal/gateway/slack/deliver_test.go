package slack_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/gateway"
	"github.com/switchback-dr/switchback/internal/gateway/slack"
	"github.com/switchback-dr/switchback/internal/gateway/slack/slackfake"
	"github.com/switchback-dr/switchback/internal/inventory"
)

// newChannel opens the channel against a Slack, as the program would.
func newChannel(t *testing.T, f *slackfake.Fake, now func() time.Time, more string) gateway.Channel {
	t.Helper()
	t.Cleanup(f.Close)
	t.Setenv("T_TOKEN", slackfake.Token)
	t.Setenv("T_SECRET", slackfake.SigningSecret)
	t.Setenv("T_APP", slackfake.AppToken)
	if more == "" {
		more = "signing_secret: {env: T_SECRET}"
	}
	text := fmt.Sprintf("token: {env: T_TOKEN}\n%s\napi: %q\nhooks: %q\n", more, f.API(), f.Hooks())
	node, err := inventory.Document("chatops.yaml", "channels.slack", []byte(text))
	require.NoError(t, err)
	g := &gateway.Gateway{Now: now, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Redact: func(s string) string { return s }}
	c, err := slack.New(node, g)
	require.NoError(t, err)
	return c
}

func post(place, key string) gateway.Post {
	return gateway.Post{Place: place, Key: key, Kind: dr.ChatCard, Card: gateway.Card{Key: key, Title: "Approval needed", Reality: "REAL", Lead: "shall west become primary?", Footer: "until noon"}}
}

func TestAMessageIsPostedOnceAlsoWhenTheAnswerWasLost(t *testing.T) {
	f := slackfake.New("C1")
	c := newChannel(t, f, time.Now, "")
	f.LoseAnswers(1)
	p := post("T1/C1", "chat/orders/r1/gate/decide/1")
	_, err := c.Deliver(context.Background(), p)
	require.Equal(t, dr.ClassRetry, dr.ClassOf(err), "%v", err)
	p.Tried = true
	at, err := c.Deliver(context.Background(), p)
	require.NoError(t, err)
	require.Len(t, f.Messages("C1"), 1)
	p.Receipt, p.Card.Lead = at, "1 of 2"
	_, err = c.Deliver(context.Background(), p)
	require.NoError(t, err)
	require.Len(t, f.Messages("C1"), 1)
	require.Contains(t, f.Messages("C1")[0].Line(), "1 of 2")
	require.Equal(t, 2, f.Messages("C1")[0].Edits)
}

func TestAMessageThatSomebodyDeletedIsPostedAgain(t *testing.T) {
	f := slackfake.New("C1")
	c := newChannel(t, f, time.Now, "")
	p := post("T1/C1", "k")
	p.Receipt = []byte(`{"channel":"C1","ts":"1.1"}`)
	_, err := c.Deliver(context.Background(), p)
	require.NoError(t, err)
	require.Len(t, f.Messages("C1"), 1)
}

func TestATargetThatIsNotThereIsRefusedForGood(t *testing.T) {
	f := slackfake.New("C1")
	c := newChannel(t, f, time.Now, "")
	_, err := c.Deliver(context.Background(), post("T1/C404", "k"))
	require.Equal(t, dr.ClassRefuse, dr.ClassOf(err))
	f.Down(true)
	_, err = c.Deliver(context.Background(), post("T1/C1", "k"))
	require.Equal(t, dr.ClassRetry, dr.ClassOf(err), "what may go away is tried again")
}

// TestTextFromToolsIsNoMarkup: nothing from outside becomes a link, a mention,
// a code block's end or a heading, and nothing is cut in the middle.
func TestTextFromToolsIsNoMarkup(t *testing.T) {
	f := slackfake.New("C1")
	c := newChannel(t, f, time.Now, "")
	evil := "<!channel> <@UBEN> <https://evil.example|Approve> *bold* ``` & ~x~"
	p := post("T1/C1", "k")
	p.Card.Title, p.Card.Lead = evil, evil
	p.Card.Facts = []gateway.Fact{{Name: evil, Text: evil}}
	p.Card.Sites, p.Card.Statements, p.Card.Consequences, p.Card.Votes = p.Card.Facts, []string{evil}, []string{evil}, []string{evil}
	p.Card.Commands = []gateway.Phase{{Name: "promote", Steps: []gateway.Step{{Kind: dr.KindIrreversible, Title: evil, Commands: []string{evil}}}}}
	p.Card.Buttons = []gateway.Button{{Verb: dr.VerbApprove, Label: "Approve", Confirm: evil}}
	_, err := c.Deliver(context.Background(), p)
	require.NoError(t, err)
	m := f.Messages("C1")[0]
	require.NotContains(t, string(m.Blocks), `"mrkdwn"`, "no element in which Slack looks for markup")
	for _, kind := range []string{`"type":"user"`, `"type":"link"`, `"type":"broadcast"`} {
		require.NotContains(t, string(m.Blocks), kind)
	}
	require.Contains(t, m.Text, "&lt;!channel&gt;")
	require.NotContains(t, m.Text, "<")
	require.Contains(t, m.Line(), evil, "what it says is shown as it is")
}

func TestCommandsThatAreTooLongAreLeftOutWholeAndTheDigestSaysSo(t *testing.T) {
	f := slackfake.New("C1")
	c := newChannel(t, f, time.Now, "")
	p := post("T1/C1", "k")
	p.Card.Digest, p.Card.System = strings.Repeat("ab", 32), "orders"
	long := strings.Repeat("x", 5000)
	p.Card.Commands = []gateway.Phase{{Name: "prepare", Steps: []gateway.Step{
		{Kind: dr.KindRead, Title: "Read", Commands: []string{"psql -c read"}},
		{Kind: dr.KindChange, Title: "Change", Commands: []string{long}},
		{Kind: dr.KindIrreversible, Title: "Promote", Commands: []string{long}},
	}}}
	_, err := c.Deliver(context.Background(), p)
	require.NoError(t, err)
	line := f.Messages("C1")[0].Line()
	require.Contains(t, line, "Only irreversible commands are shown here")
	require.Equal(t, 1, strings.Count(line, long))
	p.Card.Commands[0].Steps[2].Commands = []string{long + long}
	p.Key = "k2"
	_, err = c.Deliver(context.Background(), p)
	require.NoError(t, err)
	line = f.Messages("C1")[1].Line()
	require.Contains(t, line, "too long to be shown here")
	require.Contains(t, line, p.Card.Digest)
	require.NotContains(t, line, "xxxx")
}

// clock is a time that goes on only when everybody sleeps, and then to the
// first who wakes.
type clock struct {
	mu      sync.Mutex
	now     time.Time
	awake   int
	waiting map[chan struct{}]time.Time
}

func (c *clock) Now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.now }

func (c *clock) sleep(_ context.Context, d time.Duration) error {
	wake := make(chan struct{})
	c.mu.Lock()
	c.waiting[wake] = c.now.Add(d)
	c.rest()
	c.mu.Unlock()
	<-wake
	return nil
}

// done says that one of those who are awake has ended.
func (c *clock) done() { c.mu.Lock(); defer c.mu.Unlock(); c.rest() }

func (c *clock) rest() {
	c.awake--
	if c.awake > 0 || len(c.waiting) == 0 {
		return
	}
	first := time.Time{}
	for _, t := range c.waiting {
		if first.IsZero() || t.Before(first) {
			first = t
		}
	}
	c.now = first
	for wake, t := range c.waiting {
		if !t.After(first) {
			delete(c.waiting, wake)
			c.awake++
			close(wake)
		}
	}
}

// TestTwoHundredGatesAreToldWithinSlacksLimits opens two hundred gates at once,
// in one channel and in ten, and prints how long Slack's limits make that last.
func TestTwoHundredGatesAreToldWithinSlacksLimits(t *testing.T) {
	for _, channels := range []int{1, 10} {
		var names []string
		for i := range channels {
			names = append(names, fmt.Sprintf("C%d", i))
		}
		at := &clock{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), awake: 200, waiting: map[chan struct{}]time.Time{}}
		f := slackfake.New(names...)
		f.Now = at.Now
		c := newChannel(t, f, at.Now, "")
		slack.SleepWith(c, at.sleep)
		began := at.Now()
		var all sync.WaitGroup
		failed := make(chan error, 200)
		for i := range 200 {
			all.Go(func() {
				defer at.done()
				_, err := c.Deliver(context.Background(), post("T1/"+names[i%channels], fmt.Sprintf("k%d", i)))
				failed <- err
			})
		}
		all.Wait()
		close(failed)
		for err := range failed {
			require.NoError(t, err)
		}
		n := 0
		for _, name := range names {
			n += len(f.Messages(name))
		}
		require.Equal(t, 200, n)
		t.Logf("200 gates in %d channels: told within %s of Slack's time, %d calls were asked to wait", channels, at.Now().Sub(began), f.Limited())
	}
}

func TestTheChannelsSettingsAreReadStrictly(t *testing.T) {
	t.Setenv("T_TOKEN", slackfake.Token)
	t.Setenv("T_SECRET", slackfake.SigningSecret)
	path := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(path, []byte(slackfake.Token), 0o644))
	for text, want := range map[string]string{
		"token: {env: T_TOKEN}":                                                             "name either signing_secret",
		"token: {env: T_TOKEN}\nsecret: x":                                                  `has no field "secret"`,
		"token: {env: T_NONE}\nsigning_secret: {env: T_SECRET}":                             "the environment variable T_NONE is not set",
		"token: xoxb-written-down\nsigning_secret: {env: T_SECRET}":                         "must be a mapping",
		"token: {file: " + path + "}\nsigning_secret: {env: T_SECRET}":                      "can be read by others",
		"token: {env: T_TOKEN, file: x}\nsigning_secret: {env: T_SECRET}":                   "exactly one of env and file",
		"token: {env: T_TOKEN}\nsigning_secret: {env: T_SECRET}\napp_token: {env: T_TOKEN}": "name either signing_secret",
	} {
		node, err := inventory.Document("chatops.yaml", "channels.slack", []byte(text))
		require.NoError(t, err)
		_, err = slack.New(node, &gateway.Gateway{Now: time.Now})
		require.ErrorContains(t, err, want, text)
		require.NotContains(t, err.Error(), "written-down", "a secret is never repeated")
	}
}
