package kernel

import (
	"crypto/md5" // what VVR compares blocks with
	"encoding/hex"
	"time"

	"github.com/switchback-dr/switchback/lab/vvr/srl"
	"github.com/switchback-dr/switchback/lab/vvr/texts"
)

// Range is a run of blocks of one data volume.
type Range struct {
	Volume string `json:"volume"`
	From   int    `json:"from"`
	Count  int    `json:"count"`
}

// sums gives the MD5 checksum of each block of a range.
func (k *Kernel) sums(r Range) ([]string, error) {
	i, err := k.volume(r.Volume)
	if err != nil {
		return nil, err
	}
	var all []string
	for n := r.From; n < min(r.From+r.Count, k.regions(k.state.Volumes[i])); n++ {
		data, err := k.region(i, n)
		if err != nil {
			return nil, err
		}
		sum := md5.Sum(data)
		all = append(all, hex.EncodeToString(sum[:]))
	}
	return all, nil
}

// fetch reads one block.
func (k *Kernel) fetch(r Range) ([]byte, error) {
	i, err := k.volume(r.Volume)
	if err != nil {
		return nil, err
	}
	return k.region(i, r.From)
}

// Store writes one block of a synchronisation on its target; without Data it
// only asks whether it may.
type Store struct {
	// Stream names the synchronisation: two at once are refused. Source is
	// the host whose data these are.
	Stream string `json:"stream"`
	Source string `json:"source"`
	Volume string `json:"volume"`
	Size   int64  `json:"size,omitempty"`
	Number int    `json:"number"`
	Data   []byte `json:"data,omitempty"`
}

// release ends a synchronisation on its target.
func (k *Kernel) release(s Store) error {
	if k.stream == s.Stream {
		k.stream = ""
		k.streamAt = time.Time{}
	}
	return nil
}

// streamPatience is after how much silence a synchronisation counts as dead.
const streamPatience = 2 * time.Second

// store is the target's end of vxrsync: only a Secondary with detached RLINKs
// and closed volumes takes blocks.
func (k *Kernel) store(s Store) error {
	i, err := k.volume(s.Volume)
	if err != nil {
		return err
	}
	v := k.state.Volumes[i]
	switch {
	case k.state.Deported:
		return texts.Refuse("no-dg", k.state.DG)
	case k.state.Role != Secondary:
		return texts.Refuse("already-primary", k.state.RVG)
	case k.anyOpen():
		return texts.Refuse("target-open", k.state.RVG, k.Host)
	case s.Size > 0 && s.Size != v.Size:
		return texts.Refuse("size-mismatch", v.Name, k.Host)
	}
	for _, l := range k.state.Links {
		if l.Attached {
			return texts.Refuse("sync-attached", "/dev/vx/rdsk/"+k.state.DG+"/"+v.Name)
		}
	}
	if k.stream != s.Stream && time.Since(k.streamAt) < streamPatience {
		return texts.Refuse("sync-other", k.state.RVG, k.Host)
	}
	k.stream, k.streamAt = s.Stream, time.Now()
	if s.Data == nil {
		return nil
	}
	if s.Number < 0 || s.Number >= k.regions(v) {
		return texts.Refuse("write-range", v.Name)
	}
	// From the first foreign block on the data are a mixture.
	mixed := false
	for _, l := range k.state.Links {
		mixed = mixed || l.Consistent
		l.Consistent = false
	}
	if mixed {
		if err := k.save(); err != nil {
			return err
		}
	}
	return k.put(srl.Record{Volume: i, Offset: int64(s.Number) * int64(k.Block), Data: s.Data})
}
