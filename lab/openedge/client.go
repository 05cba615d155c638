package openedge

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/switchback-dr/switchback/lab/writer"
)

// session is a client's connection with a broker: a line of text each way. It
// is the lab's own protocol, because nobody needs ABL to try a procedure.
type session struct {
	net.Conn
	in *bufio.Reader
}

func connect(ctx context.Context, address string) (*session, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("no session at %s: %w", address, err)
	}
	s := &session{c, bufio.NewReader(c)}
	if _, err := c.Write([]byte("CLIENT\n")); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Dial opens a client's session.
func (*system) Dial(ctx context.Context, address string) (writer.Session, error) {
	return connect(ctx, address)
}

// ask sends a line and reads the answer.
func (s *session) ask(ctx context.Context, line string) (string, error) {
	until, ok := ctx.Deadline()
	if !ok {
		until = time.Time{}
	}
	if err := s.SetDeadline(until); err != nil {
		return "", err
	}
	stop := context.AfterFunc(ctx, func() { _ = s.SetDeadline(time.Now()) })
	defer stop()
	if _, err := s.Write([]byte(line + "\n")); err != nil {
		return "", err
	}
	answer, err := s.in.ReadString('\n')
	return strings.TrimSpace(answer), err
}

// Commit writes one record in a transaction of its own.
func (s *session) Commit(ctx context.Context, number int64) error {
	answer, err := s.ask(ctx, fmt.Sprintf("COMMIT %d", number))
	switch {
	case err != nil:
		return err
	case answer == "OK":
		return nil
	case strings.HasPrefix(answer, "REFUSED "):
		return fmt.Errorf("%w: %s", writer.ErrRefused, strings.TrimPrefix(answer, "REFUSED "))
	}
	return fmt.Errorf("the broker answered %q", answer)
}

// Close drops the connection.
func (s *session) Close() { _ = s.Conn.Close() }

// asker asks one broker whether it takes writes, on a connection that it keeps.
type asker struct {
	address string

	mu   sync.Mutex
	conn *session
}

func (a *asker) writable(ctx context.Context) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.conn == nil {
		c, err := connect(ctx, a.address)
		if err != nil {
			return false
		}
		a.conn = c
	}
	answer, err := a.conn.ask(ctx, "WRITABLE")
	if err != nil || strings.HasPrefix(answer, "REFUSED") {
		a.conn.Close()
		a.conn = nil
	}
	return err == nil && answer == "YES"
}

func (a *asker) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.conn != nil {
		a.conn.Close()
		a.conn = nil
	}
}
