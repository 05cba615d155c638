package host

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
)

// parentOf reads a process's parent from its /proc/PID/stat. The program's
// name stands in parentheses and may itself contain any character.
func parentOf(name string) (pid, parent int, ok bool) {
	b, err := os.ReadFile(name)
	if err != nil {
		return 0, 0, false
	}
	open, end := bytes.IndexByte(b, '('), bytes.LastIndexByte(b, ')')
	if open < 1 || end < open {
		return 0, 0, false
	}
	fields := bytes.Fields(b[end+1:])
	if len(fields) < 2 {
		return 0, 0, false
	}
	pid, err1 := strconv.Atoi(string(bytes.TrimSpace(b[:open])))
	parent, err2 := strconv.Atoi(string(fields[1]))
	return pid, parent, err1 == nil && err2 == nil
}

// spawner is the lab's end of a host's process 1.
type spawner struct {
	cmd  *exec.Cmd
	conn *net.UnixConn

	mu      sync.Mutex
	next    int
	started map[int]chan reply
	exited  map[int]chan Exit
	gone    chan struct{}
}

// newSpawner starts process 1 of a host from this program's own file.
func newSpawner() (*spawner, error) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_SEQPACKET|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("no socket for a lab host's process 1: %w", err)
	}
	ours, theirs := os.NewFile(uintptr(fds[0]), "lab"), os.NewFile(uintptr(fds[1]), "init")
	defer func() { _, _ = ours.Close(), theirs.Close() }()
	conn, err := net.FileConn(ours)
	if err != nil {
		return nil, fmt.Errorf("no socket for a lab host's process 1: %w", err)
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = []string{initEnv + "=3"}
	cmd.ExtraFiles = []*os.File{theirs}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Dir = "/"
	if err := cmd.Start(); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("a lab host's process 1 did not start: %w", err)
	}
	s := &spawner{cmd: cmd, conn: conn.(*net.UnixConn), started: map[int]chan reply{}, exited: map[int]chan Exit{}, gone: make(chan struct{})}
	go s.listen()
	return s, nil
}

func (s *spawner) listen() {
	defer close(s.gone)
	buffer := make([]byte, maxPacket)
	for {
		n, err := s.conn.Read(buffer)
		if err != nil || n == 0 {
			return
		}
		var r reply
		if json.Unmarshal(buffer[:n], &r) != nil {
			continue
		}
		s.mu.Lock()
		switch r.Op {
		case "exited":
			if c := s.exited[r.ID]; c != nil {
				c <- Exit{Code: r.Exit, Signal: r.Signal}
				delete(s.exited, r.ID)
			}
		default:
			if c := s.started[r.ID]; c != nil {
				c <- r
				delete(s.started, r.ID)
			}
		}
		s.mu.Unlock()
	}
}

// ask sends a request with descriptors and waits for its first answer.
func (s *spawner) ask(r request, exited chan Exit, files ...*os.File) (reply, error) {
	s.mu.Lock()
	s.next++
	r.ID = s.next
	answer := make(chan reply, 1)
	s.started[r.ID] = answer
	if exited != nil {
		s.exited[r.ID] = exited
	}
	s.mu.Unlock()
	b, err := json.Marshal(r)
	if err != nil {
		return reply{}, err
	}
	if len(b) > maxPacket {
		return reply{}, fmt.Errorf("argument list too long")
	}
	var fds []int
	for _, f := range files {
		fds = append(fds, int(f.Fd()))
	}
	if _, _, err := s.conn.WriteMsgUnix(b, syscall.UnixRights(fds...), nil); err != nil {
		return reply{}, fmt.Errorf("the host is down: %w", err)
	}
	select {
	case got := <-answer:
		got.ID = r.ID
		if got.Error != "" {
			return got, fmt.Errorf("%s", got.Error)
		}
		return got, nil
	case <-s.gone:
		return reply{}, fmt.Errorf("the host is down")
	}
}

// start runs a program with three descriptors of its own. The channel gives
// its end, or is never written when the host goes down first (see gone).
func (s *spawner) start(r request, in, out, errs *os.File) (id int, exited <-chan Exit, err error) {
	r.Op = "start"
	c := make(chan Exit, 1)
	got, err := s.ask(r, c, in, out, errs)
	if err != nil {
		s.mu.Lock()
		delete(s.exited, got.ID)
		s.mu.Unlock()
	}
	return got.ID, c, err
}

func (s *spawner) signal(id int, sig syscall.Signal) {
	b, _ := json.Marshal(request{ID: id, Op: "signal", Signal: int(sig)})
	_, _ = s.conn.Write(b)
}

// off kills every process of the host and process 1 itself, and returns when
// nothing of it is left.
func (s *spawner) off() (killed int) {
	got, err := s.ask(request{Op: "off"}, nil)
	if err == nil {
		killed = got.Killed
	}
	_ = s.conn.Close()
	_ = s.cmd.Wait()
	<-s.gone
	return killed
}
