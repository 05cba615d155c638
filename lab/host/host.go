package host

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// Config describes a host. Every field but Banner is required.
type Config struct {
	// Name is the inventory's name.
	Name string
	// Address is the host's own address in 127.0.0.0/8; Port its SSH port.
	Address string
	Port    int
	// Root is the directory that stands for the host's file system.
	Root string
	// User is who every process of the host runs as, whatever the name of
	// the login: Login, default "lab".
	User  User
	Login string
	// Key is the host key; Clients are the public keys that may log in.
	Key     ssh.Signer
	Clients []ssh.PublicKey
	// Shell is the login shell; default /bin/sh.
	Shell string
	// Banner is printed on standard output before each command's own output,
	// as badly kept start files of shells do.
	Banner string
}

// Host is a simulated host, on or off.
type Host struct {
	Config

	// power is held while the power is switched: a host whose processes are
	// still dying does not boot.
	power    sync.Mutex
	mu       sync.Mutex
	listener net.Listener
	spawn    *spawner
	conns    map[net.Conn]bool
	shims    map[string]bool
	booted   time.Time
	refuse   bool
	silent   bool
	slow     time.Duration
}

// Directories below a host's root.
const (
	BinDir    = "bin"           // first on PATH
	HomeDir   = "home"          // HOME
	RCDir     = "etc/rc.d"      // programs that run at boot, in the order of their names
	FaultsDir = "var/faults"    // switches that programs on the host obey
	bootFile  = "var/boot-time" // what `who -b` prints
)

// New prepares a host's directories and shims. It stays off until PowerOn.
func New(c Config) (*Host, error) {
	if c.Shell == "" {
		c.Shell = "/bin/sh"
	}
	if c.Login == "" {
		c.Login = "lab"
	}
	h := &Host{Config: c, conns: map[net.Conn]bool{}, shims: map[string]bool{}}
	for _, d := range []string{BinDir, "libexec", HomeDir, RCDir, FaultsDir, "tmp", "var/log"} {
		if err := h.MkdirAll(d, 0o755); err != nil {
			return nil, err
		}
	}
	return h, h.writeShims()
}

// Path gives the absolute path of a file below the host's root.
func (h *Host) Path(elements ...string) string {
	return filepath.Join(append([]string{h.Root}, elements...)...)
}

// Endpoint is the host's SSH address as host:port.
func (h *Host) Endpoint() string { return net.JoinHostPort(h.Address, strconv.Itoa(h.Port)) }

// MkdirAll makes a directory below the root that belongs to the host's user.
func (h *Host) MkdirAll(relative string, mode os.FileMode) error {
	at := h.Root
	for _, part := range append([]string{""}, strings.Split(relative, "/")...) {
		at = filepath.Join(at, part)
		if err := os.Mkdir(at, mode); err != nil && !os.IsExist(err) {
			return fmt.Errorf("the host %s has no directory %s: %w", h.Name, at, err)
		}
		if err := h.User.own(at); err != nil {
			return err
		}
	}
	return nil
}

// WriteFile writes a file below the root that belongs to the host's user. It
// replaces an old one in one step, so that no reader sees half of it.
func (h *Host) WriteFile(relative, text string, mode os.FileMode) error {
	path := h.Path(relative)
	if err := os.WriteFile(path+".new", []byte(text), mode); err != nil {
		return fmt.Errorf("the host %s cannot keep %s: %w", h.Name, path, err)
	}
	if err := h.User.own(path + ".new"); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// On says whether the host has power.
func (h *Host) On() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.spawn != nil
}

// PowerOn boots the host: process 1, the SSH server, then the programs of
// etc/rc.d one after the other. It returns when they have ended. A host that
// is on stays as it is.
func (h *Host) PowerOn() error {
	listener, err := h.boot()
	if err != nil || listener == nil {
		return err
	}
	go h.accept(listener)
	return h.runRC()
}

// boot starts process 1 and the SSH server, when no power off is under way any
// more. It gives no listener where the host is on already.
func (h *Host) boot() (net.Listener, error) {
	h.power.Lock()
	defer h.power.Unlock()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.spawn != nil {
		return nil, nil
	}
	if err := h.setBootTime(); err != nil {
		return nil, err
	}
	spawn, err := newSpawner()
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", h.Endpoint())
	if err != nil {
		spawn.off()
		return nil, fmt.Errorf("the host %s cannot listen on %s: %w", h.Name, h.Endpoint(), err)
	}
	h.spawn, h.listener = spawn, listener
	return listener, nil
}

// PowerOff takes the power away: no connection is accepted or kept, and every
// process of the host is killed, also those that left their session. It gives
// how many processes that were, and returns when none is left.
func (h *Host) PowerOff() int {
	h.power.Lock()
	defer h.power.Unlock()
	h.mu.Lock()
	spawn, listener := h.spawn, h.listener
	h.spawn, h.listener = nil, nil
	h.mu.Unlock()
	if spawn == nil {
		return 0
	}
	_ = listener.Close()
	h.CutConnections()
	return spawn.off()
}

// Reboot is PowerOff and PowerOn.
func (h *Host) Reboot() error {
	h.PowerOff()
	return h.PowerOn()
}

// CutConnections drops every SSH connection. Programs go on running, as they
// do below a real server.
func (h *Host) CutConnections() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.conns {
		_ = c.Close()
	}
	return len(h.conns)
}

// Refuse makes the host close every new SSH connection at once.
func (h *Host) Refuse(on bool) { h.set(func() { h.refuse = on }) }

// Silent makes the host accept connections and never say a word, and stop
// answering on those it has: what a dead machine looks like from afar. When it
// ends, what was held back goes on, as after a disturbance of the network.
func (h *Host) Silent(on bool) { h.set(func() { h.silent = on }) }

// Slow delays everything that arrives over SSH.
func (h *Host) Slow(d time.Duration) { h.set(func() { h.slow = d }) }

func (h *Host) set(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
}

// setBootTime writes when the host was booted. `who -b` shows whole minutes,
// so that two boots are at least a minute apart on the host's own account.
func (h *Host) setBootTime() error {
	now := time.Now().Truncate(time.Minute)
	if !now.After(h.booted) {
		now = h.booted.Add(time.Minute)
	}
	h.booted = now
	return h.WriteFile(bootFile, now.Format("2006-01-02 15:04")+"\n", 0o644)
}

// BootTime is when the host was booted by its own account.
func (h *Host) BootTime() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.booted
}

func (h *Host) runRC() error {
	entries, err := os.ReadDir(h.Path(RCDir))
	if err != nil {
		return fmt.Errorf("the host %s cannot boot: %w", h.Name, err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".new") {
			continue
		}
		out, exit, err := h.Run(h.Path(RCDir, e.Name()), "start")
		if err != nil {
			return err
		}
		log := fmt.Sprintf("%s exit %d\n%s", e.Name(), exit.Code, out)
		if err := h.WriteFile("var/log/boot-"+e.Name()+".log", log, 0o644); err != nil {
			return err
		}
	}
	return nil
}
