package slack

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	slackapi "github.com/slack-go/slack"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/gateway"
)

// answerIn is how long a request waits for its work: Slack wants an answer in
// three seconds and shows an error otherwise. The work goes on in the
// background.
const answerIn = 2 * time.Second

// Routes are the two addresses that the Slack app names.
func (c *Channel) Routes() map[string]http.Handler {
	if c.socket {
		return nil
	}
	return map[string]http.Handler{
		"POST /slack/actions": c.authentic(c.serveAction),
		"POST /slack/command": c.authentic(c.serveCommand),
	}
}

// authentic lets only requests in that Slack signed within five minutes.
func (c *Channel) authentic(next func(form url.Values)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, "the body is too large", http.StatusRequestEntityTooLarge)
			return
		}
		form, ferr := url.ParseQuery(string(body))
		v, err := slackapi.NewSecretsVerifier(r.Header, c.secret)
		if err == nil {
			_, _ = io.Copy(&v, bytes.NewReader(body))
			err = v.Ensure()
		}
		if err != nil {
			c.g.Forged(Name, claimedSystem(form), "Slack's signature is missing, wrong or old: "+err.Error())
			http.Error(w, "this request is not signed by Slack, or too old", http.StatusUnauthorized)
			return
		}
		if ferr != nil {
			http.Error(w, "this is no form", http.StatusBadRequest)
			return
		}
		next(form)
		w.WriteHeader(http.StatusOK)
	})
}

// claimedSystem reads which system a request is about that nobody vouches for:
// only to show in that system's report that somebody tried.
func claimedSystem(form url.Values) string {
	var cb slackapi.InteractionCallback
	if json.Unmarshal([]byte(form.Get("payload")), &cb) == nil {
		if ref, ok := refOf(cb); ok {
			return ref.System
		}
	}
	if words := strings.Fields(form.Get("text")); len(words) > 1 {
		return words[1]
	}
	return ""
}

func refOf(cb slackapi.InteractionCallback) (gateway.Ref, bool) {
	var ref gateway.Ref
	for _, a := range cb.ActionCallback.BlockActions {
		if a != nil && json.Unmarshal([]byte(a.Value), &ref) == nil {
			return ref, true
		}
	}
	var f form
	if json.Unmarshal([]byte(cb.View.PrivateMetadata), &f) == nil && f.Ref.System != "" {
		return f.Ref, true
	}
	return ref, false
}

func (c *Channel) serveAction(form url.Values) {
	var cb slackapi.InteractionCallback
	if json.Unmarshal([]byte(form.Get("payload")), &cb) != nil {
		return
	}
	c.interaction(cb)
}

func (c *Channel) serveCommand(form url.Values) {
	c.command(slackapi.SlashCommand{
		TeamID: form.Get("team_id"), ChannelID: form.Get("channel_id"), UserID: form.Get("user_id"),
		Command: form.Get("command"), Text: form.Get("text"), ResponseURL: form.Get("response_url"), TriggerID: form.Get("trigger_id"),
	})
}

// form is what a reason form carries from the click to its submission.
type form struct {
	Verb  dr.Verb     `json:"v"`
	Ref   gateway.Ref `json:"r"`
	Place string      `json:"p"`
	// Reply is where the answer goes.
	Reply string `json:"u"`
}

// interaction handles a click or a submitted form. Who it is, is what Slack
// says by ID; names are never read.
func (c *Channel) interaction(cb slackapi.InteractionCallback) {
	team := cb.User.TeamID
	if team == "" {
		team = cb.Team.ID
	}
	account := Name + ":" + team + "/" + cb.User.ID
	switch cb.Type {
	case slackapi.InteractionTypeBlockActions:
		for _, a := range cb.ActionCallback.BlockActions {
			c.click(cb, a, account)
		}
	case slackapi.InteractionTypeViewSubmission:
		var f form
		if json.Unmarshal([]byte(cb.View.PrivateMetadata), &f) != nil || !known(f.Verb) {
			return
		}
		in := gateway.Intent{
			Channel: Name, Account: account, Place: f.Place, ID: "view " + cb.View.ID, Verb: f.Verb, Ref: f.Ref, Reason: reasonOf(cb.View),
		}
		c.decide(in, f.Reply, cb.User.ID)
	default:
	}
}

func known(v dr.Verb) bool { return v == dr.VerbAcknowledge || slices.Contains(dr.Verbs(), v) }

func (c *Channel) click(cb slackapi.InteractionCallback, a *slackapi.BlockAction, account string) {
	var ref gateway.Ref
	if a == nil || json.Unmarshal([]byte(a.Value), &ref) != nil {
		return
	}
	place := cb.Team.ID + "/" + cb.Channel.ID
	if verb, ok := strings.CutPrefix(a.ActionID, reasonPrefix); ok && known(dr.Verb(verb)) {
		c.g.Later(answerIn, func(ctx context.Context) {
			c.askReason(ctx, cb.TriggerID, form{dr.Verb(verb), ref, place, cb.ResponseURL})
		})
		return
	}
	verb, ok := strings.CutPrefix(a.ActionID, actionPrefix)
	if !ok || !known(dr.Verb(verb)) {
		return
	}
	c.decide(gateway.Intent{
		Channel: Name, Account: account, Place: place, ID: "click " + cb.TriggerID + " " + a.ActionTs, Verb: dr.Verb(verb), Ref: ref,
	}, cb.ResponseURL, cb.User.ID)
}

func (c *Channel) decide(in gateway.Intent, reply, user string) {
	c.g.Later(answerIn, func(ctx context.Context) {
		a := c.g.Decide(ctx, in)
		c.answer(ctx, reply, in.Place, user, a)
	})
}

func (c *Channel) command(s slackapi.SlashCommand) {
	place := s.TeamID + "/" + s.ChannelID
	by := gateway.Asker{Channel: Name, Account: Name + ":" + s.TeamID + "/" + s.UserID, Place: place, ID: "command " + s.TriggerID}
	c.g.Later(answerIn, func(ctx context.Context) {
		c.answer(ctx, s.ResponseURL, place, s.UserID, c.g.Command(ctx, by, s.Text))
	})
}

// answer tells one person alone what became of it.
func (c *Channel) answer(ctx context.Context, reply, place, user string, a gateway.Answer) {
	blocks := []slackapi.Block{rich(slackapi.NewRichTextSection(text(dr.Clip(a.Text, maxBlock))))}
	if a.Card != nil {
		blocks = append(blocks, render(*a.Card)...)
	}
	options := []slackapi.MsgOption{slackapi.MsgOptionBlocks(blocks...), slackapi.MsgOptionText(dr.Clip(a.Text, 1000), true)}
	channel := placeChannel(place)
	var err error
	if strings.HasPrefix(reply, c.hooks) {
		_, _, err = c.api.PostMessageContext(ctx, channel, append(options, slackapi.MsgOptionResponseURL(reply, slackapi.ResponseTypeEphemeral))...)
	} else {
		_, err = c.api.PostEphemeralContext(ctx, channel, user, options...)
	}
	if err != nil {
		c.g.Log.Warn("a person could not be answered in Slack", "error", explain(err))
	}
}

// askReason opens the form in which a person writes why.
func (c *Channel) askReason(ctx context.Context, trigger string, f form) {
	meta, err := json.Marshal(f)
	if err != nil {
		return
	}
	label := strings.ToUpper(string(f.Verb[:1])) + strings.ReplaceAll(string(f.Verb[1:]), "-", " ")
	input := slackapi.NewPlainTextInputBlockElement(nil, "reason")
	input.Multiline, input.MaxLength = true, dr.MaxReason
	about := fmt.Sprintf("%s %s %s. Your reason stands in the report.", label, f.Ref.System, dr.ShortDigest(f.Ref.Digest)+f.Ref.Step)
	view := slackapi.ModalViewRequest{
		Type: slackapi.VTModal, Title: plain(label, 24), Submit: plain(label, 24), Close: plain("Back", 24), PrivateMetadata: string(meta), CallbackID: "dr-reason",
		Blocks: slackapi.Blocks{BlockSet: []slackapi.Block{
			slackapi.NewSectionBlock(plain(about, 3000), nil, nil),
			slackapi.NewInputBlock("reason", plain("Why?", 150), nil, input),
		}},
	}
	if _, err := c.api.OpenViewContext(ctx, trigger, view); err != nil {
		c.g.Log.Warn("the form for a reason could not be opened in Slack", "error", explain(err))
	}
}

func reasonOf(v slackapi.View) string {
	if v.State == nil {
		return ""
	}
	return strings.TrimSpace(v.State.Values["reason"]["reason"].Value)
}
