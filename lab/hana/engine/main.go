package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/switchback-dr/switchback/lab/hana/instance"
)

// traceFile takes the daemon's trace; its parent gives it a file as standard
// error.
var traceFile io.Writer = os.Stderr

// PidFile is the daemon's own file in the host's work directory: its process
// number. The daemon holds a lock on it as long as it lives.
const PidFile = "hdbdaemon.pid"

// Main is the program hdbdaemon: the database of this host, until SIGTERM.
func Main([]string) int {
	conf, err := instance.Here()
	if err != nil {
		trace("%v", err)
		return 1
	}
	lock, err := lockPid(filepath.Join(conf.Work(), PidFile))
	if err != nil {
		trace("%v", err)
		return 1
	}
	defer func() { _ = lock.Close() }()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	live, end := context.WithCancel(context.Background())
	defer end()
	e := newEngine(live, conf)
	e.makeServices()
	if err := e.run(ctx); err != nil {
		trace("%v", err)
		return 1
	}
	return 0
}

// run starts the database and ends it when ctx does.
func (e *engine) run(ctx context.Context) error {
	if err := e.listen(); err != nil {
		return err
	}
	e.spawnServices()
	select {
	case <-time.After(e.conf.Start):
	case <-ctx.Done():
		return nil
	}
	if err := e.open(); err != nil {
		return err
	}
	if !e.sourceAnswers(ctx) {
		return nil
	}
	if err := e.start(); err != nil {
		return err
	}
	<-ctx.Done()
	e.setPhase(stopping)
	e.close()
	return nil
}

// sourceAnswers lets a secondary wait for its source before it starts, where a
// fault says so; false when it was told to stop meanwhile.
func (e *engine) sourceAnswers(ctx context.Context) bool {
	for told := false; e.siteNow().Secondary(); {
		if _, waits := e.conf.Fault("start-waits-for-source"); !waits {
			return true
		}
		if !told {
			told = true
			trace("%s", instance.Text("start-waits"))
		}
		address, err := e.sourceAddress()
		if err == nil && instance.Ask(ctx, address, "ping", ping{}, nil) == nil {
			return true
		}
		select {
		case <-time.After(pingEvery):
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// lockPatience is how long a start waits for the lock.
const lockPatience = time.Second

// lockPid takes the file that only one daemon of the host can have.
func lockPid(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	// Programs that ask whether the database runs hold the lock for a moment.
	for end := time.Now().Add(lockPatience); ; time.Sleep(time.Millisecond) {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			break
		}
		if time.Now().After(end) {
			_ = f.Close()
			return nil, fmt.Errorf("the database of this host runs already: %w", err)
		}
	}
	if err := f.Truncate(0); err != nil {
		return nil, err
	}
	_, err = f.WriteString(strconv.Itoa(os.Getpid()) + "\n")
	return f, err
}

// restart ends this process and starts the database anew, as -sr_register
// --online does.
func (e *engine) restart() {
	sapcontrol := filepath.Join(e.conf.Instance(), "exe/sapcontrol")
	cmd := exec.Command(sapcontrol, "-nr", e.conf.Number, "-function", "RestartInstance")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		trace("restart: %v", err)
		return
	}
	if err := cmd.Process.Release(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		trace("restart: %v", err)
	}
}
