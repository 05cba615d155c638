package kernel

import (
	"encoding/json"
	"time"

	"github.com/switchback-dr/switchback/lab/vvr/texts"
)

// Takeover asks a Secondary to become Primary without its Primary.
type Takeover struct {
	Failback bool `json:"failback"`
	Auto     bool `json:"auto"`
}

// takeover makes this Secondary the Primary, if its data are consistent and its
// Primary has been out of reach for the heartbeat's time.
func (k *Kernel) takeover(t Takeover) error {
	s := k.state
	if s.Deported {
		return texts.Refuse("no-dg", s.DG)
	}
	if s.Role == Primary {
		return texts.Refuse("is-primary", s.RVG)
	}
	l := s.link(s.Follows)
	if l == nil || !l.Consistent {
		return texts.Refuse("inconsistent", s.RVG)
	}
	if k.reach(l.Remote) || time.Since(k.peers[l.Remote].in) < k.Heartbeat {
		return texts.Refuse("primary-up", l.Remote)
	}
	for _, v := range s.Volumes {
		if t.Failback && !v.DCM {
			return texts.Refuse("no-dcm", v.Name)
		}
	}
	if err := k.fill(l, false); err != nil {
		return err
	}
	k.becomePrimary(l)
	s.TookFrom, s.Failback = l.Remote, t.Failback
	l.Attached, l.Removed, l.Consistent = t.Failback, !t.Failback, t.Failback
	if t.Failback {
		l.Mode, l.AutoFB = ModeFailback, t.Auto
	}
	return k.restartLog(l.at)
}

// becomePrimary is what every way to become Primary does; l is the RLINK that
// the data came through.
func (k *Kernel) becomePrimary(l *Link) {
	s := k.state
	k.event("rvg_sectopri", "RVG has become Primary")
	s.Role, s.Acting, s.Merged, s.Started, s.Follows = Primary, false, false, true, ""
	s.Generation, s.TookFrom, s.Failback, s.Checkpoints = newGeneration(), "", false, nil
	s.Before, s.MigratesTo = nil, ""
	for _, o := range s.Links {
		if o != l {
			o.Attached = false
		}
		o.Mode, o.Resync, o.AutoFB, o.FBWanted, o.Checkpoint, o.Until = ModeSRL, false, false, false, "", 0
		o.PrimaryPaused, o.SecondaryPaused = false, false
	}
}

// restartLog begins a new history at a position, and keeps the state.
func (k *Kernel) restartLog(at position) error {
	for _, l := range k.state.Links {
		l.at = at
		if err := writePosition(k.root, l.Name, at); err != nil {
			return err
		}
	}
	if err := k.log.Reset(at.pos, at.seq); err != nil {
		return err
	}
	return k.save()
}

// toSecondary is what every way to become Secondary does.
func (k *Kernel) toSecondary(follows string, attached, consistent bool) {
	s := k.state
	name := "rvg_pritosec"
	if s.Acting {
		name = "rvg_actsectosec"
	}
	k.event(name, "RVG has become Secondary")
	s.Role, s.Acting, s.Merged, s.Follows = Secondary, false, false, follows
	s.Generation, s.TookFrom, s.Failback, s.Checkpoints = "", "", false, nil
	s.Before, s.MigratesTo = nil, ""
	for _, l := range s.Links {
		l.Attached = attached && l.Remote == follows
		l.Removed = false
		l.Mode, l.Resync, l.AutoFB, l.FBWanted, l.Checkpoint, l.Until = ModeSRL, false, false, false, "", 0
		l.PrimaryPaused, l.SecondaryPaused, l.Generation = false, false, ""
		l.Consistent = consistent && l.Remote == follows
	}
}

// Makesec asks an original Primary to become a Secondary of another one.
type Makesec struct {
	Name  string `json:"name"`
	Force bool   `json:"force"`
}

// makeSecondary converts an original Primary.
func (k *Kernel) makeSecondary(m Makesec) error {
	s := k.state
	if s.Deported {
		return texts.Refuse("no-dg", s.DG)
	}
	if s.Role != Primary {
		return texts.Refuse("not-primary", s.RVG, k.Host)
	}
	l := s.link(m.Name)
	if s.Acting || l != nil && k.peers[m.Name].said.TookFrom == k.Host && k.peers[m.Name].said.Failback {
		return texts.Refuse("fast-failback", s.RVG)
	}
	if l == nil || !k.twoPrimaries(m.Name) {
		return texts.Refuse("no-primaryprimary", s.RVG, m.Name)
	}
	if k.anyOpen() {
		return texts.Refuse("volumes-open", s.RVG, k.Host)
	}
	if upToDate := l.Attached && l.Mode == ModeSRL && l.at.pos == k.log.End(); !upToDate && !m.Force {
		return texts.Refuse("not-up-to-date", s.RVG, m.Name)
	}
	k.toSecondary(m.Name, false, false)
	return k.restartLog(position{k.log.End(), k.log.Seq()})
}

// twoPrimaries says whether this host and another are both Primary and know it.
func (k *Kernel) twoPrimaries(host string) bool {
	said := k.peers[host].said
	return k.state.Role == Primary && !k.state.Acting && k.both(host) && said.Role == Primary && !said.Acting &&
		(said.TookFrom != k.Host || !said.Failback) && (k.state.TookFrom != host || !k.state.Failback)
}

func (k *Kernel) anyOpen() bool { return len(k.opens) > 0 }

// rejoin takes a host that became Secondary back into the RDS.
func (k *Kernel) rejoin(d Detach) error {
	l, err := k.linkTo(d.Remote)
	if err != nil {
		return err
	}
	l.Removed = false
	return k.save()
}

// Migrate is a planned change of roles between two hosts.
type Migrate struct {
	// Other is the other of the two; Members are the further Secondaries
	// that follow the new Primary.
	Other   string   `json:"other"`
	Members []string `json:"members,omitempty"`
}

// demote is the first half of a migration: the Primary becomes a Secondary,
// if every Secondary has everything and nobody has a volume open.
func (k *Kernel) demote(m Migrate) error {
	s := k.state
	if err := k.primary(); err != nil {
		return err
	}
	to, err := k.linkTo(m.Other)
	if err != nil {
		return err
	}
	if !to.Attached {
		return texts.Refuse("detached", to.Name)
	}
	if k.anyOpen() {
		return texts.Refuse("volumes-open", s.RVG, k.Host)
	}
	for _, l := range s.Links {
		switch {
		case !l.Attached:
		case !k.connected(l):
			return texts.Refuse("not-connected", s.RVG, l.Remote)
		case l.Mode != ModeSRL:
			return texts.Refuse("migrate-resync", s.RVG, l.Remote)
		case !l.Consistent || l.at.pos != k.log.End() || l.PrimaryPaused || l.SecondaryPaused:
			return texts.Refuse("not-up-to-date", s.RVG, l.Remote)
		}
	}
	before, err := copyState(s)
	if err != nil {
		return err
	}
	k.toSecondary(m.Other, true, true)
	s.Before, s.MigratesTo = before, m.Other
	return k.save()
}

// migrated ends a migration whose other half was done.
func (k *Kernel) migrated(struct{}) error {
	k.state.Before, k.state.MigratesTo = nil, ""
	return k.save()
}

// undoDemote restores what demote changed: the other half was refused.
func (k *Kernel) undoDemote(struct{}) error {
	before := k.state.Before
	if before == nil || k.state.Role != Secondary {
		return texts.Refuse("not-secondary", k.state.RVG, k.Host)
	}
	for _, l := range before.Links {
		l.at = k.state.link(l.Remote).at
	}
	k.state = before
	k.event("rvg_sectopri", "migration was undone")
	return k.save()
}

// promote is the second half of a migration.
func (k *Kernel) promote(m Migrate) error {
	if _, broken := k.knob("migrate-fails"); broken {
		return texts.Refuse("fault-migration", k.state.RVG, k.Host)
	}
	l, err := k.linkTo(m.Other)
	if err != nil {
		return err
	}
	if k.state.Role != Secondary || !l.Attached || !l.Consistent {
		return texts.Refuse("not-secondary", k.state.RVG, k.Host)
	}
	k.becomePrimary(l)
	for _, member := range m.Members {
		if o := k.state.link(member); o != nil {
			o.Attached, o.Consistent, o.Removed = true, true, false
		}
	}
	l.Consistent, l.Removed = true, false
	return k.restartLog(l.at)
}

// becomeSecondary turns an acting secondary into a Secondary of the host that
// took over: failback synchronisation begins. Asked twice, it is done once.
func (k *Kernel) becomeSecondary(u union) error {
	s := k.state
	if l := s.link(u.From); s.Role == Secondary && s.Follows == u.From && l.Attached {
		return nil
	}
	if s.Role != Primary || !s.Acting || !s.Merged || s.link(u.From) == nil || s.link(u.From).Mode != ModeFailback {
		return texts.Refuse("not-acting", s.RVG, k.Host)
	}
	k.toSecondary(u.From, true, false)
	return k.restartLog(position{k.log.End(), k.log.Seq()})
}

// failbackSync starts the replay of the failback log.
func (k *Kernel) failbackSync(d Detach) error {
	if err := k.primary(); err != nil {
		return err
	}
	for _, l := range k.state.Links {
		if l.Mode != ModeFailback || d.Remote != "" && d.Remote != l.Remote {
			continue
		}
		said := k.peers[l.Remote].said
		switch {
		case l.Resync:
			return nil
		case !k.both(l.Remote):
			return texts.Refuse("unreachable", l.Remote)
		case !said.Acting || !said.Merged:
			return texts.Refuse("not-acting", k.state.RVG, l.Remote)
		}
		l.FBWanted = true
		return k.save()
	}
	return texts.Refuse("not-failback", k.state.RVG)
}

func copyState(s *State) (*State, error) {
	b, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	var c State
	return &c, json.Unmarshal(b, &c)
}
