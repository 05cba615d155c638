package instance

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"
)

// Request is one JSON line to a daemon; the answer is one line.
type Request struct {
	Op   string          `json:"op"`
	Args json.RawMessage `json:"args,omitempty"`
}

// Reply is a daemon's answer.
type Reply struct {
	Error  *Failure        `json:"error,omitempty"`
	Result json.RawMessage `json:"result,omitempty"`
}

// Failure is a refusal of a daemon, with the exit code of the program that
// prints it.
type Failure struct {
	Text string `json:"text"`
	Exit int    `json:"exit"`
}

func (f *Failure) Error() string { return f.Text }

// Fail makes a refusal.
func Fail(exit int, format string, args ...any) *Failure {
	return &Failure{Text: fmt.Sprintf(format, args...), Exit: exit}
}

// ErrUnreachable is the error of a daemon that nobody could ask.
var ErrUnreachable = errors.New("the daemon does not answer")

// Ask sends a request to a daemon at address and decodes its result.
func Ask(ctx context.Context, address, op string, args, result any) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	return Exchange(conn, bufio.NewReader(conn), op, args, result)
}

// Exchange is Ask on an open connection.
func Exchange(conn net.Conn, r *bufio.Reader, op string, args, result any) error {
	raw, err := json.Marshal(args)
	if err != nil {
		return err
	}
	line, err := json.Marshal(Request{Op: op, Args: raw})
	if err != nil {
		return err
	}
	if _, err := conn.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	answer, err := r.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	var reply Reply
	if err := json.Unmarshal(answer, &reply); err != nil {
		return fmt.Errorf("the daemon's answer is not readable: %w", err)
	}
	if reply.Error != nil {
		return reply.Error
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(reply.Result, result)
}

// Answer writes a daemon's reply.
func Answer(conn net.Conn, result any, err error) error {
	var reply Reply
	var failure *Failure
	switch {
	case errors.As(err, &failure):
		reply.Error = failure
	case err != nil:
		reply.Error = Fail(1, "%s", err.Error())
	default:
		if reply.Result, err = json.Marshal(result); err != nil {
			return err
		}
	}
	b, err := json.Marshal(reply)
	if err != nil {
		return err
	}
	_, err = conn.Write(append(b, '\n'))
	return err
}

// Nameserver is where this host's own nameserver listens for its programs.
func (c Config) Nameserver() string {
	return net.JoinHostPort(c.Listen, strconv.Itoa(c.NameserverPort()))
}
