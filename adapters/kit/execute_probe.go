package kit

import (
	"context"
	"time"
)

// lastLook bounds the one look after a step's time is over.
const lastLook = 10 * time.Second

// settle probes until the effect is there, or its settling time is over. When
// the step's own time is over it looks once more: the state that people read on
// hold is then that of the end, and not "no answer".
func (x *execution) settle(ctx context.Context) Effect {
	poll, settle := x.a.Timing()
	end := x.env.Now().Add(settle)
	env := x.ahead.answering(x.env)
	for {
		e := x.a.Probe(ctx, env, x.st.Args)
		// What was not asked now is too old for another look.
		x.ahead.forget()
		env = x.env
		if e.State == EffectDone || e.Never != nil || !x.env.Now().Before(end) {
			return e
		}
		if e.Progress != nil {
			x.env.Progress(*e.Progress)
		}
		if x.env.Sleep(ctx, poll) != nil {
			if x.whole.Err() != nil {
				return e
			}
			last, cancel := context.WithTimeout(x.whole, lastLook)
			defer cancel()
			return x.a.Probe(last, x.env, x.st.Args)
		}
	}
}

// probeKnown repeats an unknown probe for a while, and says whether it did.
func (x *execution) probeKnown(ctx context.Context) (e Effect, again bool) {
	poll, _ := x.a.Timing()
	end := x.env.Now().Add(unknownPatience)
	for ; ; again = true {
		x.ahead.forget()
		e = x.a.Probe(ctx, x.ahead.noting(x.env), x.st.Args)
		if e.State != EffectUnknown || e.Never != nil || !x.env.Now().Before(end) {
			return e, again
		}
		x.env.Progress(Progress{Text: "the state is unknown, asking again: " + e.Text, At: x.env.Now()})
		if x.env.Sleep(ctx, max(poll, 200*time.Millisecond)) != nil {
			return e, again
		}
	}
}
