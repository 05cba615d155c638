package e2e

import (
	"testing"
	"time"
)

// pollEvery is the pause between two looks at a condition.
const pollEvery = 20 * time.Millisecond

// Await looks until done says yes, and fails the test with what was awaited
// and the last state seen when limit has passed.
func Await(t testing.TB, limit time.Duration, what string, done func() (ok bool, state string)) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for {
		ok, state := done()
		if ok {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("e2e: not within %s: %s; last seen: %s", limit, what, state)
		}
		time.Sleep(pollEvery)
	}
}
