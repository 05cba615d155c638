// Package wire is how the programs of a simulated VVR host, and the daemons of
// two hosts, speak: one JSON document asks, one answers, over a socket of the
// host or over TCP through the site's link.
package wire

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/switchback-dr/switchback/lab/vvr/texts"
)

// ErrLost says that a question was sent and no answer came: what it asked for
// may have been done or not.
var ErrLost = errors.New("the connection was lost before the answer came")

type request struct {
	Op   string          `json:"op"`
	Args json.RawMessage `json:"args,omitempty"`
}

type answer struct {
	Refusal *texts.Refusal  `json:"refusal,omitempty"`
	Error   string          `json:"error,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
}

// Session answers the questions of one connection, one after the other.
type Session interface {
	Handle(ctx context.Context, op string, args json.RawMessage) (any, error)
	// End is called once, when the connection has ended.
	End()
}

// Serve answers connections until the listener is closed. begin makes the
// session of each; the context of a question ends with its connection's
// listener only.
func Serve(l net.Listener, begin func(net.Conn) Session) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go ServeConn(c, begin(c))
	}
}

// ServeConn answers one connection until it ends.
func ServeConn(c net.Conn, s Session) {
	ctx, cancel := context.WithCancel(context.Background())
	defer func() {
		cancel()
		s.End()
		_ = c.Close()
	}()
	in, out := json.NewDecoder(c), json.NewEncoder(c)
	for {
		var r request
		if in.Decode(&r) != nil {
			return
		}
		result, err := s.Handle(ctx, r.Op, r.Args)
		if out.Encode(answered(result, err)) != nil {
			return
		}
	}
}

func answered(result any, err error) answer {
	var refusal *texts.Refusal
	switch {
	case errors.As(err, &refusal):
		return answer{Refusal: refusal}
	case err != nil:
		return answer{Error: err.Error()}
	}
	b, err := json.Marshal(result)
	if err != nil {
		return answer{Error: err.Error()}
	}
	return answer{Result: b}
}

// Conn is the asking end.
type Conn struct {
	mu  sync.Mutex
	c   net.Conn
	in  *json.Decoder
	out *json.Encoder
}

// Dial connects within the time.
func Dial(network, at string, within time.Duration) (*Conn, error) {
	c, err := net.DialTimeout(network, at, within)
	if err != nil {
		return nil, err
	}
	return NewConn(c), nil
}

// NewConn asks over a connection that is there.
func NewConn(c net.Conn) *Conn {
	return &Conn{c: c, in: json.NewDecoder(c), out: json.NewEncoder(c)}
}

// Close ends the connection.
func (c *Conn) Close() { _ = c.c.Close() }

// Ask asks one question and waits for its answer at most the time. A refusal
// comes back as *texts.Refusal; a lost connection as ErrLost, after which the
// connection is useless.
func (c *Conn) Ask(op string, args, result any, within time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.c.SetDeadline(time.Now().Add(within))
	b, err := json.Marshal(args)
	if err != nil {
		return err
	}
	var a answer
	if err = c.out.Encode(request{op, b}); err == nil {
		err = c.in.Decode(&a)
	}
	if err != nil {
		_ = c.c.Close()
		return fmt.Errorf("%w: %w", ErrLost, err)
	}
	switch {
	case a.Refusal != nil:
		return a.Refusal
	case a.Error != "":
		return errors.New(a.Error)
	case result == nil:
		return nil
	}
	return json.Unmarshal(a.Result, result)
}

// Call dials, asks one question and closes.
func Call(network, at, op string, args, result any, within time.Duration) error {
	c, err := Dial(network, at, within)
	if err != nil {
		return err
	}
	defer c.Close()
	return c.Ask(op, args, result, within)
}
