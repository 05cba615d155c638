package kernel

import (
	"time"

	"github.com/switchback-dr/switchback/lab/vvr/texts"
)

// Attach asks a Primary to attach its RLINK to a host.
type Attach struct {
	Remote string `json:"remote"`
	// How is "a" (autosync), "b" (log to the DCM), "f" (believed equal) or
	// "c" with Checkpoint.
	How        string `json:"how"`
	Checkpoint string `json:"checkpoint,omitempty"`
	// DryRun checks and changes nothing.
	DryRun bool `json:"dry_run,omitempty"`
}

// primary refuses unless this host is a Primary that takes part.
func (k *Kernel) primary() error {
	if k.state.Role != Primary || k.state.Acting {
		return texts.Refuse("not-primary", k.state.RVG, k.Host)
	}
	if k.state.Deported {
		return texts.Refuse("no-dg", k.state.DG)
	}
	return nil
}

func (k *Kernel) linkTo(remote string) (*Link, error) {
	if l := k.state.link(remote); l != nil {
		return l, nil
	}
	return nil, texts.Refuse("unknown-host", remote, k.state.RVG)
}

// usable finds a checkpoint that startrep may use.
func (k *Kernel) usable(name string) (*Checkpoint, error) {
	c := k.state.checkpoint(name)
	switch {
	case c == nil:
		return nil, texts.Refuse("cp-missing", name)
	case c.Overflowed:
		return nil, texts.Refuse("cp-overflowed", name)
	case !c.Ended:
		return nil, texts.Refuse("cp-not-ended", name)
	}
	return c, nil
}

// attach attaches the Primary's end. It returns at once: the connection is made
// afterwards.
func (k *Kernel) attach(a Attach) error {
	if err := k.primary(); err != nil {
		return err
	}
	l, err := k.linkTo(a.Remote)
	if err != nil {
		return err
	}
	if l.Attached {
		return texts.Refuse("attached", l.Name)
	}
	n, err := k.attached(*l, a)
	if err != nil || a.DryRun {
		return err
	}
	if err := k.fill(l, a.How == "a"); err != nil {
		return err
	}
	if ms, slow := k.knob("slow-connect"); slow {
		n.notUntil = time.Now().Add(time.Duration(ms) * time.Millisecond)
	}
	*l = n
	if l.Resync {
		return k.replayDCM(l)
	}
	if err := k.moveTo(l, l.at); err != nil {
		return err
	}
	return k.save()
}

// attached is an RLINK as it is when it has been attached in this way.
func (k *Kernel) attached(n Link, a Attach) (Link, error) {
	n.Attached, n.Removed, n.Mode, n.Resync, n.FBWanted, n.Checkpoint, n.Until = true, false, ModeSRL, false, false, "", 0
	n.PrimaryPaused, n.SecondaryPaused, n.Consistent = false, false, a.How == "f"
	n.at = position{k.log.End(), k.log.Seq()}
	if a.How == "c" {
		c, err := k.usable(a.Checkpoint)
		if err != nil {
			return n, err
		}
		n.Checkpoint, n.Until, n.at = c.Name, c.End, position{c.Start, c.StartSeq}
	}
	if a.How == "a" || a.How == "b" {
		for _, v := range k.state.Volumes {
			if !v.DCM {
				return n, texts.Refuse("no-dcm", v.Name)
			}
		}
		n.Mode, n.Resync = ModeAutosync, a.How == "a"
		if a.How == "b" {
			n.Mode = ModeOverflow
		}
	}
	return n, nil
}

// Follow asks a Secondary to attach its RLINK to a Primary.
type Follow struct {
	Primary    string `json:"primary"`
	Consistent bool   `json:"consistent"`
	DryRun     bool   `json:"dry_run,omitempty"`
	// Switch lets go of the Primary that was followed before (migrate).
	Switch bool `json:"switch,omitempty"`
}

// follow attaches the Secondary's end. Only one RLINK may be active there.
func (k *Kernel) follow(f Follow) error {
	if k.state.Role != Secondary {
		return texts.Refuse("not-secondary", k.state.RVG, k.Host)
	}
	if k.state.Deported {
		return texts.Refuse("no-dg", k.state.DG)
	}
	l, err := k.linkTo(f.Primary)
	if err != nil {
		return err
	}
	for _, o := range k.state.Links {
		switch {
		case !o.Attached:
		case o != l && f.Switch:
			o.Attached = false
		case o != l:
			return texts.Refuse("other-active", l.Name)
		case !f.Switch:
			return texts.Refuse("attached", l.Name)
		}
	}
	if f.DryRun {
		return nil
	}
	l.Attached, l.Removed, l.Consistent, l.Mode, l.Resync, l.Generation = true, false, f.Consistent, ModeSRL, false, ""
	l.PrimaryPaused, l.SecondaryPaused = false, false
	k.state.Follows = f.Primary
	return k.save()
}

// Detach detaches this host's end of an RLINK.
type Detach struct {
	Remote string `json:"remote"`
}

func (k *Kernel) detach(d Detach) error {
	l, err := k.linkTo(d.Remote)
	if err != nil {
		return err
	}
	if !l.Attached {
		return texts.Refuse("detached", l.Name)
	}
	l.Attached, l.Mode, l.Resync, l.FBWanted, l.AutoFB, l.Checkpoint = false, ModeSRL, false, false, false, ""
	l.PrimaryPaused, l.SecondaryPaused = false, false
	return k.save()
}

// Pause pauses or resumes an RLINK from this side.
type Pause struct {
	Remote string `json:"remote"`
	On     bool   `json:"on"`
}

func (k *Kernel) pause(p Pause) error {
	l, err := k.linkTo(p.Remote)
	if err != nil {
		return err
	}
	if !l.Attached {
		return texts.Refuse("detached", l.Name)
	}
	flag := &l.SecondaryPaused
	if k.state.Role == Primary {
		flag = &l.PrimaryPaused
	}
	switch {
	case p.On && *flag:
		return texts.Refuse("paused", l.Name)
	case !p.On && !*flag:
		return texts.Refuse("not-paused", l.Name)
	}
	*flag = p.On
	return k.save()
}

// resync replays the DCM after an SRL overflow, to every Secondary that needs
// it.
func (k *Kernel) resync(struct{}) error {
	if err := k.primary(); err != nil {
		return err
	}
	found := false
	for _, l := range k.state.Links {
		if !l.Attached || l.Mode != ModeOverflow {
			continue
		}
		if !k.connected(l) {
			return texts.Refuse("not-connected", k.state.RVG, l.Remote)
		}
		found = true
		if l.Resync {
			continue
		}
		if err := k.replayDCM(l); err != nil {
			return err
		}
	}
	if !found {
		return texts.Refuse("not-overflow", k.state.RVG)
	}
	return nil
}

// Check names a checkpoint.
type Check struct {
	Name string `json:"name"`
}

// checkStart marks the present end of the SRL.
func (k *Kernel) checkStart(c Check) error {
	if err := k.primary(); err != nil {
		return err
	}
	switch {
	case len(c.Name) > MaxCheckpointName:
		return texts.Refuse("cp-long", c.Name)
	case k.state.checkpoint(c.Name) != nil:
		return texts.Refuse("cp-exists", c.Name)
	case len(k.state.Checkpoints) >= MaxCheckpoints:
		return texts.Refuse("cp-full", k.state.RVG)
	}
	k.state.Checkpoints = append(k.state.Checkpoints, &Checkpoint{Name: c.Name, Start: k.log.End(), StartSeq: k.log.Seq()})
	return k.save()
}

// checkEnd ends the checkpoint that was started last, and gives it: one that
// overflowed stays invalid.
func (k *Kernel) checkEnd(struct{}) (Checkpoint, error) {
	if err := k.primary(); err != nil {
		return Checkpoint{}, err
	}
	for i := len(k.state.Checkpoints) - 1; i >= 0; i-- {
		if c := k.state.Checkpoints[i]; !c.Ended {
			c.Ended, c.End = true, k.log.End()
			return *c, k.save()
		}
	}
	return Checkpoint{}, texts.Refuse("cp-none-open", k.state.RVG)
}

func (k *Kernel) checkDelete(c Check) error {
	for i, x := range k.state.Checkpoints {
		if x.Name == c.Name {
			k.state.Checkpoints = append(k.state.Checkpoints[:i], k.state.Checkpoints[i+1:]...)
			return k.save()
		}
	}
	return texts.Refuse("cp-missing", c.Name)
}
