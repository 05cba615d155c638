package engine

import (
	"context"
	"slices"
	"time"

	"github.com/switchback-dr/switchback/lab/hana/instance"
)

// A scale-out system has more hosts than one. The first is the nameserver
// master: the system database and the tenants' tables are there, and it leads
// every change of role. A worker has one volume of its own for the first
// tenant, which grows by HANA's own records and is shipped to the same host of
// the other site. A standby has none.

// workerVolume is the number of the first worker's volume.
const workerVolume = 20

// addWorkerVolume gives a worker its volume.
func (e *engine) addWorkerVolume(index int) {
	tenant := e.conf.Tenants[0]
	id := workerVolume + index
	e.addVolume(tenant, "indexserver", id, e.conf.TenantPort(0), "WORKER")
}

// workers are the site's other hosts that have a volume.
func (e *engine) workers() []string {
	if !e.conf.Master() {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(e.conf.Members[1:]), func(m string) bool { return m == e.conf.Standby })
}

// askWorker asks another host's daemon.
func (e *engine) askWorker(ctx context.Context, host, op string, args, result any) error {
	address, _ := e.conf.At(host, e.conf.NameserverPort())
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return instance.Ask(ctx, address, op, args, result)
}

// memberEvery is how often a worker looks at the files that its master writes,
// and writes a record of its own.
const memberEvery = 100 * time.Millisecond

// followMaster keeps a worker in the role that the site's files say.
func (e *engine) followMaster() {
	for {
		select {
		case <-time.After(memberEvery):
		case <-e.ctx.Done():
			return
		}
		if e.phaseNow() != running {
			continue
		}
		site, err := e.conf.Load()
		if err != nil {
			trace("topology: %v", err)
			continue
		}
		before := e.siteNow()
		e.setSite(site)
		if err := e.adopt(before, site); err != nil {
			trace("role: %v", err)
		}
		if site.Mode == instance.ModePrimary && !site.Suspended && before.Mode == instance.ModePrimary {
			e.ownRecords()
		}
	}
}

// adopt carries out a change of role on a worker.
func (e *engine) adopt(before, site instance.Site) error {
	if before.Secondary() && !site.Secondary() {
		return e.promoteMember(site)
	}
	if before.Suspended && !site.Suspended {
		e.freeWrites()
	}
	e.dropStrangers()
	return nil
}

// promoteMember makes a worker's volumes those of a primary.
func (e *engine) promoteMember(site instance.Site) error {
	e.endReceiving()
	for _, v := range e.volumes {
		if err := e.replayAll(v); err != nil {
			return err
		}
		if v.initialised() && site.LastTakeover != "" {
			if err := v.beginGeneration(e.ctx, site.LastTakeover); err != nil {
				return err
			}
		}
	}
	return nil
}

// ownRecords writes an empty record to each of a worker's volumes.
func (e *engine) ownRecords() {
	e.mu.Lock()
	held := e.holding
	e.mu.Unlock()
	if held {
		return
	}
	for _, v := range e.volumes {
		if err := e.write(v); err != nil {
			trace("volume %d: %v", v.id, err)
		}
	}
}

// held is what a worker answers when its writing is stopped: the ends of its
// logs.
func (e *engine) held(ctx context.Context, _ instance.Nothing) (suspension, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if !e.holdWrites(ctx) {
		return suspension{}, instance.Fail(1, "%s", instance.Text("handshake-open-writes"))
	}
	return suspension{e.ends()}, nil
}

// freed lets a worker write again.
func (e *engine) freed(context.Context, instance.Nothing) (instance.Done, error) {
	e.freeWrites()
	return instance.Done{}, nil
}

// reached waits until a worker's volumes have these positions.
func (e *engine) reached(ctx context.Context, s suspension) (instance.Done, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	for _, v := range e.volumes {
		if err := v.reach(ctx, s.Ends[v.id]); err != nil {
			return instance.Done{}, err
		}
	}
	return instance.Done{}, nil
}

func (e *engine) ends() map[int]int64 {
	ends := map[int]int64{}
	for _, v := range e.volumes {
		last, _, _ := v.state()
		ends[v.id] = last.Pos
	}
	return ends
}
