package host

import (
	"encoding/json"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// prSetChildSubreaper is PR_SET_CHILD_SUBREAPER of prctl(2): orphans below this
// process become its children.
const prSetChildSubreaper = 36

// init turns this very program into process 1 of a simulated host when the lab
// started it as that. Every program that links the lab can therefore run it,
// tests and demonstrations included, without a second binary to find.
func init() {
	value := os.Getenv(initEnv)
	if value == "" {
		return
	}
	fd, err := strconv.Atoi(value)
	if err != nil {
		os.Exit(2)
	}
	os.Exit(runInit(fd))
}

// process1 is process 1 of a simulated host: the subreaper of everything that
// ever runs there. It is why a killed server leaves no zombie behind (which
// pg_ctl takes for a living one), and why a power-off finds every process, also
// those that left their session. When the lab dies, its socket ends and
// process 1 takes the host down with it.
type process1 struct {
	conn *net.UnixConn
	mu   sync.Mutex
	pids map[int]int // pid -> request ID
	ids  map[int]int // request ID -> pid
}

func runInit(fd int) int {
	if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, prSetChildSubreaper, 1, 0); errno != 0 {
		return 3
	}
	file := os.NewFile(uintptr(fd), "lab")
	conn, err := net.FileConn(file)
	if err != nil {
		return 4
	}
	_ = file.Close()
	p := &process1{conn: conn.(*net.UnixConn), pids: map[int]int{}, ids: map[int]int{}}
	children := make(chan os.Signal, 1)
	signal.Notify(children, syscall.SIGCHLD)
	// A terminal's interrupt is for the lab, which then ends its hosts. The
	// signals are caught, not ignored: programs would inherit "ignored".
	signal.Notify(make(chan os.Signal, 1), syscall.SIGINT, syscall.SIGHUP, syscall.SIGTERM, syscall.SIGPIPE)
	go func() {
		for range children {
			p.reap()
		}
	}()
	p.serve()
	p.killAll()
	return 0
}

func (p *process1) serve() {
	buffer := make([]byte, maxPacket)
	oob := make([]byte, syscall.CmsgSpace(3*4))
	for {
		n, oobn, _, _, err := p.conn.ReadMsgUnix(buffer, oob)
		if err != nil || n == 0 {
			return
		}
		files := descriptors(oob[:oobn])
		var r request
		if json.Unmarshal(buffer[:n], &r) == nil {
			switch r.Op {
			case "start":
				p.start(r, files)
			case "signal":
				p.signal(r)
			case "off":
				p.send(reply{ID: r.ID, Op: "off", Killed: p.killAll()})
			}
		}
		for _, f := range files {
			_ = syscall.Close(f)
		}
	}
}

func (p *process1) start(r request, files []int) {
	if len(files) != 3 || len(r.Argv) == 0 {
		p.send(reply{ID: r.ID, Op: "started", Error: "a program needs an argv and three descriptors"})
		return
	}
	attr := &syscall.ProcAttr{Dir: r.Dir, Env: r.Env, Sys: &syscall.SysProcAttr{Setsid: true}}
	for _, f := range files {
		attr.Files = append(attr.Files, uintptr(f))
	}
	if r.UID >= 0 {
		attr.Sys.Credential = &syscall.Credential{Uid: uint32(r.UID), Gid: uint32(r.GID)}
	}
	// The lock holds the reaper back until the pid is known.
	p.mu.Lock()
	defer p.mu.Unlock()
	pid, err := syscall.ForkExec(r.Argv[0], r.Argv, attr)
	if err != nil {
		p.send(reply{ID: r.ID, Op: "started", Error: err.Error()})
		return
	}
	p.pids[pid], p.ids[r.ID] = r.ID, pid
	p.send(reply{ID: r.ID, Op: "started", PID: pid})
}

func (p *process1) signal(r request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if pid := p.ids[r.ID]; pid > 0 {
		_ = syscall.Kill(-pid, syscall.Signal(r.Signal))
	}
}

// reap collects every dead child and tells the lab of those that it started.
func (p *process1) reap() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || pid <= 0 {
			return
		}
		id, ours := p.pids[pid]
		if !ours {
			continue
		}
		delete(p.pids, pid)
		delete(p.ids, id)
		r := reply{ID: id, Op: "exited", Exit: status.ExitStatus()}
		if status.Signaled() {
			r.Exit, r.Signal = 0, int(status.Signal())
		}
		p.send(r)
	}
}

// killAll ends every process of the host as a loss of power does, and gives
// how many it met. Children of a killed parent become children of process 1,
// so the rounds end only when nothing is left.
func (p *process1) killAll() int {
	met := map[int]bool{}
	for {
		pids := descendants(os.Getpid())
		if len(pids) == 0 {
			return len(met)
		}
		for _, pid := range pids {
			met[pid] = true
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		p.reap()
		time.Sleep(time.Millisecond)
	}
}

func (p *process1) send(r reply) {
	if b, err := json.Marshal(r); err == nil {
		_, _ = p.conn.Write(b)
	}
}

func descriptors(oob []byte) []int {
	messages, err := syscall.ParseSocketControlMessage(oob)
	if err != nil {
		return nil
	}
	var all []int
	for i := range messages {
		if fds, err := syscall.ParseUnixRights(&messages[i]); err == nil {
			all = append(all, fds...)
		}
	}
	for _, fd := range all {
		syscall.CloseOnExec(fd)
	}
	return all
}

// descendants lists the processes below pid, zombies too.
func descendants(pid int) []int {
	parents := map[int][]int{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range stats {
		if child, parent, ok := parentOf(name); ok {
			parents[parent] = append(parents[parent], child)
		}
	}
	var all []int
	for next := []int{pid}; len(next) > 0; next = next[1:] {
		all = append(all, parents[next[0]]...)
		next = append(next, parents[next[0]]...)
	}
	return all
}
