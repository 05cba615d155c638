package web

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/gateway"
)

//go:embed pages.html
var pagesText string

//go:embed style.css
var styleText []byte

// pages escapes everything by its context: cards hold text from outside.
var pages = template.Must(template.New("pages").Funcs(template.FuncMap{
	"time": dr.TimeText,
	"word": func(k dr.Kind) string { return k.Word() },
}).Parse(pagesText))

// view is what a page is made of.
type view struct {
	Title string
	// Account is who has signed in; "" for nobody.
	Account string
	// Refresh is after how many seconds the page fetches itself; 0 for never.
	Refresh int
	// Back is where a sign-in leads.
	Back string
	// Note is one sentence on top; Good says that it is good news.
	Note      string
	Good      bool
	Next      string
	Board     []boardLine
	Page      gateway.Page
	Questions []question
}

type boardLine struct{ System, Line string }

type question struct {
	Card    gateway.Card
	Choices []choice
}

// choice is a button with its sealed form.
type choice struct {
	gateway.Button
	Slip string
}

func (c *Channel) show(w http.ResponseWriter, status int, name string, v view) {
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, name, v); err != nil {
		http.Error(w, "the page cannot be written", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}

// problem says in one sentence what went wrong and what to do.
func (c *Channel) problem(w http.ResponseWriter, r *http.Request, status int, err error) {
	s, _ := c.who(r)
	e := dr.AsError(err, "web")
	c.show(w, status, "answer", view{Title: "Nothing was done", Account: s.Account, Note: dr.CleanLine(e.Text), Next: dr.CleanLine(e.Next)})
}

func style(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "max-age=3600")
	_, _ = w.Write(styleText)
}
