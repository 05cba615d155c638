// Package vras is vradmind, the administration daemon of a simulated VVR host,
// and vradmin, the command that asks it.
package vras

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/lab/vvr/kernel"
	"github.com/switchback-dr/switchback/lab/vvr/texts"
	"github.com/switchback-dr/switchback/lab/vvr/wire"
)

// Socket is where vradmind listens for vradmin.
const Socket = "var/vx/vras.sock"

// Bounds of waits for other hosts.
const (
	dialPatience = 700 * time.Millisecond
	askPatience  = 10 * time.Second
)

// greeting is the first document on a connection to a vradmind.
type greeting struct {
	// Kind is "command" (Argv), "kernel" (questions to the kernel follow) or
	// "ping".
	Kind string `json:"kind"`
	// From is the asking host, "" for vradmin on the same host.
	From string   `json:"from,omitempty"`
	Argv []string `json:"argv,omitempty"`
	// Viewer is the host on which the command was typed.
	Viewer string `json:"viewer,omitempty"`
}

// frame is one document of a command's output, or of a person's answer.
type frame struct {
	Out  string `json:"out,omitempty"`
	Err  string `json:"err,omitempty"`
	Ask  bool   `json:"ask,omitempty"`
	Yes  bool   `json:"yes,omitempty"`
	Done bool   `json:"done,omitempty"`
	Exit int    `json:"exit,omitempty"`
}

// Client is the program vradmin. It gives the exit status.
func Client(root string, args []string, in io.Reader, out, errs io.Writer) int {
	c, err := net.DialTimeout("unix", filepath.Join(root, Socket), dialPatience)
	if err != nil {
		_, _ = fmt.Fprintln(errs, texts.Line("vradmin", "daemon-down"))
		return 1
	}
	defer func() { _ = c.Close() }()
	exit, err := follow(c, greeting{Kind: "command", Argv: args}, out, errs, func() bool { return answered(in) })
	if err != nil {
		_, _ = fmt.Fprintln(errs, texts.Line("vradmin", "lost", "localhost"))
		return 1
	}
	return exit
}

// answered reads a person's answer; the end of the input is a no.
func answered(in io.Reader) bool {
	line := make([]byte, 0, 8)
	one := make([]byte, 1)
	for len(line) < 64 {
		n, err := in.Read(one)
		if n == 0 || err != nil || one[0] == '\n' {
			break
		}
		line = append(line, one[0])
	}
	said := strings.ToLower(strings.TrimSpace(string(line)))
	return said == "y" || said == "yes"
}

// follow sends a command and copies its output until its end.
func follow(c net.Conn, g greeting, out, errs io.Writer, answer func() bool) (int, error) {
	to, from := json.NewEncoder(c), json.NewDecoder(c)
	if err := to.Encode(g); err != nil {
		return 1, err
	}
	for {
		var f frame
		if err := from.Decode(&f); err != nil {
			return 1, err
		}
		_, _ = io.WriteString(out, f.Out)
		_, _ = io.WriteString(errs, f.Err)
		if f.Ask {
			if err := to.Encode(frame{Yes: answer()}); err != nil {
				return 1, err
			}
		}
		if f.Done {
			return f.Exit, nil
		}
	}
}

// reachPeer connects to another host's vradmind. That host makes sure that it
// reaches this one as well: a link that works in one direction is down.
func (d *daemon) reachPeer(host string, g greeting) (net.Conn, error) {
	peer, ok := d.config.Peers[host]
	if !ok {
		return nil, texts.Refuse("unknown-host", host, d.rvg())
	}
	c, err := net.DialTimeout("tcp", peer.Admin, dialPatience)
	if err != nil {
		return nil, texts.Refuse("unreachable", host)
	}
	g.From = d.config.Host
	_ = c.SetDeadline(time.Now().Add(3 * dialPatience))
	var f frame
	if err := errors.Join(json.NewEncoder(c).Encode(g), readFrame(c, &f)); err != nil {
		_ = c.Close()
		return nil, texts.Refuse("unreachable", host)
	}
	_ = c.SetDeadline(time.Time{})
	return c, nil
}

// readFrame reads one document byte by byte, so that nothing behind it is
// taken from the connection.
func readFrame(c net.Conn, into any) error {
	var b []byte
	one := make([]byte, 1)
	for len(b) < 1<<16 {
		if _, err := c.Read(one); err != nil {
			return err
		}
		if one[0] == '\n' {
			return json.Unmarshal(b, into)
		}
		b = append(b, one[0])
	}
	return errors.New("the document is too long")
}

// asker asks one host's kernel.
type asker interface {
	Ask(op string, args, result any, within time.Duration) error
	Close()
}

// kernelOf connects to the kernel of a host: the own one through its socket,
// another one through that host's vradmind.
func (d *daemon) kernelOf(host string) (asker, error) {
	if host == d.config.Host {
		c, err := wire.Dial("unix", filepath.Join(d.root, kernel.Socket), dialPatience)
		if err != nil {
			return nil, texts.Refuse("kernel-down")
		}
		return c, nil
	}
	c, err := d.reachPeer(host, greeting{Kind: "kernel"})
	if err != nil {
		return nil, err
	}
	return wire.NewConn(c), nil
}

// ask asks a host's kernel one question. A lost answer is told as the vendor
// does: the outcome is not known.
func (d *daemon) ask(host, op string, args, result any) error {
	k, err := d.kernelOf(host)
	if err != nil {
		return err
	}
	defer k.Close()
	return lost(host, k.Ask(op, args, result, askPatience))
}

func lost(host string, err error) error {
	if errors.Is(err, wire.ErrLost) {
		return texts.Refuse("lost", host)
	}
	return err
}

// viewOf is a host's RVG.
func (d *daemon) viewOf(host string) (kernel.View, error) {
	var v kernel.View
	return v, d.ask(host, "view", nil, &v)
}

// rvg is the name of the host's RVG for messages.
func (d *daemon) rvg() string {
	if v, err := d.viewOf(d.config.Host); err == nil {
		return v.RVG
	}
	return "-"
}

// relay answers another vradmind's questions by asking the own kernel.
type relay struct{ k asker }

// exit is how a process ends that cannot go on.
func exit(err error) int {
	if err == nil {
		return 0
	}
	_, _ = fmt.Fprintln(os.Stderr, err)
	return 1
}
