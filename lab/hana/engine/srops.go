package engine

import (
	"context"
	"errors"
	"slices"

	"github.com/switchback-dr/switchback/lab/hana/instance"
)

// enable is -sr_enable: this site becomes the source of system replication.
func (e *engine) enable(ctx context.Context, a instance.EnableArgs) (instance.Done, error) {
	site := e.siteNow()
	if site.Secondary() {
		err := e.update(func(s *instance.Site) error {
			s.Source = true
			return nil
		})
		return instance.Done{}, err
	}
	for _, d := range e.databases {
		if n, err := d.backupsDone(ctx); err != nil || n == 0 {
			return instance.Done{}, instance.Fail(1, "%s", instance.Text("no-backup"))
		}
	}
	err := e.update(func(s *instance.Site) error {
		return s.Enable(a.Name, e.conf.Members)
	})
	return instance.Done{}, err
}

// disable is -sr_disable: no secondary may be attached.
func (e *engine) disable(context.Context, instance.Nothing) (instance.Done, error) {
	site := e.siteNow()
	if site.Mode != instance.ModePrimary {
		return instance.Done{}, instance.Fail(1, "%s", instance.Text("not-primary"))
	}
	if len(site.Targets(site.ID)) > 0 {
		return instance.Done{}, instance.Fail(1, "%s", instance.Text("secondary-attached"))
	}
	err := e.update(func(s *instance.Site) error {
		s.Clear()
		return nil
	})
	return instance.Done{}, err
}

// unregister is -sr_unregister on a source: it forgets a secondary.
func (e *engine) unregister(_ context.Context, a instance.UnregisterArgs) (instance.Done, error) {
	err := e.update(func(s *instance.Site) error {
		k := s.Find(a.Name)
		if a.Name == "" {
			k = s.ByID(a.ID)
		}
		if k == nil || k.Gone || k.Source != s.ID {
			return instance.Fail(1, "%s", instance.Text("unregister-unknown"))
		}
		s.Drop(k.ID)
		return nil
	})
	if err != nil {
		return instance.Done{}, err
	}
	e.dropStrangers()
	return instance.Done{}, nil
}

// dropStrangers ends the shipping to sites that are not fed from here any more.
func (e *engine) dropStrangers() {
	site := e.siteNow()
	var names []string
	for _, k := range site.Targets(site.ID) {
		names = append(names, k.Name)
	}
	e.mu.Lock()
	var gone []*shipment
	for key, s := range e.shipments {
		if !slices.Contains(names, s.site) {
			gone = append(gone, s)
			delete(e.shipments, key)
		}
	}
	e.mu.Unlock()
	for _, s := range gone {
		s.drop(instance.Text("channel-closed"))
	}
}

// registerSecondary is the source's part of -sr_register.
func (e *engine) registerSecondary(_ context.Context, a instance.RegisterArgs) (instance.Registered, error) {
	site := e.siteNow()
	if _, early := e.conf.Fault("source-not-ready"); early {
		return instance.Registered{}, instance.Fail(1, "%s", instance.Text("source-not-ready"))
	}
	switch {
	case e.phaseNow() != running:
		return instance.Registered{}, instance.Fail(1, "%s", instance.Text("source-not-ready"))
	case site.Mode != instance.ModePrimary && !site.Source:
		return instance.Registered{}, instance.Fail(1, "%s", instance.Text("source-not-enabled"))
	case site.Pending != nil:
		return instance.Registered{}, instance.Fail(1, "%s", instance.Text("source-not-ready"))
	case a.SID != e.conf.SID || a.Number != e.conf.Number:
		return instance.Registered{}, instance.Fail(1, "%s", instance.Text("register-sid"))
	case a.Name == site.Name:
		return instance.Registered{}, instance.Fail(1, "%s", instance.Text("register-name"))
	case slices.ContainsFunc(a.Hosts, func(h string) bool { return slices.Contains(e.conf.Members, h) }):
		return instance.Registered{}, instance.Fail(1, "%s", instance.Text("register-hosts"))
	}
	if k := site.Find(a.Name); k != nil && !k.Gone && !slices.Equal(k.Hosts, a.Hosts) {
		return instance.Registered{}, instance.Fail(1, "%s", instance.Text("register-name"))
	}
	sums, err := e.conf.SSFSSums()
	if err != nil || !slices.Equal(sums, a.SSFS) {
		return instance.Registered{}, instance.Fail(149, "%s", instance.Text("register-ssfs"))
	}
	var out instance.Registered
	err = e.update(func(s *instance.Site) error {
		k := s.Find(a.Name)
		id := 0
		if k != nil {
			id = k.ID
		} else {
			id = s.NextID()
		}
		s.Put(instance.Known{ID: id, Name: a.Name, Mode: a.Mode, OperationMode: a.OperationMode, Source: s.ID, Hosts: a.Hosts})
		out = instance.Registered{ID: id, SourceID: s.ID, Sites: s.Sites}
		return nil
	})
	if err != nil {
		return out, err
	}
	// What an earlier registration shipped is no account of this one.
	for _, v := range e.volumes {
		e.shipment(a.Name, v).drop(instance.Text("channel-closed"))
	}
	return out, nil
}

// registerOnline is -sr_register --online: the running database takes its new
// registration and starts again by itself.
func (e *engine) registerOnline(_ context.Context, a instance.Registration) (instance.Done, error) {
	if _, on := e.conf.Fault("online-register-without-restart"); on {
		return instance.Done{}, e.conf.Registered(a)
	}
	if err := e.conf.Registered(a); err != nil {
		return instance.Done{}, err
	}
	go e.restart()
	return instance.Done{}, nil
}

// reregister is what a new primary asks of the old one's other secondaries.
func (e *engine) reregister(_ context.Context, a instance.Reregister) (instance.Done, error) {
	site := e.siteNow()
	if !site.Secondary() {
		return instance.Done{}, errors.New("this site is no secondary")
	}
	if err := e.update(func(s *instance.Site) error {
		for _, k := range a.Sites {
			s.Put(k)
		}
		s.Masters = []string{a.Master}
		return nil
	}); err != nil {
		return instance.Done{}, err
	}
	e.endReceiving()
	e.startReceiving(e.siteNow())
	return instance.Done{}, nil
}

// fullSync is -sr_fullsync.
func (e *engine) fullSync(_ context.Context, a instance.FullSyncArgs) (instance.Done, error) {
	if e.siteNow().Mode != instance.ModePrimary {
		return instance.Done{}, instance.Fail(1, "%s", instance.Text("not-primary"))
	}
	err := e.update(func(s *instance.Site) error {
		s.FullSync = a.On
		s.SetParameter("enable_full_sync", map[bool]string{true: "true", false: "false"}[a.On])
		return nil
	})
	return instance.Done{}, err
}

// changeMode is -sr_changemode, on the secondary.
func (e *engine) changeMode(ctx context.Context, a instance.ModeArgs) (instance.Done, error) {
	site := e.siteNow()
	if !site.Secondary() {
		return instance.Done{}, instance.Fail(1, "%s", instance.Text("not-secondary"))
	}
	address, err := e.sourceAddress()
	if err != nil {
		return instance.Done{}, err
	}
	a.Site = site.Name
	if err := instance.Ask(ctx, address, "changemode", a, nil); err != nil {
		return instance.Done{}, err
	}
	if err := e.update(func(s *instance.Site) error {
		s.Mode = a.Mode
		if own := s.ByID(s.ID); own != nil {
			own.Mode = a.Mode
		}
		return nil
	}); err != nil {
		return instance.Done{}, err
	}
	e.endReceiving()
	e.startReceiving(e.siteNow())
	return instance.Done{}, nil
}

func (e *engine) secondaryChangesMode(_ context.Context, a instance.ModeArgs) (instance.Done, error) {
	err := e.update(func(s *instance.Site) error {
		k := s.Find(a.Site)
		if k == nil || k.Gone || k.Source != s.ID {
			return instance.Fail(1, "%s", instance.Text("unregister-unknown"))
		}
		k.Mode = a.Mode
		return nil
	})
	return instance.Done{}, err
}

// initialize is -sr_initialize on the source: the volumes of a database, or
// one volume, are shipped anew to every secondary.
func (e *engine) initialize(ctx context.Context, a instance.InitializeArgs) (instance.Done, error) {
	site := e.siteNow()
	for _, v := range e.volumes {
		if a.Database != "" && v.database != a.Database || a.Volume != 0 && v.id != a.Volume {
			continue
		}
		last, _, _ := v.state()
		if err := v.prune(ctx, last.Pos-1); err != nil {
			return instance.Done{}, err
		}
		for _, k := range site.Targets(site.ID) {
			e.shipment(k.Name, v).drop(instance.Text("channel-closed"))
		}
	}
	return instance.Done{}, nil
}
