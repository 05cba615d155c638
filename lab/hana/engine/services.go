package engine

import (
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/switchback-dr/switchback/lab/hana/instance"
)

// service is one of the instance's processes. Each is a process of its own, so
// that it has a number, is seen and can be killed; the work is done here.
type service struct {
	name, description string
	database          *database // of a nameserver or indexserver

	mu    sync.Mutex
	pid   int
	since time.Time
}

// makeServices lists the instance's services, in the order in which sapcontrol
// shows them.
func (e *engine) makeServices() {
	nameserver := &service{name: "hdbnameserver", description: "HDB Nameserver"}
	e.services = []*service{
		{name: "hdbcompileserver", description: "HDB Compileserver"},
		nameserver,
		{name: "hdbpreprocessor", description: "HDB Preprocessor"},
		{name: "hdbwebdispatcher", description: "HDB Web Dispatcher"},
	}
	if !e.conf.Master() {
		if e.conf.Host != e.conf.Standby {
			e.services = append(e.services, &service{name: "hdbindexserver", description: "HDB Indexserver-" + e.conf.Tenants[0]})
		}
		return
	}
	nameserver.database = e.databases[0]
	for _, d := range e.databases[1:] {
		e.services = append(e.services, &service{name: "hdbindexserver", description: "HDB Indexserver-" + d.name, database: d})
	}
}

// spawnServices starts the processes and starts again what ends, as hdbdaemon
// does. They die with this process: the kernel ties them to the thread that
// started them, which therefore must live as long.
func (e *engine) spawnServices() {
	spawn := make(chan *service, len(e.services))
	for _, s := range e.services {
		spawn <- s
	}
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		for {
			select {
			case s := <-spawn:
				e.spawn(s, spawn)
			case <-e.ctx.Done():
				return
			}
		}
	}()
}

func (e *engine) spawn(s *service, again chan<- *service) {
	if s.down(e) {
		e.respawn(s, again)
		return
	}
	cmd := &exec.Cmd{Path: "/bin/sleep", Args: []string{s.name, "2147483647"}, SysProcAttr: &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}}
	if err := cmd.Start(); err != nil {
		trace("%s does not start: %v", s.name, err)
		e.respawn(s, again)
		return
	}
	s.mu.Lock()
	s.pid, s.since = cmd.Process.Pid, now()
	s.mu.Unlock()
	if s.database != nil && e.phaseNow() == running && e.mayOpen() {
		e.openPort(s.database)
	}
	go func() {
		_ = cmd.Wait()
		s.mu.Lock()
		s.pid = 0
		s.mu.Unlock()
		if s.database != nil {
			e.closePort(s.database)
		}
		e.respawn(s, again)
	}()
}

// mayOpen says whether SQL ports may be open in the site's role.
func (e *engine) mayOpen() bool {
	site := e.siteNow()
	return !site.Secondary() || site.OperationMode == instance.OperationReadAccess
}

func (e *engine) respawn(s *service, again chan<- *service) {
	select {
	case <-time.After(e.conf.Start + 20*time.Millisecond):
	case <-e.ctx.Done():
		return
	}
	select {
	case again <- s:
	case <-e.ctx.Done():
	}
}

// down says whether a fault keeps the service from starting.
func (s *service) down(e *engine) bool {
	name, on := e.conf.Fault("service-down")
	return on && name == s.name
}

// serviceList is what sapcontrol shows.
func (e *engine) serviceList() []instance.Service {
	p := e.phaseNow()
	var all []instance.Service
	for _, s := range e.services {
		s.mu.Lock()
		pid, since := s.pid, s.since
		s.mu.Unlock()
		shown := instance.Service{Name: s.name, Description: s.description, Status: "GREEN", Text: "Running", Since: since, PID: pid}
		switch {
		case pid == 0:
			shown.Status, shown.Text = "YELLOW", "Scheduled"
		case p == starting:
			shown.Status, shown.Text = "YELLOW", "Initializing"
		case p == stopping:
			shown.Status, shown.Text = "YELLOW", "Stopping"
		case s.database != nil && e.mayOpen() && e.tenantDown(s.database):
			continue // a stopped tenant has no process
		}
		all = append(all, shown)
	}
	return all
}

func (e *engine) pidOf(d *database) int {
	for _, s := range e.services {
		if s.database == d {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.pid
		}
	}
	return 0
}
