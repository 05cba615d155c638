// Package writer is a client that commits numbered rows through the client
// address and writes down what was acknowledged: the lab's witness of what a
// procedure cost those who use the system.
package writer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// Session is one connection of a client to the system.
type Session interface {
	// Commit writes the row with this number and commits it. The error
	// ErrRefused says for certain that it was not committed; any other error
	// leaves that open.
	Commit(ctx context.Context, number int64) error
	Close()
}

// ErrRefused is the error of a write that certainly was not committed.
var ErrRefused = errors.New("the write was refused")

// Dial opens a session through the client address.
type Dial func(ctx context.Context) (Session, error)

// Config describes a writer.
type Config struct {
	Dial Dial
	// Every is the time between the starts of two writes.
	Every time.Duration
	// Patience is how long a client waits for a connection or a commit;
	// default 2 s.
	Patience time.Duration
	// Record is the file that writes are appended to.
	Record string
}

// retryAfter is how long a client waits after a failed connection.
const retryAfter = 5 * time.Millisecond

// Writer is a running writer.
type Writer struct {
	Config
	file *os.File
	stop context.CancelFunc
	done chan struct{}
}

// Start begins to write, from number 1, until Close.
func Start(c Config) (*Writer, error) {
	if c.Patience == 0 {
		c.Patience = 2 * time.Second
	}
	f, err := os.OpenFile(c.Record, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("the writer cannot keep its record: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	w := &Writer{Config: c, file: f, stop: stop, done: make(chan struct{})}
	go w.run(ctx)
	return w, nil
}

// Close stops the writer and waits for it.
func (w *Writer) Close() error {
	w.stop()
	<-w.done
	return w.file.Close()
}

func (w *Writer) run(ctx context.Context) {
	defer close(w.done)
	var session Session
	defer func() {
		if session != nil {
			session.Close()
		}
	}()
	tick := time.NewTicker(w.Every)
	defer tick.Stop()
	for number := int64(1); ctx.Err() == nil; {
		if session == nil {
			if session = w.dial(ctx); session == nil {
				sleep(ctx, retryAfter)
				continue
			}
		}
		outcome := w.write(ctx, session, number)
		if outcome != Acknowledged {
			session.Close()
			session = nil
		}
		// A number is never used twice: a write without an answer may have
		// been committed.
		number++
		if outcome == Acknowledged {
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
	}
}

func (w *Writer) dial(ctx context.Context) Session {
	ctx, cancel := context.WithTimeout(ctx, w.Patience)
	defer cancel()
	s, err := w.Dial(ctx)
	if err != nil {
		return nil
	}
	return s
}

func (w *Writer) write(ctx context.Context, s Session, number int64) Outcome {
	ctx, cancel := context.WithTimeout(ctx, w.Patience)
	defer cancel()
	err := s.Commit(ctx, number)
	outcome := Unclear
	switch {
	case err == nil:
		outcome = Acknowledged
	case errors.Is(err, ErrRefused):
		outcome = Refused
	}
	_, _ = w.file.WriteString(Entry{number, time.Now(), outcome}.line())
	return outcome
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
