package labkit

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"
)

// controlSocket is the socket in Dir by which other processes ask the lab.
const controlSocket = "control.sock"

// question is one JSON line to the control socket, answer the line back.
type question struct {
	Op   string   `json:"op"` // fault, faults, ledger
	Name string   `json:"name,omitempty"`
	Args []string `json:"args,omitempty"`
	On   bool     `json:"on,omitempty"`
}

type answer struct {
	Error  string          `json:"error,omitempty"`
	Result json.RawMessage `json:"result,omitempty"`
}

func (l *Lab) listen() error {
	at := filepath.Join(l.Dir, controlSocket)
	// A path too long for a socket is reached through its directory.
	listener, err := listenUnix(at)
	if err != nil {
		return fmt.Errorf("the lab has no control socket: %w", err)
	}
	l.control = listener
	l.closers = append(l.closers, func() {
		_ = listener.Close()
		_ = os.Remove(at)
	})
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go l.answerAll(c)
		}
	}()
	return nil
}

func (l *Lab) answerAll(c net.Conn) {
	defer func() { _ = c.Close() }()
	lines := bufio.NewScanner(c)
	for lines.Scan() {
		result, err := l.answer(lines.Bytes())
		a := answer{Result: result}
		if err != nil {
			a = answer{Error: err.Error()}
		}
		if json.NewEncoder(c).Encode(a) != nil {
			return
		}
	}
}

func (l *Lab) answer(line []byte) (json.RawMessage, error) {
	var q question
	if err := json.Unmarshal(line, &q); err != nil {
		return nil, fmt.Errorf("the question is no JSON: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	var result any
	var err error
	switch q.Op {
	case "fault":
		result, err = l.Fault(ctx, q.Name, q.Args, q.On)
	case "faults":
		result = l.Faults()
	case "ledger":
		result, err = l.Ledger(ctx)
	default:
		err = fmt.Errorf("the lab does not know the question %q", q.Op)
	}
	if err != nil {
		return nil, err
	}
	return json.Marshal(result)
}

// Ask asks the lab that runs in dir, from any process: op is "fault", "faults"
// or "ledger". The result is the JSON of what the method of the same name
// gives.
func Ask(dir, op, name string, args []string, on bool) (json.RawMessage, error) {
	c, err := dialUnix(filepath.Join(dir, controlSocket))
	if err != nil {
		return nil, fmt.Errorf("no lab runs in %s: start one with go run ./lab up PRODUCT --dir %s", dir, dir)
	}
	defer func() { _ = c.Close() }()
	if err := json.NewEncoder(c).Encode(question{Op: op, Name: name, Args: args, On: on}); err != nil {
		return nil, fmt.Errorf("the lab in %s does not listen: %w", dir, err)
	}
	var a answer
	if err := json.NewDecoder(c).Decode(&a); err != nil {
		return nil, fmt.Errorf("the lab in %s ended while it was asked", dir)
	}
	if a.Error != "" {
		return nil, fmt.Errorf("%s", a.Error)
	}
	return a.Result, nil
}

func alive(socket string) bool {
	c, err := dialUnix(socket)
	if err != nil {
		return false
	}
	_ = c.Close()
	return true
}
