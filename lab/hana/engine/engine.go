package engine

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/switchback-dr/switchback/lab/hana/hdbsql"
	"github.com/switchback-dr/switchback/lab/hana/instance"
)

// phase is where the engine is in its life.
type phase int

const (
	starting phase = iota
	running
	stopping
)

// engine is the database of one host.
type engine struct {
	conf instance.Config
	ctx  context.Context

	volumes   []*volume
	databases []*database
	receivers []*receiver
	services  []*service

	mu        sync.Mutex
	site      instance.Site
	phase     phase
	holding   bool // the rights to write of all volumes are held
	shipments map[string]*shipment
	peers     map[string]peer
	ports     map[*database]func()
	backups   map[int64]*backup
	source    sourceState
	providers []provider
	started   time.Time
	// tenants is held from a look at whether a tenant may be open until its port
	// is as that look said: without it a port could be opened again for a tenant
	// that has been stopped meanwhile. It is taken before mu.
	tenants sync.Mutex
	// heard are the ends of the source's logs as last heard, per volume.
	heard []point
	// stopReceiving ends the receivers.
	stopReceiving context.CancelFunc
}

// systemDatabase is the name of the system database.
const systemDatabase = "SYSTEMDB"

// newEngine makes an engine with its volumes, not opened.
func newEngine(ctx context.Context, conf instance.Config) *engine {
	e := &engine{
		conf: conf, ctx: ctx, shipments: map[string]*shipment{}, peers: map[string]peer{}, ports: map[*database]func(){},
		backups: map[int64]*backup{}, started: now(),
	}
	index := slices.Index(conf.Members, conf.Host)
	switch {
	case conf.Host == conf.Standby:
		return e
	case index > 0:
		e.addWorkerVolume(index)
		return e
	}
	e.addDatabase(systemDatabase, "nameserver", 1, conf.NameserverPort(), conf.SystemSQLPort(), "SYSTEMTABLES")
	for n, tenant := range conf.Tenants {
		e.addDatabase(tenant, "indexserver", 3+n, conf.TenantPort(n), conf.TenantSQLPort(n), conf.Schema)
	}
	return e
}

func (e *engine) addDatabase(name, service string, id, port, sqlPort int, schema string) {
	v := e.addVolume(name, service, id, port, schema)
	e.databases = append(e.databases, &database{engine: e, name: name, vol: v, port: sqlPort})
}

func (e *engine) addVolume(name, service string, id, port int, schema string) *volume {
	v := &volume{
		turn: make(chan struct{}, 1), changed: make(chan struct{}), id: id, database: name, service: service, port: port, schema: schema,
		path: e.conf.Path("hana/data", e.conf.SID, "mnt00001", fmt.Sprintf("hdb%05d", id), "datavolume_0000.dat"),
	}
	e.volumes = append(e.volumes, v)
	return v
}

// open opens volumes, and makes them at the very first start of a primary.
func (e *engine) open() error {
	site, err := e.conf.Load()
	if err != nil {
		return err
	}
	e.setSite(site)
	for _, v := range e.volumes {
		if err := v.open(e.ctx); err != nil {
			return err
		}
	}
	switch {
	case len(e.volumes) == 0 || site.Secondary() || e.volumes[0].initialised():
		return nil
	case !e.conf.Master():
		return e.volumes[0].create(e.ctx)
	}
	return e.install()
}

func (e *engine) setSite(s instance.Site) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.site = s
}

func (e *engine) siteNow() instance.Site {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.site
}

// update changes the site's files and what the engine knows of them.
func (e *engine) update(change func(*instance.Site) error) error {
	s, err := e.conf.Update(change)
	if err == nil {
		e.setSite(s)
	}
	return err
}

func (e *engine) setPhase(p phase) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.phase = p
}

func (e *engine) phaseNow() phase {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.phase
}

// start brings the engine into the role that its files say.
func (e *engine) start() error {
	site := e.siteNow()
	if site.Secondary() {
		e.startReceiving(site)
		if site.OperationMode == instance.OperationReadAccess {
			e.openPorts()
		}
	} else if err := e.startPrimary(site); err != nil {
		return err
	}
	e.setPhase(running)
	if !e.conf.Master() {
		go e.followMaster()
		return nil
	}
	if err := e.loadProviders(); err != nil {
		return err
	}
	go e.watchPeers()
	go e.watchTenants()
	go e.tellConnections()
	return nil
}

// watchTenants closes the ports of tenants that a fault has stopped, and opens
// those that may be open.
func (e *engine) watchTenants() {
	for {
		select {
		case <-time.After(50 * time.Millisecond):
		case <-e.ctx.Done():
			return
		}
		if e.phaseNow() != running {
			continue
		}
		name, on := e.conf.Fault("tenant-down")
		for _, d := range e.databases[1:] {
			switch {
			case on && d.name == name:
				e.closePort(d)
			case e.mayOpen() && e.pidOf(d) != 0:
				e.openPort(d)
			}
		}
	}
}

func (e *engine) startPrimary(site instance.Site) error {
	for _, v := range e.volumes {
		if err := e.replayAll(v); err != nil {
			return err
		}
	}
	if !e.conf.Master() {
		if site.Suspended {
			e.holdWrites(e.ctx)
		}
		return e.promoteMember(site)
	}
	if site.Pending != nil {
		if err := e.finishTakeover(*site.Pending); err != nil {
			return err
		}
	}
	if site.Suspended {
		e.holdWrites(e.ctx)
	}
	e.openPorts()
	return nil
}

// replayAll brings a volume up to the end of its log.
func (e *engine) replayAll(v *volume) error {
	if !v.initialised() {
		return nil
	}
	db, c, err := v.connect(e.ctx)
	if err != nil {
		return err
	}
	defer func() { _, _ = c.Close(), db.Close() }()
	for {
		last, _, _ := v.state()
		n, err := v.replay(e.ctx, c, last.Pos)
		if err != nil || n == 0 {
			return err
		}
	}
}

// openPorts lets clients in: on a primary, and on a secondary with read access.
func (e *engine) openPorts() {
	for _, d := range e.databases {
		e.openPort(d)
	}
}

// openPort opens a database's SQL port, unless it is open or the database is
// stopped.
func (e *engine) openPort(d *database) {
	e.tenants.Lock()
	defer e.tenants.Unlock()
	e.openPortLocked(d)
}

// openPortLocked is openPort for a caller that holds tenants.
func (e *engine) openPortLocked(d *database) {
	e.mu.Lock()
	open := e.ports[d] != nil
	e.mu.Unlock()
	if open || e.tenantDown(d) {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ports[d] != nil || e.phase == stopping || !d.vol.initialised() {
		return
	}
	l, err := e.bind(d.port)
	if err != nil {
		trace("the SQL port %d of %s cannot be opened: %v", d.port, d.name, err)
		return
	}
	ctx, cancel := context.WithCancel(e.ctx)
	context.AfterFunc(ctx, func() { _ = l.Close() })
	e.ports[d] = func() {
		cancel()
		_ = l.Close() // here and now: whoever closed a port must not find it open
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go d.serve(ctx, c)
		}
	}()
}

// closePort ends a database's sessions and its port: when it returns, nobody
// can connect any more.
func (e *engine) closePort(d *database) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if end := e.ports[d]; end != nil {
		end()
		delete(e.ports, d)
	}
}

// mayWrite says why a transaction may not change anything now, or nil.
func (e *engine) mayWrite() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.site.Secondary():
		return &hdbsql.Error{Code: hdbsql.CodeReadOnly, State: "25006", Text: instance.Text("secondary-read-only")}
	case e.site.Suspended:
		return &hdbsql.Error{Code: hdbsql.CodeNotAvailable, State: "25006", Text: instance.Text("primary-suspended")}
	}
	return nil
}

// close ends everything in order: clients, receivers, files.
func (e *engine) close() {
	e.setPhase(stopping)
	for _, d := range e.databases {
		e.closePort(d)
	}
	e.endReceiving()
	for _, v := range e.volumes {
		v.close()
	}
}
