package kernel

import (
	"github.com/switchback-dr/switchback/lab/vvr/texts"
)

// needed is the oldest position that somebody still needs of the SRL, and who:
// an RLINK, a checkpoint, or nobody.
func (k *Kernel) needed() (pos int64, l *Link, c *Checkpoint) {
	pos = k.log.End()
	for _, x := range k.state.Links {
		if x.Attached && (x.Mode == ModeSRL || x.Resync) && x.at.pos < pos {
			pos, l, c = x.at.pos, x, nil
		}
	}
	for _, x := range k.state.Checkpoints {
		if !x.Overflowed && x.Start < pos {
			pos, l, c = x.Start, nil, x
		}
	}
	return pos, l, c
}

// makeRoom makes room for n bytes in the SRL. Whoever needs the oldest records
// loses them: an RLINK goes over to the DCM or becomes stale, as its SRL
// protection says; a checkpoint overflows.
func (k *Kernel) makeRoom(n int64) error {
	if n > k.log.Capacity() {
		return texts.Refuse("srl-too-small")
	}
	for {
		pos, l, c := k.needed()
		k.log.Release(pos)
		if k.log.End()+n-pos <= k.log.Capacity() {
			return nil
		}
		switch {
		case l != nil:
			if err := k.overflow(l); err != nil {
				return err
			}
		case c != nil:
			c.Overflowed = true
		}
		if err := k.save(); err != nil {
			return err
		}
	}
}

// overflow is the SRL protection of an RLINK.
func (k *Kernel) overflow(l *Link) error {
	protected := l.SRLProt == "autodcm" || l.SRLProt == "dcm"
	for _, v := range k.state.Volumes {
		protected = protected && v.DCM
	}
	if !protected {
		l.Attached = false
		return nil
	}
	if err := k.markFrom(l, l.at.pos); err != nil {
		return err
	}
	if l.Resync {
		// The replay of the DCM goes on with what came since it began.
		return k.moveTo(l, position{k.log.End(), k.log.Seq()})
	}
	l.Mode = ModeOverflow
	k.event("srlprot_dcm_on", "SRL protection is active for "+l.Name)
	return nil
}

// moveTo sets what the Secondary has, and keeps it.
func (k *Kernel) moveTo(l *Link, at position) error {
	l.at = at
	return writePosition(k.root, l.Name, at)
}

// replayDCM begins to replay the DCM of an RLINK. Writes from now on are kept in
// the SRL, and sent when the DCM is empty: the replay ends however much is
// written meanwhile.
func (k *Kernel) replayDCM(l *Link) error {
	l.Resync, l.Consistent, l.Until, l.sent = true, false, 0, 0
	k.event("resync_started", "DCM replay to "+l.Remote+" has started")
	if err := k.moveTo(l, position{k.log.End(), k.log.Seq()}); err != nil {
		return err
	}
	return k.save()
}

// markFrom puts everything that the SRL has from a position on into an RLINK's
// DCM.
func (k *Kernel) markFrom(l *Link, pos int64) error {
	for pos < k.log.End() {
		records, err := k.log.Read(pos, 1<<20)
		if err != nil {
			return err
		}
		for _, r := range records {
			if err := k.mark(l, r); err != nil {
				return err
			}
			pos = r.Next
		}
	}
	return nil
}

// fill marks or unmarks everything in an RLINK's DCM.
func (k *Kernel) fill(l *Link, on bool) error {
	for _, m := range k.maps[l.Name] {
		if err := m.Fill(on); err != nil {
			return err
		}
	}
	return nil
}

// dcmBlocks counts the regions in an RLINK's DCM.
func (k *Kernel) dcmBlocks(l *Link) int {
	n := 0
	for _, m := range k.maps[l.Name] {
		n += m.Count()
	}
	return n
}
