package host

import (
	"io"
	"sync"
	"syscall"

	"golang.org/x/crypto/ssh"
)

// session serves one session channel: one exec or shell request, no terminal,
// no subsystem. Env requests are ignored, as a default sshd ignores them.
func (h *Host) session(nc ssh.NewChannel) {
	channel, requests, err := nc.Accept()
	if err != nil {
		return
	}
	var running *program
	for r := range requests {
		ok := false
		switch r.Type {
		case "exec", "shell":
			if running != nil {
				break
			}
			argv, valid := h.command(r)
			if !valid {
				break
			}
			if running, err = h.start(argv); err == nil {
				ok = true
			}
		case "signal":
			ok = running != nil && signalProgram(running, r.Payload)
		}
		if r.WantReply {
			_ = r.Reply(ok, nil)
		}
		if ok && r.Type != "signal" {
			if h.Banner != "" {
				_, _ = io.WriteString(channel, h.Banner+"\n")
			}
			go pump(channel, running)
		}
	}
	if running == nil {
		_ = channel.Close()
	}
}

// command gives the argv of an exec or shell request. The login shell runs an
// exec's text with -c, whatever shell that is.
func (h *Host) command(r *ssh.Request) ([]string, bool) {
	if r.Type == "shell" {
		return []string{h.Shell}, true
	}
	var text struct{ Command string }
	if ssh.Unmarshal(r.Payload, &text) != nil {
		return nil, false
	}
	return []string{h.Shell, "-c", text.Command}, true
}

var signals = map[string]syscall.Signal{
	"HUP": syscall.SIGHUP, "INT": syscall.SIGINT, "QUIT": syscall.SIGQUIT, "KILL": syscall.SIGKILL,
	"TERM": syscall.SIGTERM, "USR1": syscall.SIGUSR1, "USR2": syscall.SIGUSR2, "ABRT": syscall.SIGABRT,
	"ALRM": syscall.SIGALRM, "PIPE": syscall.SIGPIPE, "SEGV": syscall.SIGSEGV, "FPE": syscall.SIGFPE, "ILL": syscall.SIGILL,
}

func signalProgram(p *program, payload []byte) bool {
	var name struct{ Signal string }
	if ssh.Unmarshal(payload, &name) != nil {
		return false
	}
	s, ok := signals[name.Signal]
	if ok {
		p.spawn.signal(p.id, s)
	}
	return ok
}

// pump joins a channel and a program. The exit status is sent when the program
// ends; the channel stays open while anything still holds the outputs, as with
// OpenSSH: a server started without closing them keeps its session waiting.
func pump(channel ssh.Channel, p *program) {
	go func() {
		_, _ = io.Copy(p.stdin, channel)
		_ = p.stdin.Close()
	}()
	var outputs sync.WaitGroup
	// A pipe is closed when its copying ends, also because the connection was
	// cut: the program then meets SIGPIPE, as below a real server.
	outputs.Go(func() {
		_, _ = io.Copy(channel, p.stdout)
		_ = p.stdout.Close()
	})
	outputs.Go(func() {
		_, _ = io.Copy(channel.Stderr(), p.stderr)
		_ = p.stderr.Close()
	})
	select {
	case e := <-p.exited:
		sendExit(channel, e)
	case <-p.gone:
		// No power, no status.
		_ = channel.Close()
		return
	}
	outputs.Wait()
	_ = channel.CloseWrite()
	_ = channel.Close()
	_ = p.stdin.Close()
}

func sendExit(channel ssh.Channel, e Exit) {
	if e.Signal == 0 {
		_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{uint32(e.Code)}))
		return
	}
	name := "KILL"
	for n, s := range signals {
		if int(s) == e.Signal {
			name = n
		}
	}
	_, _ = channel.SendRequest("exit-signal", false, ssh.Marshal(struct {
		Signal string
		Core   bool
		Text   string
		Lang   string
	}{name, false, "", ""}))
}
