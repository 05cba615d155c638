package e2e

import (
	"fmt"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
)

// Held waits for a hold and gives its status.
func (s *Stage) Held() dr.Status {
	s.T.Helper()
	st := s.Await("a hold", func(st dr.Status) bool { return st.Hold != nil || st.Ending != nil || st.Gate != nil })
	require.NotNil(s.T, st.Hold, "%s: %s", st.State, st.Sentence)
	return st
}

// Answer answers a hold and waits until the answer is taken.
func (s *Stage) Answer(h *dr.HoldStatus, verb dr.Verb) {
	s.T.Helper()
	require.Contains(s.T, h.Options, verb)
	s.answer(h, verb)
	s.Await("the answer to the hold", func(now dr.Status) bool {
		return now.Hold == nil || now.Hold.Step != h.Step || now.Hold.Attempt != h.Attempt
	})
}

func (s *Stage) answer(h *dr.HoldStatus, verb dr.Verb) {
	s.T.Helper()
	s.Signal(verb, fmt.Sprintf(`{"step":%q,"attempt":%d,"person":"ana"}`, h.Step, h.Attempt))
}
