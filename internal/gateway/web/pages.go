package web

import (
	"crypto/rand"
	"net/http"
	"slices"
	"time"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/gateway"
	"github.com/switchback-dr/switchback/internal/gateway/wire"
)

// formFor is how long a form that was shown can be sent.
const formFor = 30 * time.Minute

// refreshEvery is how often a page that is only read fetches itself, in
// seconds.
const refreshEvery = 5

// board lists every system with what runs.
func (c *Channel) board(w http.ResponseWriter, r *http.Request) {
	s, ok := c.mayRead(w, r)
	if !ok {
		return
	}
	v := view{Title: "Procedures", Account: s.Account, Refresh: refreshEvery}
	for _, name := range c.systems {
		v.Board = append(v.Board, boardLine{name, c.core.Line(r.Context(), name)})
	}
	c.show(w, http.StatusOK, "board", v)
}

// system shows one system; it decides nothing.
func (c *Channel) system(w http.ResponseWriter, r *http.Request) {
	s, ok := c.mayRead(w, r)
	if !ok {
		return
	}
	p, err := c.core.Page(r.Context(), r.PathValue("system"))
	if err != nil {
		c.problem(w, r, statusOf(err), err)
		return
	}
	title := p.Title
	if title == "" {
		title = p.System
	}
	slices.Reverse(p.Events) // the newest first: a telephone shows the top
	c.show(w, http.StatusOK, "system", view{Title: title, Account: s.Account, Refresh: refreshEvery, Page: p})
}

// slip is what a form brings back. It is sealed: nobody but the one it was
// shown to can send it, and nothing in it can be changed. That is also what
// keeps other sites from sending it (CSRF).
type slip struct {
	Session string      `json:"s"`
	ID      string      `json:"i"`
	Verb    dr.Verb     `json:"v"`
	Ref     gateway.Ref `json:"r"`
	// Needs says that a reason must be written.
	Needs bool `json:"n,omitempty"`
}

const slipPurpose = "decide"

// decidePage shows each open question with its forms. It does not refresh
// itself: somebody writes here.
func (c *Channel) decidePage(w http.ResponseWriter, r *http.Request) {
	c.decideView(w, r, r.PathValue("system"), "")
}

func (c *Channel) decideView(w http.ResponseWriter, r *http.Request, system, note string) {
	s, ok := c.who(r)
	if !ok {
		c.show(w, http.StatusUnauthorized, "signin", view{Title: "Sign in to decide", Back: r.URL.RequestURI()})
		return
	}
	p, err := c.core.Page(r.Context(), system)
	if err != nil {
		c.problem(w, r, statusOf(err), err)
		return
	}
	v := view{Title: "Decide: " + system, Account: s.Account, Page: p, Note: note}
	for _, card := range p.Cards {
		if len(card.Buttons) > 0 {
			v.Questions = append(v.Questions, question{card, c.choices(s, card)})
		}
	}
	c.show(w, http.StatusOK, "decide", v)
}

// choices makes a form of each button. Its ID makes the decision one, however
// often the form is sent.
func (c *Channel) choices(s session, card gateway.Card) []choice {
	var out []choice
	for _, b := range card.Buttons {
		token := c.seal.Seal(slipPurpose, c.now().Add(formFor), slip{s.ID, rand.Text(), b.Verb, b.Ref, b.NeedsReason})
		out = append(out, choice{b, token})
	}
	return out
}

// decide takes a form. It is the only way to decide here, and it is a POST.
func (c *Channel) decide(w http.ResponseWriter, r *http.Request) {
	s, ok := c.who(r)
	if !ok {
		c.problem(w, r, http.StatusUnauthorized, dr.Refuse("sign_in", "nothing was sent: you are not signed in any more").WithNext("sign in and decide again"))
		return
	}
	var f slip
	err := c.seal.Open(slipPurpose, r.PostFormValue("slip"), c.now(), &f)
	if err == nil && f.Session != s.ID {
		err = dr.Refuse("forged", "this form was shown to somebody else")
	}
	switch {
	case dr.HasCode(err, "too_old"):
		c.problem(w, r, http.StatusConflict, dr.Refuse("too_old", "nothing was sent: this form is too old").WithNext("open it again and read what stands there now"))
		return
	case err != nil:
		wire.Peek(r.PostFormValue("slip"), &f)
		c.core.Forged(Name, f.Ref.System, "a form was sent that was not shown to "+s.Account)
		c.problem(w, r, http.StatusForbidden, dr.Refuse("forged", "nothing was sent: this form was not made here for you"))
		return
	case r.PostFormValue("sure") != "yes":
		c.problem(w, r, http.StatusBadRequest, dr.Refuse("confirm", "nothing was sent: confirm that you have read it"))
		return
	case f.Needs && dr.CleanLine(r.PostFormValue("reason")) == "":
		c.problem(w, r, http.StatusBadRequest, dr.Refuse("reason", "nothing was sent: say why, it stands in the report"))
		return
	}
	a := c.core.Decide(r.Context(), gateway.Intent{
		Channel: Name, Account: s.Account, ID: f.ID, Verb: f.Verb, Ref: f.Ref, Reason: dr.CleanLine(r.PostFormValue("reason")),
	})
	v := view{Title: "Sent", Account: s.Account, Note: a.Text, Good: a.Counted, Page: gateway.Page{System: f.Ref.System}}
	if !a.Counted {
		v.Title = "Not counted"
	}
	c.show(w, http.StatusOK, "answer", v)
}

// follow opens a signed link from a card. It only leads to the page: the link
// itself decides nothing, and the page says when it was for another plan.
func (c *Channel) follow(w http.ResponseWriter, r *http.Request) {
	var ref gateway.Ref
	err := c.seal.Open(linkPurpose, r.PathValue("token"), c.now(), &ref)
	switch {
	case dr.HasCode(err, "too_old"):
		c.problem(w, r, http.StatusGone, dr.Refuse("too_old", "this link is too old").WithNext("open the board and read what is asked now"))
		return
	case err != nil:
		wire.Peek(r.PathValue("token"), &ref)
		c.core.Forged(Name, ref.System, "a link that was not made here was opened")
		c.problem(w, r, http.StatusForbidden, dr.Refuse("forged", "this link was not made here, or it was changed"))
		return
	}
	c.decideView(w, r, ref.System, c.staleNote(r, ref))
}

// staleNote says that what is asked now is not what the link was sent for.
func (c *Channel) staleNote(r *http.Request, ref gateway.Ref) string {
	if _, ok := c.who(r); !ok {
		return ""
	}
	p, err := c.core.Page(r.Context(), ref.System)
	if err != nil {
		return "" // the page itself will say so
	}
	for _, card := range p.Cards {
		for _, b := range card.Buttons {
			if b.Ref == ref {
				return ""
			}
		}
	}
	return "The message that led here asked something else, which is over. Read what is asked now."
}

func statusOf(err error) int {
	switch {
	case dr.HasCode(err, "unknown_system"):
		return http.StatusNotFound
	case dr.ClassOf(err) == dr.ClassRetry:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}
