package programs

import (
	"bufio"
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/switchback-dr/switchback/lab/hana/instance"
	"github.com/switchback-dr/switchback/lab/host"
)

// startService is sapstartsrv: the process that starts and stops the database
// of its host and tells about its processes. Without it sapcontrol knows
// nothing, and the database runs on.
type startService struct{ conf instance.Config }

// StartService is the program sapstartsrv.
func StartService([]string) int {
	conf, err := instance.Here()
	if err != nil {
		return 1
	}
	l, err := net.Listen("tcp", net.JoinHostPort(conf.Listen, strconv.Itoa(conf.StartPort())))
	if err != nil {
		return 1
	}
	s := &startService{conf}
	for {
		c, err := l.Accept()
		if err != nil {
			return 1
		}
		go s.serve(c)
	}
}

func (s *startService) serve(c net.Conn) {
	defer func() { _ = c.Close() }()
	r := bufio.NewReader(c)
	for {
		line, err := r.ReadBytes('\n')
		if err != nil {
			return
		}
		var q instance.Request
		if json.Unmarshal(line, &q) != nil {
			return
		}
		result, err := s.do(q)
		if instance.Answer(c, result, err) != nil {
			return
		}
	}
}

func (s *startService) do(q instance.Request) (any, error) {
	switch q.Op {
	case "GetProcessList":
		return s.processes(), nil
	case "Start":
		return instance.Done{}, s.start()
	case "Stop":
		return instance.Done{}, s.stop()
	case "Restart":
		return instance.Done{}, s.restart()
	case "End":
		go func() {
			time.Sleep(10 * time.Millisecond)
			os.Exit(0)
		}()
		return instance.Done{}, nil
	}
	return nil, instance.Fail(1, "FAIL: unknown function %s", q.Op)
}

// daemonPID is the database's process, 0 when none runs: the file's lock tells,
// not its number.
func daemonPID(conf instance.Config) int {
	f, err := os.Open(filepath.Join(conf.Work(), "hdbdaemon.pid"))
	if err != nil {
		return 0
	}
	defer func() { _ = f.Close() }()
	if syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) == nil {
		return 0
	}
	b := make([]byte, 20)
	n, err := f.Read(b)
	if err != nil {
		return 0
	}
	pid, _ := strconv.Atoi(strings.TrimSpace(string(b[:n])))
	return pid
}

// processes are the rows of GetProcessList.
func (s *startService) processes() []instance.Service {
	pid := daemonPID(s.conf)
	daemon := instance.Service{Name: "hdbdaemon", Description: "HDB Daemon", Status: "GRAY", Text: "Stopped", PID: os.Getpid()}
	if pid == 0 {
		return []instance.Service{daemon}
	}
	daemon.PID = pid
	daemon.Status, daemon.Text = "YELLOW", "Initializing"
	c := &command{conf: s.conf}
	r := c.state()
	if r == nil {
		return []instance.Service{daemon}
	}
	daemon.Since = r.Started
	switch r.Phase {
	case "running":
		daemon.Status, daemon.Text = "GREEN", "Running"
	case "stopping":
		daemon.Text = "Stopping"
	}
	return append([]instance.Service{daemon}, r.Services...)
}

// start starts the daemon; it is no error when one runs.
func (s *startService) start() error {
	if daemonPID(s.conf) != 0 {
		return nil
	}
	if err := os.MkdirAll(filepath.Join(s.conf.Work(), "trace"), 0o755); err != nil {
		return err
	}
	log := filepath.Join(s.conf.Work(), "trace", "nameserver_"+s.conf.Host+".00000.000.trc")
	_, err := host.Daemon(log, filepath.Join(s.conf.Instance(), "exe/hdbdaemon"))
	if err != nil {
		return err
	}
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end) && daemonPID(s.conf) == 0; time.Sleep(2 * time.Millisecond) {
	}
	return nil
}

func (s *startService) stop() error {
	pid := daemonPID(s.conf)
	if _, stuck := s.conf.Fault("stop-ignored"); stuck || pid == 0 {
		return nil
	}
	return syscall.Kill(pid, syscall.SIGTERM)
}

// restart stops the database, waits for its end and starts it.
func (s *startService) restart() error {
	if err := s.stop(); err != nil {
		return err
	}
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if daemonPID(s.conf) == 0 {
			return s.start()
		}
	}
	return instance.Fail(1, "FAIL: the database did not stop")
}

// askStart asks the sapstartsrv of a host of this site.
func askStart(conf instance.Config, hostName, op string, result any) error {
	address, known := conf.At(hostName, conf.StartPort())
	if hostName == conf.Host {
		address, known = net.JoinHostPort(conf.Listen, strconv.Itoa(conf.StartPort())), true
	}
	if !known {
		return instance.ErrUnreachable
	}
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	return instance.Ask(ctx, address, op, instance.Nothing{}, result)
}
