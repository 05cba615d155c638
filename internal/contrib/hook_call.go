package contrib

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/inventory"
)

// callArgs are a signed HTTP call.
type callArgs struct {
	Name   string `json:"name"`
	Method string `json:"method"`
	URL    string `json:"url"`
	Body   string `json:"body"`
	Check  string `json:"check,omitempty"`
	CA     string `json:"ca,omitempty"`
	// Key and Bearer name credentials.
	Key    string `json:"key"`
	Bearer string `json:"bearer,omitempty"`
	// Limit is in seconds, for the call and each check.
	Limit int `json:"limit"`
}

// hookEvent is what a call tells when the inventory gives no body.
type hookEvent struct {
	Schema    int            `json:"schema"`
	System    string         `json:"system"`
	Procedure dr.Procedure   `json:"procedure"`
	Mode      dr.Mode        `json:"mode,omitempty"`
	Phase     dr.Phase       `json:"phase"`
	When      inventory.When `json:"when"`
	From      string         `json:"from"`
	To        string         `json:"to"`
	Hook      string         `json:"hook"`
}

func (e hookEvent) text() string {
	raw, err := dr.Canonical(e)
	if err != nil {
		panic(err) // texts and a number always have a form
	}
	return string(raw)
}

func (a callArgs) check() error {
	if a.Method == "" || hostOf(a.URL) == "" || a.Key == "" || a.Limit <= 0 {
		return fmt.Errorf("%s has no method, address, key or time limit", a.Name)
	}
	return nil
}

// commands shows the request; the signature, which differs each time, and
// secrets stand there by reference.
func (a callArgs) commands() []dr.Command {
	lines := []string{a.Method + " " + a.URL, signatureHeader + ": v1=<HMAC with the credential " + a.Key + ">"}
	if a.Bearer != "" {
		lines = append(lines, "Authorization: Bearer <credential "+a.Bearer+">")
	}
	return []dr.Command{{Host: hostOf(a.URL), SQL: strings.Join(append(lines, "", a.Body), "\n")}}
}

// maxAnswer bounds how much of an answer is read; answerTail how much of it a
// sentence repeats.
const (
	maxAnswer  = 64 * 1024
	answerTail = 300
)

// answer is a complete answer to a call.
type answer struct {
	status int
	body   string
}

// send sends one signed request. sent says whether any of it may have reached
// the other side when there is an error.
func (a callArgs) send(ctx context.Context, env kit.Env, method, address, body string) (got answer, sent bool, err error) {
	// The transport may still be at work when the time is over.
	var connected atomic.Bool
	ctx, cancel := context.WithTimeout(ctx, time.Duration(a.Limit)*time.Second)
	defer cancel()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader([]byte(body)))
	if err != nil {
		return answer{}, false, dr.Refuse("hook_url", "the hook %s has no usable address", a.Name)
	}
	if err := a.sign(ctx, env, req, body); err != nil {
		return answer{}, false, err
	}
	client, err := a.client(env)
	if err != nil {
		return answer{}, false, err
	}
	defer client.CloseIdleConnections()
	res, err := client.Do(req)
	if err != nil {
		return answer{}, connected.Load(), errors.New(plainly(err))
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return answer{}, true, errors.New("its answer was cut off")
	}
	return answer{res.StatusCode, string(raw)}, true, nil
}

// plainly takes the address, which is said anyway, out of an error.
func plainly(err error) string {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return dr.Clip(dr.CleanLine(err.Error()), 200)
}

// tail gives the end of an answer for a sentence.
func (g answer) tail() string {
	text := []rune(dr.CleanLine(strings.TrimSpace(g.body)))
	if len(text) == 0 {
		return ""
	}
	return ": " + string(text[max(len(text)-answerTail, 0):])
}

// callProbe asks the check. Without one nothing can be read back: then an
// attempt that was taken over from another worker may have called already.
func callProbe(ctx context.Context, env kit.Env, a callArgs) kit.Effect {
	if a.Check == "" {
		why := dr.Hold("hook_no_check", "the hook %s has no check that could tell", a.Name).WithNext("look at the service; retry calls it again, with another idempotency key")
		if env.Resumed {
			return kit.Effect{Text: "a worker that was cut off may have called " + hostOf(a.URL) + ", and there is no check that could tell", Never: why}
		}
		return kit.Effect{State: kit.EffectNotDone, Text: "nothing says that " + hostOf(a.URL) + " was called", Never: why}
	}
	got, _, err := a.send(ctx, env, http.MethodGet, a.Check, "")
	switch {
	case err != nil:
		return kit.NotKnown("the check of %s could not be asked: %s", a.Name, dr.AsError(err, "hook").Text)
	case got.status == http.StatusOK:
		return kit.Done("the check of %s says that its effect is there", a.Name)
	case got.status == http.StatusNotFound:
		return kit.NotDone("the check of %s says that its effect is not there", a.Name)
	}
	return kit.NotKnown("the check of %s answered %d, which is neither 200 nor 404%s", a.Name, got.status, got.tail())
}

// call sends it. What certainly did not reach the other side is tried again
// until the time is over; nothing is ever sent twice.
func call(ctx context.Context, env kit.Env, a callArgs) (kit.Job, error) {
	end := env.Now().Add(time.Duration(a.Limit) * time.Second)
	for {
		got, sent, err := a.send(ctx, env, a.Method, a.URL, a.Body)
		switch {
		case err == nil:
			return a.judge(got)
		case sent:
			return kit.Job{}, dr.HoldUnknown("hook_lost", "the hook %s was sent to %s, and there is no answer: %s", a.Name, hostOf(a.URL), err)
		case dr.ClassOf(err) == dr.ClassRefuse:
			return kit.Job{}, err
		case !env.Now().Before(end) || env.Sleep(ctx, 500*time.Millisecond) != nil:
			de := dr.Hold("hook_unreachable", "the hook %s could not be sent to %s: %s", a.Name, hostOf(a.URL), err).WithNext("see that the service runs, then retry")
			de.NotSent = true
			return kit.Job{}, de
		}
	}
}

// judge takes a complete answer: 2xx is yes, 4xx no. Anything else, for example
// of a gateway in between, leaves open what happened.
func (a callArgs) judge(got answer) (kit.Job, error) {
	said := fmt.Sprintf("%s answered %d", hostOf(a.URL), got.status)
	switch {
	case got.status >= 200 && got.status <= 299:
		j := kit.Job{Stdout: got.body}
		if a.Check == "" {
			j.Proof = said
		}
		return j, nil
	case got.status >= 400 && got.status <= 499:
		return kit.Job{}, dr.Hold("hook_refused", "the hook %s was refused: %s%s", a.Name, said, got.tail()).WithNext("read the answer; then retry")
	}
	return kit.Job{}, dr.HoldUnknown("hook_unclear", "the hook %s has no clear answer: %s%s", a.Name, said, got.tail())
}

var callHook = kit.Spec[callArgs]{
	Name: "hook.call", Kind: dr.KindChange, Check: callArgs.check, Commands: callArgs.commands,
	Doc:   "Makes a signed HTTP call of the operator's own. 2xx means done, or its check decides (200 there, 404 not there). An answer that is lost is unknown; nothing is sent twice.",
	Probe: callProbe, Call: call, ActWithin: time.Hour, Settle: 5 * time.Second,
	Guard: func(context.Context, kit.Env, callArgs) (kit.HostTime, error) { return 0, nil },
	ProofText: func(a callArgs) string {
		if a.Check == "" {
			return "the answer's status is 2xx"
		}
		return "GET " + a.Check + " answers 200"
	},
}
