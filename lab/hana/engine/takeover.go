package engine

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/switchback-dr/switchback/lab/hana/instance"
)

// history is a row of M_SYSTEM_REPLICATION_TAKEOVER_HISTORY.
type history struct {
	instance.Takeover
	Ended       time.Time `json:"ended"`
	SiteID      int       `json:"site_id"`
	SiteName    string    `json:"site_name"`
	Host        string    `json:"host"`
	Version     string    `json:"version"`
	LogPos      int64     `json:"log_pos"`
	LogTime     time.Time `json:"log_time,omitzero"`
	ShippedPos  int64     `json:"shipped_pos"`
	ShippedTime time.Time `json:"shipped_time,omitzero"`
}

// takeover makes this secondary the primary. Texts of refusals are not
// published; what is known is what must have happened afterwards.
func (e *engine) takeover(ctx context.Context, a instance.TakeoverArgs) (instance.Done, error) {
	site := e.siteNow()
	switch {
	case !site.Secondary():
		return instance.Done{}, instance.Fail(1, "%s", instance.Text("takeover-not-secondary"))
	case e.phaseNow() != running:
		return instance.Done{}, instance.Fail(1, "%s", instance.Text("takeover-starting"))
	}
	for _, v := range e.volumes {
		if !v.initialised() && site.Parameter("enable_takeover_with_uninitialized_volumes", "false") != "true" {
			return instance.Done{}, instance.Fail(1, "%s", instance.Text("takeover-uninitialised"))
		}
	}
	if _, on := e.conf.Fault("takeover-without-effect"); on {
		return instance.Done{}, nil
	}
	if rc := e.hook(ctx, "preTakeover", map[string]any{"isForce": false}); rc != 0 {
		return instance.Done{}, instance.Fail(1, instance.Text("takeover-refused"), rc)
	}
	err := e.takeOver(ctx, a, site)
	// 0: it succeeded; 2: it did not.
	e.hook(ctx, "postTakeover", map[string]any{"rc": map[bool]int{true: 0, false: 2}[err == nil]})
	return instance.Done{}, err
}

// takeOver does it, after everybody was asked.
func (e *engine) takeOver(ctx context.Context, a instance.TakeoverArgs, site instance.Site) error {
	if a.SuspendPrimary {
		if err := e.handshake(ctx, a); err != nil {
			return err
		}
	}
	if err := e.promote(site, "ONLINE"); err != nil {
		return err
	}
	e.reregisterOthers(ctx, site)
	return nil
}

// promote decides the takeover in the site's files, then carries it out. A
// crash behind the decision finishes it at the next start.
func (e *engine) promote(site instance.Site, kind string) error {
	t, err := NewTakeover(site, kind, e.statusOfSource())
	if err != nil {
		return err
	}
	e.endReceiving()
	if err := e.update(func(s *instance.Site) error {
		s.BecomePrimary(t)
		return nil
	}); err != nil {
		return err
	}
	return e.startPrimary(e.siteNow())
}

// NewTakeover describes a takeover that is about to be decided.
func NewTakeover(site instance.Site, kind, status string) (instance.Takeover, error) {
	id := make([]byte, 8)
	if _, err := rand.Read(id); err != nil {
		return instance.Takeover{}, err
	}
	t := instance.Takeover{
		ID: hex.EncodeToString(id), Type: kind, Started: now(), Mode: site.Mode, OperationMode: site.OperationMode, Status: status,
	}
	if source := sourceOf(site); source != nil {
		t.SourceID, t.SourceName = source.ID, source.Name
		if len(source.Hosts) > 0 {
			t.SourceHost = source.Hosts[0]
		}
	}
	return t, nil
}

// statusOfSource is the replication status that the secondary itself knows: it
// is fed by its source, or it is not.
func (e *engine) statusOfSource() string {
	e.mu.Lock()
	all := e.receivers
	e.mu.Unlock()
	for _, r := range all {
		r.mu.Lock()
		connected, behind := r.connected, r.source.Pos > r.got.Pos
		r.mu.Unlock()
		switch {
		case !connected:
			return statusError
		case behind:
			return statusSyncing
		}
	}
	return statusActive
}

// finishTakeover begins the new primary's own log and writes the history.
func (e *engine) finishTakeover(t instance.Takeover) error {
	site := e.siteNow()
	system := e.volumes[0]
	last, shipped := e.furthestBehind()
	if end, _, _ := system.state(); end.Gen != t.ID {
		for _, v := range e.volumes {
			if !v.initialised() {
				continue
			}
			if err := v.beginGeneration(e.ctx, t.ID); err != nil {
				return err
			}
		}
	}
	h := history{
		Takeover: t, Ended: now(), SiteID: site.ID, SiteName: site.Name, Host: e.conf.Host, Version: e.conf.Version,
		ShippedPos: shipped.Pos * logBlock, ShippedTime: shipped.At, LogPos: last.Pos * logBlock, LogTime: last.At,
	}
	b, err := json.Marshal(h)
	if err != nil {
		return err
	}
	st := statement{"insert or ignore into " + system.schema + "._SYS_TAKEOVERS values (?, ?)", []any{t.ID, string(b)}}
	if err := e.write(system, st); err != nil {
		return err
	}
	err = e.update(func(s *instance.Site) error {
		s.Pending = nil
		return nil
	})
	return err
}

// furthestBehind gives, for the volume that misses most, the end of the
// source's log as this site last heard it, and the end of its own.
func (e *engine) furthestBehind() (last, shipped point) {
	e.mu.Lock()
	heard := e.heard
	e.mu.Unlock()
	for i, v := range e.volumes {
		own, _, _ := v.state()
		of := own
		if i < len(heard) && heard[i].Pos > own.Pos {
			of = heard[i]
		}
		missing := of.Pos - own.Pos
		if i == 0 || missing > last.Pos-shipped.Pos || missing == last.Pos-shipped.Pos && own.At.After(shipped.At) {
			last, shipped = of, own
		}
	}
	return last, shipped
}

// write runs statements of the database itself as one logged transaction.
func (e *engine) write(v *volume, all ...statement) error {
	ctx := e.ctx
	db, c, err := v.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { _, _ = c.Close(), db.Close() }()
	if err := v.acquire(ctx); err != nil {
		return err
	}
	defer v.release()
	if _, err := c.ExecContext(ctx, "begin immediate"); err != nil {
		return err
	}
	for _, s := range all {
		if _, err := c.ExecContext(ctx, s.Text, s.Args...); err != nil {
			_, _ = c.ExecContext(ctx, "rollback")
			return err
		}
	}
	_, committed, err := v.log(ctx, c, all)
	if err == nil {
		_, err = c.ExecContext(ctx, "commit")
	}
	if err != nil {
		_, _ = c.ExecContext(ctx, "rollback")
		return err
	}
	committed()
	return nil
}

// reregisterOthers tells the other secondaries of the old primary that they
// are fed from here now, where register_secondaries_on_takeover says so.
func (e *engine) reregisterOthers(ctx context.Context, before instance.Site) {
	own := before.ByID(before.ID)
	if own == nil || before.Parameter("register_secondaries_on_takeover", "false") != "true" {
		return
	}
	for _, k := range before.Targets(own.Source) {
		if k.ID == before.ID || len(k.Hosts) == 0 {
			continue
		}
		k.Source = before.ID
		if err := e.update(func(s *instance.Site) error {
			s.Put(k)
			return nil
		}); err != nil {
			trace("register_secondaries_on_takeover: %v", err)
			continue
		}
		address, _ := e.conf.At(k.Hosts[0], e.conf.ReplicationPort())
		master := fmt.Sprintf("%s:%d", e.conf.Host, e.conf.NameserverPort())
		if err := instance.Ask(ctx, address, "reregister", instance.Reregister{SourceID: before.ID, Master: master, Sites: e.siteNow().Sites}, nil); err != nil {
			trace("register_secondaries_on_takeover: %v", err)
		}
	}
}
