package observer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

// Cluster is one running cluster.
type Cluster struct {
	Config
	store *store
	knobs knobs
	log   *logFile

	// mu guards everything below. Nobody waits with it in his hands.
	mu    sync.Mutex
	state *state
	jobs  sync.WaitGroup
	ctx   context.Context
	stop  context.CancelFunc
}

// Open reads a cluster's files, or makes those of a new one.
func Open(c Config) (*Cluster, error) {
	st, err := openStore(c.Dir)
	if err != nil {
		return nil, err
	}
	loaded, fresh, err := st.load()
	if err != nil {
		st.close()
		return nil, err
	}
	if err := os.MkdirAll(c.Knobs, 0o755); err != nil {
		st.close()
		return nil, fmt.Errorf("no directory of switches: %w", err)
	}
	out, err := openLog(c.Dir)
	if err != nil {
		st.close()
		return nil, err
	}
	o := &Cluster{Config: c, store: st, knobs: knobs{c.Knobs}, state: loaded, log: out}
	o.ctx, o.stop = context.WithCancel(context.Background())
	if fresh {
		err = o.bootstrap()
	} else {
		err = o.openTenants()
	}
	if err != nil {
		return nil, errors.Join(err, o.Close())
	}
	o.start()
	return o, nil
}

// Close ends what runs in the background and closes the files.
func (o *Cluster) Close() error {
	o.stop()
	o.jobs.Wait()
	for _, t := range o.state.Tenants {
		for _, s := range t.Streams {
			s.close()
		}
	}
	o.store.close()
	return o.log.close()
}

// start begins to follow, to archive, and to go on with unfinished jobs.
func (o *Cluster) start() {
	for _, t := range o.state.Tenants {
		if !t.sys() {
			o.attend(t)
		}
	}
	o.resumeJobs()
}

// attend runs what a user tenant needs in the background.
func (o *Cluster) attend(t *tenant) {
	o.jobs.Go(func() { o.followForever(t.ID) })
	o.jobs.Go(func() { o.archiveForever(t.ID) })
}

// bootstrap makes a new cluster: the sys tenant with root without a password,
// as a fresh cluster has it.
func (o *Cluster) bootstrap() error {
	now := micros()
	o.state.NextTenant, o.state.NextJob = firstTenant, 1
	o.state.Parameters = map[string]string{
		"server_permanent_offline_time": "3600s", "balancer_idle_time": "10s", "enable_rich_error_msg": "False",
		"recyclebin_object_expire_time": "0s",
	}
	sys := &tenant{
		ID: sysID, Name: "sys", Mode: modeMySQL, Status: statusNormal, Role: rolePrimary, Change: stateNormal, Until: maxSCN,
		Zone: "RANDOM", Locality: o.fullLocality(), Data: o.Version.compatible(), Created: now, Modified: now, Pool: "sys_pool",
		Streams: []*stream{{ID: 1, Access: accessAppend}},
	}
	o.state.Tenants = []*tenant{sys}
	o.state.Units = []unitConfig{{1, "sys_unit_config", "1", "1G"}}
	o.state.Pools = []pool{{1, "sys_pool", "sys_unit_config", 1, sysID}}
	if err := o.openTenants(); err != nil {
		return err
	}
	if err := o.append(sys, sys.Streams[0], payload{User: admin("root", "")}); err != nil {
		return err
	}
	return o.save()
}

func admin(name, password string) *user {
	return &user{Name: name, Password: password, Grants: []grant{{[]string{"ALL"}, "*.*"}}}
}

func (o *Cluster) openTenants() error {
	for _, t := range o.state.Tenants {
		if err := o.openStreams(t); err != nil {
			return err
		}
	}
	return nil
}

func (o *Cluster) openStreams(t *tenant) error {
	dir := o.store.tenantDir(t.ID)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for _, s := range t.Streams {
		if err := s.open(dir); err != nil {
			return fmt.Errorf("tenant %s: %w", t.Name, err)
		}
	}
	t.refresh()
	return nil
}

// save keeps the state file. The caller holds the lock.
func (o *Cluster) save() error { return o.store.save(o.state) }

// locked runs f with the lock.
func (o *Cluster) locked(f func() error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return f()
}

// changed runs f with the lock and saves the state if it went well.
func (o *Cluster) changed(f func() error) error {
	return o.locked(func() error {
		if err := f(); err != nil {
			return err
		}
		return o.save()
	})
}

// nextSCN gives the next SCN of a primary tenant: the time, but never one that
// was given, and never one below the base that a role change left.
func (t *tenant) nextSCN() int64 {
	return max(time.Now().UnixNano(), t.furthest()+1, t.Base)
}

// append writes an entry of the tenant's own, with a new SCN, and applies it.
// The caller holds the lock.
func (o *Cluster) append(t *tenant, s *stream, do payload) error {
	if err := s.add(t.nextSCN(), do); err != nil {
		return err
	}
	t.refresh()
	return nil
}

// endSCN is the SCN up to which a stream of a primary is complete: no later
// entry can get a smaller one.
func (o *Cluster) endSCN(t *tenant, s *stream) int64 {
	if t.Role != rolePrimary || s.Access != accessAppend {
		return s.Sync
	}
	if _, ok := o.leader(t, s.ID); !ok {
		return s.Sync
	}
	now := max(time.Now().UnixNano(), t.Base)
	if now > s.Sync {
		// What was said once must stay true after a restart.
		if err := s.setSync(now); err != nil {
			return s.Sync
		}
	}
	return s.Sync
}

func micros() int64 { return time.Now().UnixMicro() }

// sleep waits, or until the cluster ends.
func (o *Cluster) sleep(d time.Duration) bool {
	select {
	case <-o.ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

func (o *Cluster) fullLocality() string {
	var all []string
	for i := range o.Listen {
		all = append(all, fmt.Sprintf("FULL{1}@zone%d", i+1))
	}
	return strings.Join(all, ", ")
}
