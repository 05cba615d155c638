package mattermost

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/gateway"
)

// posted delivers the asking card and gives what stands there.
func (d *desk) posted() post {
	d.t.Helper()
	_, err := d.channel.Deliver(d.t.Context(), askingPost())
	require.NoError(d.t, err)
	return d.last()
}

func TestAClickOpensAFormAndTheFormDecidesOnce(t *testing.T) {
	d := newDesk(t)
	p := d.posted()
	status, answer := d.json("/mattermost/action", d.clickBody(p, 0, anna))
	require.Equal(t, 200, status)
	require.JSONEq(t, `{}`, answer)
	require.Empty(t, d.core.intents, "a click alone decides nothing: the form confirms it")
	form := d.dialogs[0]
	require.Equal(t, "Approve", form.Dialog.Title)
	require.Contains(t, form.Dialog.IntroductionText, "02e37a8dc1a7")
	for range 2 {
		status, answer = d.json("/mattermost/form", formBody(form, anna, "go\non"))
		require.Equal(t, 200, status)
		require.JSONEq(t, `{}`, answer)
	}
	first := d.core.intents[0]
	require.Equal(t, gateway.Intent{Channel: "mattermost", Account: "mattermost:" + anna, Place: place, ID: first.ID, Verb: dr.VerbApprove, Ref: ref, Reason: "go on"}, first)
	require.Equal(t, first, d.core.intents[1], "the same form sent again is the same decision")

	_, _ = d.json("/mattermost/action", d.clickBody(p, 1, anna))
	_, answer = d.json("/mattermost/form", formBody(d.dialogs[1], anna, "  "))
	require.Contains(t, answer, "Say why")
	require.Len(t, d.core.intents, 2)
	d.core.answer = gateway.Answer{Text: "break-glass refused: you have not the role"}
	_, answer = d.json("/mattermost/form", formBody(d.dialogs[1], anna, "nobody answers"))
	require.Contains(t, answer, "you have not the role", "a refusal is shown in the form")
}

func TestAClickWithoutOurTokenForThisPostAndChannelIsNobodys(t *testing.T) {
	d := newDesk(t)
	p := d.posted()
	second := askingPost()
	second.Key += "x"
	_, err := d.channel.Deliver(t.Context(), second)
	require.NoError(t, err)
	for name, spoil := range map[string]func(b map[string]any){
		"no token":            func(b map[string]any) { b["context"] = map[string]any{} },
		"a token that is not": func(b map[string]any) { b["context"] = map[string]any{"token": "e30.e30"} },
		"changed": func(b map[string]any) {
			b["context"] = map[string]any{"token": "f" + p.Props.Attachments[0].Actions[0].Integration.Context.Token[1:]}
		},
		"another post":    func(b map[string]any) { b["post_id"] = d.last().ID },
		"another channel": func(b map[string]any) { b["channel_id"] = other },
		"nobody":          func(b map[string]any) { b["user_id"] = "../../me" },
		"a form's token": func(b map[string]any) {
			b["context"] = map[string]any{"token": d.channel.seal.Seal(formPurpose, d.clock.Add(time.Hour), form{Person: anna})}
		},
	} {
		b := d.clickBody(p, 0, anna)
		spoil(b)
		status, _ := d.json("/mattermost/action", b)
		require.Equal(t, 401, status, name)
	}
	require.Len(t, d.core.forged, 7)
	require.Contains(t, d.core.forged, "orders: a click without a good token: it belongs to another post or channel", "the run that it names shows that somebody tried")
	require.Empty(t, d.dialogs)
	d.clock = d.clock.Add(buttonsFor + time.Minute)
	status, answer := d.json("/mattermost/action", d.clickBody(p, 0, anna))
	require.Equal(t, 200, status)
	require.Contains(t, answer, "too old")
	require.Empty(t, d.dialogs)
}

func TestAFormThatWasOpenedForSomebodyElseDecidesNothing(t *testing.T) {
	d := newDesk(t)
	p := d.posted()
	_, _ = d.json("/mattermost/action", d.clickBody(p, 0, anna))
	f := d.dialogs[0]
	b := formBody(f, mallory, "me")
	status, _ := d.json("/mattermost/form", b)
	require.Equal(t, 401, status, "its state is seen by clients and is bound to the person")
	b = formBody(f, anna, "me")
	b["channel_id"] = other
	status, _ = d.json("/mattermost/form", b)
	require.Equal(t, 401, status)
	b = formBody(f, anna, "me")
	b["state"] = "x" + f.Dialog.State
	status, _ = d.json("/mattermost/form", b)
	require.Equal(t, 401, status)
	require.Len(t, d.core.forged, 3)
	d.clock = d.clock.Add(formFor + time.Minute)
	_, answer := d.json("/mattermost/form", formBody(f, anna, "me"))
	require.Contains(t, answer, "too old")
	b = formBody(f, anna, "")
	b["cancelled"] = true
	_, _ = d.json("/mattermost/form", b)
	require.Empty(t, d.core.intents)
}

func TestAMessageIsPostedOnceEditedAndLosesItsButtonsAtTheEnd(t *testing.T) {
	d := newDesk(t)
	p := askingPost()
	d.swallow = 1
	_, err := d.channel.Deliver(t.Context(), p)
	require.Equal(t, dr.ClassRetry, dr.ClassOf(err), "the answer was lost")
	p.Tried = true
	receipt, err := d.channel.Deliver(t.Context(), p)
	require.NoError(t, err)
	require.Len(t, d.posts, 1, "the post of the first attempt is found")
	require.Len(t, d.last().Props.Attachments[0].Actions, 2)

	p.Receipt, p.Card.Buttons, p.Card.Lead = receipt, nil, "approved"
	_, err = d.channel.Deliver(t.Context(), p)
	require.NoError(t, err)
	require.Len(t, d.posts, 1)
	require.Empty(t, d.last().Props.Attachments)
	require.Contains(t, d.last().Message, "approved")

	delete(d.posts, d.last().ID)
	_, err = d.channel.Deliver(t.Context(), p)
	require.NoError(t, err)
	require.Len(t, d.posts, 1, "a message that somebody deleted is posted again")

	d.limit = 1
	_, err = d.channel.Deliver(t.Context(), p)
	require.Equal(t, dr.ClassRetry, dr.ClassOf(err))
	require.ErrorContains(t, err, "asks to wait")
	p.Place = "../users"
	_, err = d.channel.Deliver(t.Context(), p)
	require.Equal(t, dr.ClassRefuse, dr.ClassOf(err))
}

func TestAPostOfSomebodyElseWithOurKeyIsNotTakenForOurs(t *testing.T) {
	d := newDesk(t)
	p := askingPost()
	d.posts["imitationimitationimitatio"] = post{ID: "imitationimitationimitatio", UserID: mallory, ChannelID: place, Props: props{Key: p.Key}}
	p.Tried = true
	raw, err := d.channel.Deliver(t.Context(), p)
	require.NoError(t, err)
	require.NotContains(t, string(raw), "imitation")
}

func TestForeignTextHasNoMarkupAndMentionsNobody(t *testing.T) {
	text := markdown(askingPost().Card)
	require.Contains(t, text, "`@channel`")
	require.Contains(t, text, "`[free](http://evil.example.com)`")
	require.NotContains(t, text, "**none**")
	require.Contains(t, text, "````", "a fence in a command does not end the block")
	long := askingPost().Card
	long.Commands[0].Steps[0].Commands = []string{strings.Repeat("x", 20000)}
	text = markdown(long)
	require.Contains(t, text, "too long to stand here")
	require.NotContains(t, text, "xxxx")
	long.Facts[0].Text = strings.Repeat("@", 100)
	for range 100 {
		long.Statements = append(long.Statements, strings.Repeat("s", 1000))
	}
	require.LessOrEqual(t, len([]rune(markdown(long))), 16383)
}

func TestASlashCommandNeedsMattermostsTokenAndAnswersInTime(t *testing.T) {
	d := newDesk(t)
	f := url.Values{
		"token": {"slash-token"}, "team_id": {"t"}, "channel_id": {place}, "user_id": {anna}, "user_name": {"ben"}, "command": {"/dr"}, "text": {"status orders"},
		"trigger_id": {"tr1"}, "response_url": {d.http.URL + "/hooks/commands/x"},
	}
	status, answer := d.send("/mattermost/command", "application/x-www-form-urlencoded", f.Encode())
	require.Equal(t, 200, status)
	var got map[string]string
	require.NoError(t, json.Unmarshal([]byte(answer), &got))
	require.Equal(t, "ephemeral", got["response_type"])
	require.Contains(t, got["text"], "you said status orders")
	require.Equal(t, gateway.Asker{Channel: "mattermost", Account: "mattermost:" + anna, Place: place, ID: "command tr1"}, d.core.commands[0], "the ID counts, never the name")

	for _, token := range []string{"", "wrong"} {
		f.Set("token", token)
		status, _ = d.send("/mattermost/command", "application/x-www-form-urlencoded", f.Encode())
		require.Equal(t, 401, status)
	}
	require.Len(t, d.core.forged, 2)

	f.Set("token", "slash-token")
	d.core.hold = make(chan struct{})
	_, answer = d.send("/mattermost/command", "application/x-www-form-urlencoded", f.Encode())
	require.Contains(t, answer, "under way", "Temporal has not answered yet")
	close(d.core.hold)
	require.Eventually(t, func() bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		return len(d.later) == 1 && strings.Contains(d.later[0], "you said")
	}, 30*time.Second, 20*time.Millisecond, "the late answer follows")
	require.False(t, d.channel.own("https://evil.example.com/hooks"), "answers go to Mattermost alone")
}
