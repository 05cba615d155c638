package oceanbase

import (
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/switchback-dr/switchback/lab/host"
	"github.com/switchback-dr/switchback/lab/oceanbase/observer"
)

// Places below a host's root: the vendor's home directory of the server.
const (
	home       = "home/admin/oceanbase"
	serverPath = home + "/bin/observer"
	configPath = home + "/etc/observer.json"
	storePath  = home + "/store"
	serverLog  = home + "/log/" + observer.LogName
	outputLog  = home + "/log/observer.out"
	pidPath    = home + "/run/observer.pid"
	knobsPath  = host.FaultsDir + "/oceanbase"
)

// The programs of a host.
var (
	serverProgram = host.NewBuiltin("ob-observer", observerMain)
	clientProgram = host.NewBuiltin("ob-obclient", clientMain)
)

// startPatience bounds the wait of `observer` for its own server.
const startPatience = 20 * time.Second

// observerMain is the program observer: as the real one it goes into the
// background by itself, unless -N says otherwise.
func observerMain(args []string) int {
	root := os.Getenv(host.RootEnv)
	config, err := observer.ReadConfig(filepath.Join(root, configPath))
	if err != nil {
		fmt.Fprintln(os.Stderr, "observer: "+err.Error())
		return 1
	}
	if slices.Contains(args[1:], "-N") || slices.Contains(args[1:], "--nodaemon") {
		err = foreground(config, filepath.Join(root, pidPath))
	} else {
		err = background(config, root)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "observer: "+err.Error())
		return 1
	}
	return 0
}

func foreground(config observer.Config, pidFile string) error {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	s, err := observer.Serve(config)
	if err != nil {
		return err
	}
	if err := os.WriteFile(pidFile, fmt.Appendf(nil, "%d\n", os.Getpid()), 0o644); err != nil {
		return err
	}
	<-signals
	return s.Close()
}

// background starts the server and returns when its first port accepts.
func background(config observer.Config, root string) error {
	if c, err := net.DialTimeout("tcp", config.Listen[0], time.Second); err == nil {
		_ = c.Close()
		return fmt.Errorf("a server listens on %s already", config.Listen[0])
	}
	pid, err := host.Daemon(filepath.Join(root, outputLog), filepath.Join(root, serverPath), "-N")
	if err != nil {
		return err
	}
	for late := time.Now().Add(startPatience); time.Now().Before(late); time.Sleep(5 * time.Millisecond) {
		if c, err := net.DialTimeout("tcp", config.Listen[0], time.Second); err == nil {
			_ = c.Close()
			return nil
		}
		if syscall.Kill(pid, 0) != nil || ended(pid) {
			return fmt.Errorf("the server ended at once: see %s", filepath.Join(root, outputLog))
		}
	}
	return fmt.Errorf("the server does not listen on %s", config.Listen[0])
}

// ended says whether a child is dead and not yet collected.
func ended(pid int) bool {
	var status syscall.WaitStatus
	got, err := syscall.Wait4(pid, &status, syscall.WNOHANG, nil)
	return err == nil && got == pid
}
