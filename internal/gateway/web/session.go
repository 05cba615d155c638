package web

import (
	"net/http"
	"time"

	"github.com/switchback-dr/switchback/dr"
)

// The cookies.
const (
	sessionCookie = "switchback"
	attemptCookie = "switchback_signin"
)

// session is somebody who has signed in. It is kept in the cookie alone, so
// that every gateway with the same key knows it.
type session struct {
	ID      string `json:"i"`
	Account string `json:"a"`
}

// setCookie sets a cookie, or removes it when length is 0. Lax: people come
// from links in chats.
func (c *Channel) setCookie(w http.ResponseWriter, name, value string, length time.Duration) {
	age := int(length / time.Second)
	if age == 0 {
		age = -1
	}
	//nolint:gosec // Secure is unset on this machine alone: public_url must be https elsewhere
	http.SetCookie(w, &http.Cookie{
		Name: c.cookieName(name), Value: value, Path: "/", MaxAge: age,
		HttpOnly: true, Secure: c.base.Scheme == "https", SameSite: http.SameSiteLaxMode,
	})
}

// cookieName binds a cookie to this host alone where the browser can (RFC
// 6265bis, the __Host- prefix).
func (c *Channel) cookieName(name string) string {
	if c.base.Scheme == "https" {
		return "__Host-" + name
	}
	return name
}

func (c *Channel) openCookie(r *http.Request, name string, v any) error {
	cookie, err := r.Cookie(c.cookieName(name))
	if err != nil {
		return dr.Refuse("no_cookie", "you are not signed in")
	}
	return c.seal.Open(name, cookie.Value, c.now(), v)
}

// who gives who has signed in.
func (c *Channel) who(r *http.Request) (session, bool) {
	var s session
	err := c.openCookie(r, sessionCookie, &s)
	return s, err == nil && s.Account != ""
}

// mayRead sends people to sign in where reading needs it.
func (c *Channel) mayRead(w http.ResponseWriter, r *http.Request) (session, bool) {
	s, ok := c.who(r)
	if !ok && !c.open {
		c.show(w, http.StatusUnauthorized, "signin", view{Title: "Sign in", Back: r.URL.RequestURI()})
		return s, false
	}
	return s, true
}

func (c *Channel) signOut(w http.ResponseWriter, r *http.Request) {
	c.setCookie(w, sessionCookie, "", 0)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}
