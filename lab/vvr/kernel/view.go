package kernel

import (
	"sort"
	"time"

	"github.com/switchback-dr/switchback/lab/vvr/texts"
)

// View is what programs see of a host's RVG, all of one moment.
type View struct {
	State
	Host string `json:"host"`
	IP   string `json:"ip"`
	// SRLSize and SRLUsed are bytes; Seq is the number of the last write.
	SRLSize int64 `json:"srl_size"`
	SRLUsed int64 `json:"srl_used"`
	SRLEnd  int64 `json:"srl_end"`
	Seq     int64 `json:"seq"`
	Block   int   `json:"block"`
	// Open are the programs that keep volumes open.
	Open []opened `json:"open,omitempty"`
	// Ends are the RLINKs' computed states, in the order of State.Links.
	Ends []End `json:"ends"`
}

// End is the computed state of this host's end of an RLINK.
type End struct {
	Connected bool `json:"connected"`
	// Heard says whether the two hosts reach each other now.
	Heard bool `json:"heard"`
	// Writes and Bytes are what the Secondary has not acknowledged.
	Writes int64 `json:"writes"`
	Bytes  int64 `json:"bytes"`
	// DCM is how many bytes the DCM covers.
	DCM int64 `json:"dcm"`
	// Behind is for how long the Secondary has not had everything, seconds.
	Behind int64 `json:"behind"`
	// Applied numbers the last write that the Secondary's end has.
	Applied int64 `json:"applied"`
	// Other is what the other host last said, and whether it ever did.
	Other Other  `json:"other"`
	IP    string `json:"ip"`
}

// Other is what is known of the other host.
type Other struct {
	Known bool `json:"known"`
	Role  Role `json:"role"`
	// Two: both hosts are Primary and know it.
	Two    bool `json:"two"`
	Acting bool `json:"acting"`
	Merged bool `json:"merged"`
	// Behind is how many bytes the Primary said this Secondary was behind.
	Behind   int64 `json:"behind"`
	Mode     Mode  `json:"mode"`
	Resync   bool  `json:"resync"`
	Failback bool  `json:"failback"`
	Attached bool  `json:"attached"`
}

// view is the present state. The lock is held.
func (k *Kernel) view() View {
	pos, _, _ := k.needed()
	v := View{
		Host: k.Host, IP: k.IP, SRLSize: k.log.Capacity(), SRLUsed: k.log.End() - pos,
		SRLEnd: k.log.End(), Seq: k.log.Seq(), Block: k.Block,
	}
	// A copy: the answer is encoded when the lock is free again.
	if c, err := copyState(k.state); err == nil {
		v.State = *c
	}
	for _, o := range k.opens {
		v.Open = append(v.Open, o)
	}
	sort.Slice(v.Open, func(i, j int) bool { return v.Open[i].PID < v.Open[j].PID })
	for _, l := range k.state.Links {
		v.Ends = append(v.Ends, k.end(l))
	}
	return v
}

func (k *Kernel) end(l *Link) End {
	p := k.peers[l.Remote]
	e := End{Connected: k.connected(l), Heard: k.both(l.Remote), Applied: l.at.seq, DCM: int64(k.dcmBlocks(l)) * int64(k.Block), IP: k.Peers[l.Remote].IP}
	if k.state.Role == Primary && l.Attached && l.Mode == ModeSRL {
		e.Writes, e.Bytes = k.log.Seq()-l.at.seq, k.log.End()-l.at.pos
		if e.Bytes == 0 || l.current.IsZero() {
			l.current = time.Now()
		}
		e.Behind = int64(time.Since(l.current).Seconds())
	}
	if !p.in.IsZero() {
		s := p.said
		e.Other = Other{
			Known: true, Role: s.Role, Two: k.twoPrimaries(l.Remote), Acting: s.Acting, Merged: s.Merged, Behind: s.Behind,
			Mode: s.Mode, Resync: s.Resync, Failback: s.Failback && s.TookFrom == k.Host, Attached: s.Attached,
		}
	}
	return e
}

// End finds the computed state of the RLINK to a host.
func (v View) End(remote string) (End, *Link) {
	for i, l := range v.Links {
		if l.Remote == remote {
			return v.Ends[i], l
		}
	}
	return End{}, nil
}

// Percent says how much of the SRL n bytes are.
func (v View) Percent(n int64) int64 {
	if v.SRLSize == 0 {
		return 0
	}
	return n * 100 / v.SRLSize
}

// Switch is something that is on or off.
type Switch struct {
	On bool `json:"on"`
}

// setStarted is vxrvg start and stop.
func (k *Kernel) setStarted(s Switch) error {
	if k.state.Deported {
		return texts.Refuse("no-dg", k.state.DG)
	}
	if !s.On && k.anyOpen() {
		return texts.Refuse("volumes-open", k.state.RVG, k.Host)
	}
	k.state.Started = s.On
	return k.save()
}

// setDeported is vxdg deport and import.
func (k *Kernel) setDeported(s Switch) error {
	if s.On && k.anyOpen() {
		return texts.Refuse("volumes-open", k.state.RVG, k.Host)
	}
	k.state.Deported = s.On
	return k.save()
}

// Size is a new size in bytes.
type Size struct {
	Bytes int64 `json:"bytes"`
}

// resizeSRL gives the SRL another capacity.
func (k *Kernel) resizeSRL(s Size) error {
	pos, _, _ := k.needed()
	k.log.Release(pos)
	if err := k.log.Resize(s.Bytes); err != nil {
		return err
	}
	return k.save()
}

// addLink makes a detached RLINK to a host.
func (k *Kernel) addLink(d Detach) error {
	if k.state.link(d.Remote) != nil {
		return texts.Refuse("rlink-exists", d.Remote)
	}
	if k.peers[d.Remote] == nil {
		return texts.Refuse("unreachable", d.Remote)
	}
	l := &Link{
		Name: LinkName(d.Remote, k.state.RVG), Remote: d.Remote, RemoteName: LinkName(k.Host, k.state.RVG), SRLProt: "autodcm",
	}
	if err := k.prepareLink(l); err != nil {
		return err
	}
	k.state.Links = append(k.state.Links, l)
	k.state.Tags++
	return k.save()
}

// LinkName is the name that vradmin gives to an RLINK.
func LinkName(remote, rvg string) string { return "rlk_" + remote + "_" + rvg }

// deleteLink removes a detached RLINK.
func (k *Kernel) deleteLink(d Detach) error {
	for i, l := range k.state.Links {
		if l.Remote != d.Remote {
			continue
		}
		if l.Attached {
			return texts.Refuse("still-on", d.Remote)
		}
		for _, m := range k.maps[l.Name] {
			_ = m.Close()
		}
		delete(k.maps, l.Name)
		k.state.Links = append(k.state.Links[:i], k.state.Links[i+1:]...)
		return k.save()
	}
	return texts.Refuse("unknown-host", d.Remote, k.state.RVG)
}
