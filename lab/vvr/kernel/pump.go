package kernel

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/switchback-dr/switchback/lab/vvr/srl"
	"github.com/switchback-dr/switchback/lab/vvr/texts"
)

// outgoing is the next message for a host: an operation and its arguments, or
// "" for none. The lock is held.
func (k *Kernel) outgoing(host string) (op string, args any) {
	l := k.state.link(host)
	if l == nil || !k.both(host) {
		return "", nil
	}
	if k.state.Acting && !k.state.Merged && l.Mode == ModeFailback {
		u := union{From: k.Host}
		for _, m := range k.maps[l.Name] {
			u.Maps = append(u.Maps, m.Bytes())
		}
		return "merge", u
	}
	if k.state.Role != Primary || k.state.Acting || !l.Attached || l.PrimaryPaused || l.SecondaryPaused {
		return "", nil
	}
	if l.FBWanted && !l.Resync && k.peers[host].said.Acting && k.peers[host].said.Merged {
		return "become-secondary", union{From: k.Host}
	}
	if !k.connected(l) {
		return "", nil
	}
	return k.nextBatch(l)
}

// nextBatch is replication itself: SRL records, or regions of the DCM while it
// is replayed.
func (k *Kernel) nextBatch(l *Link) (string, any) {
	b := batch{From: k.Host, Generation: k.state.Generation, Base: l.at.pos, BaseSeq: l.at.seq, Until: l.Until, Resync: l.Resync}
	switch {
	case l.Mode == ModeSRL:
		if l.at.pos == k.log.End() && l.Consistent {
			return "", nil
		}
		records, err := k.log.Read(l.at.pos, batchBytes)
		if err != nil {
			return "", nil
		}
		b.Records = records
	case l.Resync:
		b.Blocks = k.marked(l)
	default:
		return "", nil
	}
	return "apply", b
}

// marked reads the next regions of a DCM. They stay marked until the Secondary
// has them; what is written to one of them meanwhile is in the SRL as well.
func (k *Kernel) marked(l *Link) []Block {
	var all []Block
	for v, m := range k.maps[l.Name] {
		for n := m.Next(0); n >= 0 && len(all)*k.Block < batchBytes; n = m.Next(n + 1) {
			data, err := k.region(v, n)
			if err != nil {
				return all
			}
			all = append(all, Block{v, n, data})
		}
	}
	return all
}

// region reads one region of a data volume.
func (k *Kernel) region(v, n int) ([]byte, error) {
	at := int64(n) * int64(k.Block)
	data := make([]byte, min(int64(k.Block), k.state.Volumes[v].Size-at))
	_, err := k.files[v].ReadAt(data, at)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return data, err
}

// delivered takes the answer to a message. The lock is held, and what was sent
// may be out of date by now.
func (k *Kernel) delivered(host, op string, args any, result json.RawMessage) error {
	l := k.state.link(host)
	if l == nil {
		return nil
	}
	switch op {
	case "merge":
		k.state.Merged = true
		return k.save()
	case "become-secondary":
		l.FBWanted, l.AutoFB = false, false
		return k.replayDCM(l)
	}
	b, ok := args.(batch)
	if !ok || b.Generation != k.state.Generation || k.state.Role != Primary || !l.Attached {
		return nil
	}
	var a applied
	if err := json.Unmarshal(result, &a); err != nil {
		return err
	}
	if b.Resync {
		return k.resynced(l, b)
	}
	if l.Mode != ModeSRL || a.Pos < l.at.pos || a.Pos > k.log.End() {
		return nil
	}
	l.at = position{a.Pos, a.Seq}
	if l.at.pos == k.log.End() {
		l.current = time.Now()
	}
	k.wake()
	if err := writePosition(k.root, l.Name, l.at); err != nil {
		return err
	}
	if !l.Consistent && l.at.pos >= l.Until {
		l.Consistent = true
		return k.save()
	}
	return nil
}

// resynced clears what the Secondary has, and ends the replay when nothing is
// left: from there on the SRL is used again, and the Secondary is consistent
// when it has what was written during the replay.
func (k *Kernel) resynced(l *Link, b batch) error {
	if !l.Resync {
		return nil
	}
	for _, block := range b.Blocks {
		l.sent++
		if err := k.maps[l.Name][block.Volume].Clear(block.Number); err != nil {
			return err
		}
	}
	k.wake()
	if len(b.Blocks) > 0 {
		// The lock is given away: the volume goes on being written.
		k.mu.Unlock()
		time.Sleep(time.Duration(len(b.Blocks)) * k.pace())
		k.mu.Lock()
	}
	if k.dcmBlocks(l) > 0 || !l.Resync {
		return nil
	}
	l.Mode, l.Resync, l.Until = ModeSRL, false, k.log.End()
	k.event("resync_stopped", fmt.Sprintf("DCM replay to %s has ended after %d regions", l.Remote, l.sent))
	return k.save()
}

// pace is how long one block takes at least.
func (k *Kernel) pace() time.Duration {
	if ms, slow := k.knob("slow-sync"); slow {
		return time.Duration(ms) * time.Millisecond
	}
	return k.Pace
}

// apply is the Secondary's side of replication.
func (k *Kernel) apply(b batch) (applied, error) {
	l := k.state.link(b.From)
	switch {
	case l == nil || k.state.Role != Secondary || k.state.Deported:
		return applied{}, texts.Refuse("not-secondary", k.state.RVG, k.Host)
	case !l.Attached:
		return applied{}, texts.Refuse("detached", l.Name)
	case l.SecondaryPaused:
		return applied{}, texts.Refuse("paused", l.Name)
	case !k.reach(b.From):
		// A link that works in one direction is down.
		return applied{}, texts.Refuse("not-connected", k.state.RVG, b.From)
	}
	changed := false
	if l.Generation != b.Generation {
		l.Generation, l.at, changed = b.Generation, position{b.Base, b.BaseSeq}, true
	}
	if !b.Resync && l.at.pos < b.Base {
		l.at = position{b.Base, b.BaseSeq}
	}
	// Data that leave the consistent state say so before, those that reach it
	// afterwards.
	if b.Resync && l.Consistent || changed {
		l.Consistent = l.Consistent && !b.Resync
		if err := k.save(); err != nil {
			return applied{}, err
		}
	}
	if err := k.applyData(l, b); err != nil {
		return applied{}, err
	}
	if consistent := !b.Resync && l.at.pos >= b.Until; consistent != l.Consistent {
		l.Consistent, l.Resync, l.Mode = consistent, b.Resync, ModeSRL
		if err := k.save(); err != nil {
			return applied{}, err
		}
	}
	k.wake()
	return applied{l.at.pos, l.at.seq}, writePosition(k.root, l.Name, l.at)
}

func (k *Kernel) applyData(l *Link, b batch) error {
	for _, block := range b.Blocks {
		r := srl.Record{Volume: block.Volume, Offset: int64(block.Number) * int64(k.Block), Data: block.Data}
		if err := k.put(r); err != nil {
			return err
		}
	}
	for _, r := range b.Records {
		if r.Pos < l.at.pos {
			continue
		}
		if err := k.put(r); err != nil {
			return err
		}
		l.at = position{r.Next, r.Seq}
	}
	return nil
}

// merge adds what an acting secondary changed to the DCM of its RLINK.
func (k *Kernel) merge(u union) error {
	l := k.state.link(u.From)
	if l == nil || l.Mode != ModeFailback || k.state.Role != Primary || k.state.Acting {
		return texts.Refuse("not-failback", k.state.RVG)
	}
	for i, m := range k.maps[l.Name] {
		if i < len(u.Maps) {
			if err := m.Merge(u.Maps[i]); err != nil {
				return err
			}
		}
	}
	return k.save()
}
