package cli

import (
	"context"
	"strings"

	"github.com/switchback-dr/switchback/dr"
)

// answers lets the person at the terminal decide an open gate while the run is
// followed. Others may decide it meanwhile, elsewhere.
type answers struct {
	id identity
	// lines is nil until the first gate was shown: nothing that was typed
	// before can be an answer.
	lines chan string
	// open is the run's status with the gate that was shown last; nil when no
	// gate is open.
	open *dr.Status
}

// mayAnswer says whether there is a person at the terminal whom we know.
func (f *follower) mayAnswer() bool {
	return f.a.AsksPeople && f.a.ShowsPeople && !f.in.json && !f.in.noWait && f.answers.id.person != ""
}

// offer asks for the decision of the gate whose plan was just shown.
func (f *follower) offer(st dr.Status) {
	f.answers.open = nil
	if st.Gate == nil || !f.mayAnswer() {
		return
	}
	f.answers.open = &st
	f.screen.line("To approve as " + f.answers.id.person + ", type the first 12 digits of the digest; to reject, type reject. Others may decide meanwhile.")
	if f.answers.lines != nil {
		return
	}
	f.answers.lines = make(chan string)
	go func(lines chan<- string) {
		for {
			l, err := readLine(f.a.Stdin)
			if err != nil {
				return // nobody answers any more; the gate stays open
			}
			lines <- l
		}
	}(f.answers.lines)
}

// rest waits until the next look and takes what is typed meanwhile.
func (f *follower) rest(ctx context.Context) error {
	if f.answers.lines == nil {
		return f.a.Sleep(ctx, f.in.every)
	}
	sleep, cancel := context.WithCancel(ctx)
	defer cancel()
	over := make(chan error, 1)
	go func() { over <- f.a.Sleep(sleep, f.in.every) }()
	select {
	case err := <-over:
		return err
	case typed := <-f.answers.lines:
		f.screen.line(f.answer(ctx, strings.TrimSpace(typed)))
		return ctx.Err()
	}
}

// answer sends what was typed as a decision and gives the sentence to show.
func (f *follower) answer(ctx context.Context, typed string) string {
	st := f.answers.open
	if st == nil {
		return "no gate is open now: nothing was decided"
	}
	d := dr.Decision{Decision: dr.VerbApprove, Gate: st.Gate.Gate, Occurrence: st.Gate.Occurrence, Digest: st.Gate.Digest}
	switch {
	case typed == string(dr.VerbReject):
		d.Decision = dr.VerbReject
	case !dr.DigestMatches(st.Gate.Digest, typed):
		return "nothing was approved: what was typed is not the digest of this plan"
	}
	err := f.a.signDecision(&d, *st, f.answers.id)
	text := ""
	if err == nil {
		text, err = f.s.send(ctx, *st, d)
	}
	if err != nil {
		return err.Error()
	}
	return text
}
