package remote

import (
	"context"
	"crypto/rand"
	_ "embed" // the scripts
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/switchback-dr/switchback/dr"
)

//go:embed host.sh
var hostScript string

//go:embed run.sh
var runScript string

// library is what every shell is fed first.
func library() string {
	before, after, _ := strings.Cut(runScript, "\n# COMMAND\n")
	return hostScript + "\nsb_before=" + dr.Quote(before) + "\nsb_after=" + dr.Quote(strings.TrimSuffix(after, "\n")) + "\n"
}

// These exec requests mean the same in csh and in sh.
const (
	plainShell = `exec /bin/sh`
	loginShell = `exec "$SHELL" -l`
)

// shell is one /bin/sh on a host that runs one script after the other.
type shell struct {
	conn  *connection
	login bool
	born  time.Time
	used  bool
	sess  *ssh.Session
	in    io.WriteCloser
	out   *frameReader
	err   *frameReader
	// pid is the shell's process, which leads its group; 0 until it is known.
	pid    atomic.Int64
	end    sync.Once
	killed chan struct{}
}

// reply is what one script printed.
type reply struct {
	stdout, stderr frame
	// whole says that both streams came with their end marks.
	whole bool
}

// errNoAnswer: the shell ended before it took the script.
var errNoAnswer = errors.New("the shell ended before the script began")

func (c *connection) openShell(ctx context.Context, login bool) (*shell, error) {
	sess, err := c.newSession(ctx)
	if err != nil {
		return nil, err
	}
	s := &shell{conn: c, login: login, born: c.pool.opts.Clock.Now(), sess: sess, killed: make(chan struct{})}
	if err := s.start(ctx); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// newSession opens a channel but does not wait for it longer than ctx.
func (c *connection) newSession(ctx context.Context) (*ssh.Session, error) {
	type result struct {
		sess *ssh.Session
		err  error
	}
	got := make(chan result, 1)
	go func() {
		sess, err := c.client.NewSession()
		got <- result{sess, err}
	}()
	select {
	case r := <-got:
		var refused *ssh.OpenChannelError
		if r.err != nil && !errors.As(r.err, &refused) {
			c.close()
			return nil, unreachable(c.ep, r.err)
		}
		if r.err != nil {
			return nil, dr.Retry("busy", "host %s allows no more sessions: %v", c.ep.place(), r.err).
				WithNext("look at MaxSessions in its sshd_config").Because(r.err)
		}
		return r.sess, nil
	case <-ctx.Done():
		go func() {
			if r := <-got; r.err == nil {
				_ = r.sess.Close()
			}
		}()
		return nil, unreachable(c.ep, ctx.Err())
	}
}

// start runs the shell and feeds it the library. A login shell must first hand
// over: csh reads ahead, so nothing more is sent before its mark is seen.
func (s *shell) start(ctx context.Context) error {
	in, err1 := s.sess.StdinPipe()
	out, err2 := s.sess.StdoutPipe()
	errs, err3 := s.sess.StderrPipe()
	if err := errors.Join(err1, err2, err3); err != nil {
		return unreachable(s.conn.ep, err)
	}
	s.in, s.out, s.err = in, &frameReader{r: out, onHead: s.learnPID}, &frameReader{r: errs}
	stop := context.AfterFunc(ctx, s.kill)
	defer stop()
	request := plainShell
	if s.login {
		request = loginShell
	}
	if err := s.sess.Start(request); err != nil {
		return s.lost(ctx, err)
	}
	if s.login {
		if err := s.handOver(ctx); err != nil {
			return err
		}
	}
	if _, err := io.WriteString(s.in, library()); err != nil {
		lost := s.lost(ctx, err)
		if !dr.HasCode(lost, "cut_off") {
			return lost
		}
		// It ended before it took anything: no mark can come, only its reason.
		said, _ := s.out.until(newMark(), maxNoise)
		return noShell(s.conn.ep, said.kept)
	}
	return nil
}

func (s *shell) handOver(ctx context.Context) error {
	mark := newMark()
	if _, err := io.WriteString(s.in, "echo "+mark+"; exec /bin/sh\n"); err != nil {
		return s.lost(ctx, err)
	}
	type result struct {
		noise piece
		err   error
	}
	got := make(chan result, 1)
	go func() {
		noise, err := s.out.until(mark, maxNoise)
		if err == nil {
			_, err = s.out.line()
		}
		got <- result{noise, err}
	}()
	var r result
	select {
	case r = <-got:
	case <-s.killed:
		r.err = io.ErrUnexpectedEOF
	}
	if r.err == nil {
		return nil
	}
	if s.conn.alive() && ctx.Err() == nil {
		return noShell(s.conn.ep, r.noise.kept)
	}
	return s.lost(ctx, r.err)
}

// noShell may go away by itself: a host that is going down or has no process
// left to give refuses shells too. Nothing was run.
func noShell(ep Endpoint, noise []byte) error {
	said := "nothing"
	if t := strings.TrimSpace(strings.ToValidUTF8(string(noise), "?")); t != "" {
		said = fmt.Sprintf("%q", dr.Clip(t, 200))
	}
	return dr.Retry("no_shell", "host %s: the login did not give a shell; it printed %s", ep.place(), said).
		WithNext("try the login by hand: ssh %s@%s -p %d true", ep.User, ep.Address, ep.Port)
}

// lost says why a shell's stream ended.
func (s *shell) lost(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return dr.Retry("deadline", "host %s: the call was ended: %v", s.conn.ep.place(), ctx.Err()).Because(ctx.Err())
	case !s.conn.alive() || s.conn.gone():
		// So that the next call connects anew at once.
		s.conn.close()
		return unreachable(s.conn.ep, errors.New("the connection was lost"))
	default:
		return dr.Retry("cut_off", "host %s: the answer was cut off before its end mark: %v", s.conn.ep.place(), err).Because(err)
	}
}

// gone asks the transport itself: a stream's end is seen a moment before the
// connection's.
func (c *connection) gone() bool {
	answered := make(chan error, 1)
	go func() {
		_, _, err := c.client.SendRequest("keepalive@openssh.com", true, nil)
		answered <- err
	}()
	select {
	case err := <-answered:
		return err != nil
	case <-c.dead:
		return true
	case <-c.pool.opts.Clock.After(c.pool.opts.KeepAliveTimeout):
		return true
	}
}

// newMark is a text that no program can guess.
func newMark() string { return "sb." + rand.Text() }

// asking is one script with how much is kept of each of its streams, in bytes.
type asking struct {
	script     string
	limit      int
	begin, end string
}

// call runs one script, which may consist of several commands, in a subshell
// without standard input and gives what it printed between our marks.
func (s *shell) call(ctx context.Context, script string, limit int) (reply, error) {
	r, err := s.callAll(ctx, asking{script: script, limit: limit})
	return r[0], err
}

// callAll sends several scripts at once, which the shell runs one after the
// other. With an error, the answers that were whole before it are given too.
func (s *shell) callAll(ctx context.Context, all ...asking) ([]reply, error) {
	stop := context.AfterFunc(ctx, s.kill)
	text := ""
	for i := range all {
		all[i].begin, all[i].end = newMark(), newMark()
		text += "sb_begin " + all[i].begin + "; (" + all[i].script + ") </dev/null; sb_rc=$?; sb_end " + all[i].end + " $sb_rc\n"
	}
	fresh := !s.used
	s.used = true
	replies, err := s.exchange(text, all)
	if !stop() {
		return replies, s.lost(ctx, ctx.Err())
	}
	if err != nil {
		return replies, s.ended(ctx, replies[0], fresh, err)
	}
	for i, r := range replies {
		if (!fresh || i > 0) && len(r.stdout.noise)+len(r.stderr.noise) > 0 {
			replies[i].whole = false
			return replies, dr.Retry("cut_off", "host %s: something else wrote into the answer", s.conn.ep.place())
		}
	}
	return replies, nil
}

// exchange sends the text and reads both streams, until the session is killed.
func (s *shell) exchange(text string, all []asking) ([]reply, error) {
	type result struct {
		fr  frame
		err error
	}
	read := func(from *frameReader) chan result {
		got := make(chan result, len(all))
		go func() {
			for _, a := range all {
				fr, err := from.next(a.begin, a.end, a.limit)
				got <- result{fr, err}
				if err != nil {
					return
				}
			}
		}()
		return got
	}
	outs, errs := read(s.out), read(s.err)
	go func() {
		if _, err := io.WriteString(s.in, text); err != nil {
			s.kill()
		}
	}()
	replies := make([]reply, len(all))
	for i := range replies {
		r := &replies[i]
		var failed error
		out, errOut := outs, errs // nil once it has given this frame
		for range 2 {
			var err error
			select {
			case o := <-out:
				r.stdout, err, out = o.fr, o.err, nil
			case e := <-errOut:
				r.stderr, err, errOut = e.fr, e.err, nil
			case <-s.killed:
				return replies, errors.Join(failed, io.ErrUnexpectedEOF)
			}
			failed = errors.Join(failed, err)
		}
		r.whole = failed == nil
		if failed != nil {
			return replies, failed
		}
	}
	return replies, nil
}

// ended explains an answer without an end.
func (s *shell) ended(ctx context.Context, r reply, fresh bool, err error) error {
	lost := s.lost(ctx, err)
	if !dr.HasCode(lost, "cut_off") || r.stdout.begun {
		return lost
	}
	if fresh {
		return noShell(s.conn.ep, append(r.stdout.noise, r.stderr.noise...))
	}
	return errNoAnswer
}

// learnPID takes the shell's process number from the begin mark's line.
func (s *shell) learnPID(head string) {
	if f := strings.Fields(head); len(f) == 2 {
		if pid, err := strconv.ParseInt(f[1], 10, 64); err == nil && pid > 1 {
			s.pid.Store(pid)
		}
	}
}

// kill ends what runs in the session, whose process group the shell leads:
// sshd made it so. Jobs have groups of their own and go on. sshd delivers
// signals only to sessions of ordinary users, so a second shell sends the
// same signal.
func (s *shell) kill() {
	s.end.Do(func() {
		close(s.killed)
		_ = s.sess.Signal(ssh.SIGTERM)
		_ = s.sess.Close()
		if pid := s.pid.Load(); pid > 1 && s.conn.alive() {
			go s.conn.endGroup(pid)
		}
	})
}

// endPatience bounds the ending of a command whose caller has gone.
const endPatience = 10 * time.Second

func (c *connection) endGroup(pid int64) {
	ctx, cancel := context.WithTimeout(c.pool.ctx, endPatience)
	defer cancel()
	s, err := c.acquire(ctx, false)
	if err != nil {
		return
	}
	_, err = s.call(ctx, fmt.Sprintf("kill -s TERM -- -%d 2>/dev/null", pid), maxNoise)
	c.release(s, err == nil)
}

// close ends an idle shell: it runs nothing, so the end of its input suffices.
func (s *shell) close() {
	s.end.Do(func() {
		close(s.killed)
		if s.in != nil {
			_ = s.in.Close()
		}
		_ = s.sess.Close()
	})
}
