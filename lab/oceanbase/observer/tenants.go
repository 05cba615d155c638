package observer

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// firstUserStream is the number of a tenant's first user log stream.
const firstUserStream = 1001

// newTenant adds a tenant without log streams. The caller holds the lock.
func (o *Cluster) newTenant(name, mode, poolName string) *tenant {
	now := micros()
	t := &tenant{
		ID: o.state.NextTenant, Name: name, Mode: mode, Status: statusNormal, Role: rolePrimary, Change: stateNormal, Until: maxSCN,
		Epoch: now, Pool: poolName, Zone: "RANDOM", Locality: o.fullLocality(), Data: o.Version.compatible(), Created: now, Modified: now,
	}
	o.state.NextTenant += 2
	o.state.Tenants = append(o.state.Tenants, t)
	if p := o.state.poolNamed(poolName); p != nil {
		p.Tenant = t.ID
	}
	return t
}

// poolFree says whether a pool can take a tenant.
func (o *Cluster) poolFree(name string) error {
	p := o.state.poolNamed(name)
	switch {
	case p == nil:
		return poolMissing.with(name)
	case p.Tenant != 0:
		return poolUsed.with(name)
	}
	return nil
}

// createTenant makes a primary tenant with its streams and its administrator.
// The caller holds the lock.
func (o *Cluster) createTenant(name, mode, poolName string) (*tenant, error) {
	if o.state.tenantNamed(name) != nil {
		return nil, tenantExists.with(name)
	}
	if err := o.poolFree(poolName); err != nil {
		return nil, err
	}
	t := o.newTenant(name, mode, poolName)
	now := time.Now().UnixNano()
	t.addStream(1, now)
	for i := range o.Streams {
		t.addStream(int64(firstUserStream+i), now)
	}
	if err := o.openStreams(t); err != nil {
		return nil, err
	}
	root := "root"
	if mode == modeOracle {
		root = "SYS"
	}
	if err := o.append(t, t.Streams[0], payload{User: admin(root, "")}); err != nil {
		return nil, err
	}
	o.attend(t)
	o.log.line("create tenant=%s", name)
	return t, nil
}

func (t *tenant) addStream(id, scn int64) {
	t.Streams = append(t.Streams, &stream{ID: id, Create: scn, Access: accessAppend})
	t.History = append(t.History, streamPast{id, scn})
}

// createStandbyTenant is CREATE STANDBY TENANT: it blocks until the tenant
// follows its source, or the session's time is over.
func (o *Cluster) createStandbyTenant(name, poolName string, src *source, deadline time.Time) error {
	if !o.Version.network() {
		return parseError.with("STANDBY TENANT")
	}
	if src == nil || src.Type != "SERVICE" {
		return badArguments.with(badSourceText)
	}
	if err := o.checkSource(nil, src); err != nil {
		return err
	}
	reply, err := o.askSource(src)
	if err != nil {
		return badArguments.with(sourceComplaint(err))
	}
	var t *tenant
	err = o.changed(func() error {
		if o.state.tenantNamed(name) != nil {
			return tenantExists.with(name)
		}
		if err := o.poolFree(poolName); err != nil {
			return err
		}
		t = o.newTenant(name, reply.Mode, poolName)
		t.Status, t.Role, t.Source = statusCreating, roleStandby, src
		o.log.line("create standby tenant=%s", name)
		return os.MkdirAll(o.store.tenantDir(t.ID), 0o700)
	})
	if err != nil {
		return err
	}
	// A source whose first log is gone cannot be the source of a new tenant.
	for _, s := range reply.Streams {
		if s.Begin > 0 {
			return o.failCreation(t, "the log of the source is not complete")
		}
	}
	o.attend(t)
	for time.Now().Before(deadline) && o.sleep(time.Duration(o.Pace.Poll)/2) {
		done := false
		err := o.locked(func() error {
			if t.created() {
				t.Status, t.Modified, done = statusNormal, micros(), true
				return o.save()
			}
			return nil
		})
		if done || err != nil {
			return err
		}
	}
	return createStandby.with("you may find solutions in previous error logs or seek help from official technicians")
}

// created says whether a new standby has its streams, with log in each.
func (t *tenant) created() bool {
	if len(t.Streams) == 0 {
		return false
	}
	for _, s := range t.Streams {
		if s.Sync <= max(s.Create, minSCN) {
			return false
		}
	}
	return t.follow.past == ""
}

// failCreation leaves the tenant as the server does: in its creating status,
// with its pool in use.
func (o *Cluster) failCreation(t *tenant, why string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	t.follow.past, t.follow.code = syncGap, -4016
	return createStandby.with(why)
}

// dropTenant removes a tenant, or puts it into the recycle bin. A resource pool
// stays. The caller holds the lock.
func (o *Cluster) dropTenant(t *tenant, recycle bool) error {
	o.log.line("drop tenant=%s recycle=%t", t.Name, recycle)
	if recycle {
		t.Recycled, t.Modified = true, micros()
		t.Name = fmt.Sprintf("__recycle_$_%d_%d", o.ClusterID, t.Modified)
		return nil
	}
	t.dropStreams()
	for i := range o.state.Pools {
		if o.state.Pools[i].Tenant == t.ID {
			o.state.Pools[i].Tenant = 0
		}
	}
	var rest []*tenant
	for _, other := range o.state.Tenants {
		if other != t {
			rest = append(rest, other)
		}
	}
	o.state.Tenants = rest
	// The directory goes after the tenant: a crash between the two leaves
	// files that nobody reads.
	dir := o.store.tenantDir(t.ID)
	o.jobs.Go(func() { _ = os.RemoveAll(dir) })
	return nil
}

func (t *tenant) dropStreams() {
	for _, s := range t.Streams {
		s.close()
	}
	t.Streams, t.History, t.content = nil, nil, nil
}

// reset opens the stream with empty files.
func (s *stream) reset(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	base := filepath.Join(dir, "ls_"+strconv.FormatInt(s.ID, 10))
	for _, name := range []string{base + ".log", base + ".sync"} {
		if err := os.RemoveAll(name); err != nil {
			return err
		}
	}
	return s.open(dir)
}
