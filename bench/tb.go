package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
)

// scene is what the harness of the end-to-end tests asks of a test, for a
// program: directories that go away, things to do at the end, and a way to give
// up. It is a testing.TB, so that the benchmark starts the very same processes
// in the very same way.
type scene struct {
	testing.TB // only for the method that cannot be written outside of testing

	name   string
	ctx    context.Context
	dir    string
	say    func(string)
	mu     sync.Mutex
	ends   []func()
	dirs   int
	failed bool
}

// givenUp is what Fatalf panics with; play turns it into an error.
type givenUp struct{ why string }

// play runs one part with a scene of its own and cleans up after it.
func play(ctx context.Context, name string, say func(string), part func(*scene) error) (err error) {
	dir, err := os.MkdirTemp("", "sb")
	if err != nil {
		return fmt.Errorf("no directory for %s: %w", name, err)
	}
	// Other users' programs (PostgreSQL's) pass through it.
	if err := os.Chmod(dir, 0o755); err != nil {
		return fmt.Errorf("no directory for %s: %w", name, err)
	}
	s := &scene{name: name, ctx: ctx, dir: dir, say: say}
	defer func() {
		if r := recover(); r != nil {
			g, ours := r.(givenUp)
			if !ours {
				s.cleanUp()
				panic(r)
			}
			err = fmt.Errorf("%s: %s", name, g.why)
		}
		s.cleanUp()
	}()
	if err := part(s); err != nil {
		s.failed = true
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func (s *scene) cleanUp() {
	for {
		s.mu.Lock()
		if len(s.ends) == 0 {
			s.mu.Unlock()
			break
		}
		end := s.ends[len(s.ends)-1]
		s.ends = s.ends[:len(s.ends)-1]
		s.mu.Unlock()
		end()
	}
	_ = os.RemoveAll(s.dir)
}

func (s *scene) Name() string             { return s.name }
func (s *scene) Helper()                  {}
func (s *scene) Failed() bool             { return s.failed }
func (s *scene) Context() context.Context { return s.ctx }

func (s *scene) Log(args ...any)                 { s.say(fmt.Sprint(args...)) }
func (s *scene) Logf(format string, args ...any) { s.say(fmt.Sprintf(format, args...)) }

func (s *scene) Fatal(args ...any)                 { s.giveUp(fmt.Sprint(args...)) }
func (s *scene) Fatalf(format string, args ...any) { s.giveUp(fmt.Sprintf(format, args...)) }
func (s *scene) Errorf(format string, args ...any) { s.giveUp(fmt.Sprintf(format, args...)) }
func (s *scene) FailNow()                          { s.giveUp("gave up") }

func (s *scene) giveUp(why string) {
	s.failed = true
	panic(givenUp{why})
}

func (s *scene) Cleanup(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ends = append(s.ends, f)
}

func (s *scene) TempDir() string {
	s.mu.Lock()
	s.dirs++
	dir := filepath.Join(s.dir, strconv.Itoa(s.dirs))
	s.mu.Unlock()
	if err := os.Mkdir(dir, 0o755); err != nil {
		s.giveUp(err.Error())
	}
	return dir
}
