package kernel

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/switchback-dr/switchback/lab/vvr/srl"
	"github.com/switchback-dr/switchback/lab/vvr/texts"
	"github.com/switchback-dr/switchback/lab/vvr/wire"
)

// hello is what two kernels tell each other with every heartbeat.
type hello struct {
	Host string `json:"host"`
	Role Role   `json:"role"`
	// Acting, Merged, TookFrom and Failback are the sender's state.
	Acting   bool   `json:"acting,omitempty"`
	Merged   bool   `json:"merged,omitempty"`
	TookFrom string `json:"took_from,omitempty"`
	Failback bool   `json:"failback,omitempty"`
	// Attached says whether the sender's RLINK to the receiver is attached.
	Attached bool `json:"attached,omitempty"`
	// Boot names the sender's running kernel. Reached is the receiver's that
	// the sender's own connection reaches now, "" for none: an answer that
	// another kernel gave before a crash says nothing.
	Boot    string `json:"boot"`
	Reached string `json:"reached,omitempty"`
	// Paused: a Secondary says that it paused the link.
	Paused bool `json:"paused,omitempty"`
	// Behind is what a Primary knows of the receiver: the writes that it has
	// not acknowledged; Known that it knows.
	Behind int64 `json:"behind,omitempty"`
	Mode   Mode  `json:"mode,omitempty"`
	Resync bool  `json:"resync,omitempty"`
}

// peer is what is known of another host's kernel, in memory only.
type peer struct {
	// out is when this kernel's connection to it last worked, zero when it is
	// broken; in is when it last spoke.
	out, in time.Time
	said    hello
	// boot is the kernel that out is about.
	boot string
	// lost is when the two ways were last both working.
	lost time.Time
}

// reach says whether this kernel's own connection to a host works.
func (k *Kernel) reach(host string) bool {
	p := k.peers[host]
	return p != nil && !p.out.IsZero() && time.Since(p.out) < k.Heartbeat
}

// both says whether the two hosts' kernels reach each other.
func (k *Kernel) both(host string) bool {
	p := k.peers[host]
	return k.reach(host) && p.said.Reached == k.boot && time.Since(p.in) < k.Heartbeat
}

// connected says whether an RLINK is in the connect state: attached on both
// ends, one of them a Primary, and both ways working.
func (k *Kernel) connected(l *Link) bool {
	if !l.Attached || !k.both(l.Remote) || k.held(l) {
		return false
	}
	said := k.peers[l.Remote].said
	if k.state.Role == said.Role {
		return l.Mode == ModeFailback && (said.Acting || k.state.Acting)
	}
	return said.Attached
}

// held says whether a fault switch keeps an RLINK from connecting: for its time,
// or until somebody turns it off.
func (k *Kernel) held(l *Link) bool {
	if !time.Now().Before(l.notUntil) {
		return false
	}
	_, on := k.knob("slow-connect")
	return on
}

func (k *Kernel) hello(to string) hello {
	s := k.state
	h := hello{Host: k.Host, Role: s.Role, Acting: s.Acting, Merged: s.Merged, TookFrom: s.TookFrom, Failback: s.Failback, Boot: k.boot}
	if k.reach(to) {
		h.Reached = k.peers[to].boot
	}
	if l := s.link(to); l != nil {
		h.Attached, h.Paused, h.Mode, h.Resync = l.Attached, l.SecondaryPaused, l.Mode, l.Resync
		h.Behind = k.log.End() - l.at.pos
	}
	return h
}

// heard takes what another kernel said, and reacts to it.
func (k *Kernel) heard(h hello) error {
	p := k.peers[h.Host]
	if p == nil {
		return texts.Refuse("unknown-host", h.Host, k.state.RVG)
	}
	now := time.Now()
	p.in, p.said = now, h
	if k.both(h.Host) {
		p.lost = now
	}
	defer k.wake()
	l := k.state.link(h.Host)
	if l == nil {
		return nil
	}
	if k.state.Role == Primary && l.SecondaryPaused != h.Paused && h.Role == Secondary {
		l.SecondaryPaused = h.Paused
	}
	if k.takenOver(h) {
		return k.becomeActing(l)
	}
	if l.Mode == ModeFailback && l.AutoFB && h.Acting && h.Merged && !l.FBWanted && !l.Resync {
		l.FBWanted = true
		return k.save()
	}
	return nil
}

// takenOver says whether the other host took over from this Primary with fast
// failback.
func (k *Kernel) takenOver(h hello) bool {
	s := k.state
	return s.Role == Primary && !s.Acting && h.Role == Primary && !h.Acting && h.TookFrom == k.Host && h.Failback
}

// becomeActing makes an original Primary an acting secondary: its volumes
// refuse writes, and what it never sent is marked for the new Primary.
func (k *Kernel) becomeActing(l *Link) error {
	if l.Mode == ModeSRL && l.Attached && k.log.Holds(l.at.pos) {
		if err := k.fill(l, false); err != nil {
			return err
		}
		if err := k.markFrom(l, l.at.pos); err != nil {
			return err
		}
	} else if l.Mode == ModeSRL {
		// The SRL cannot tell what was sent: everything may differ.
		if err := k.fill(l, true); err != nil {
			return err
		}
	}
	k.event("rvg_pritoactsec", "RVG has become acting secondary")
	k.state.Acting, k.state.Merged = true, false
	l.Mode, l.Attached = ModeFailback, true
	return k.save()
}

// beat keeps the heartbeat with one host until the kernel ends. It has a
// connection of its own: data on their way hold no heartbeat back.
func (k *Kernel) beat(host string) {
	for {
		conn, err := wire.Dial("tcp", k.Peers[host].Kernel, dialPatience)
		if err == nil {
			err = k.greet(host, conn)
			conn.Close()
		}
		k.mu.Lock()
		k.peers[host].out = time.Time{}
		k.wake()
		closed := k.closed
		k.mu.Unlock()
		if closed || errors.Is(err, errClosed) {
			return
		}
		time.Sleep(k.Heartbeat / 10)
	}
}

// beatEvery is the longest time between two heartbeats.
const beatEvery = 200 * time.Millisecond

// greet exchanges what both know, five times or more in the time of a
// heartbeat, until the connection breaks.
func (k *Kernel) greet(host string, conn *wire.Conn) error {
	for {
		k.mu.Lock()
		if k.closed {
			k.mu.Unlock()
			return errClosed
		}
		h := k.hello(host)
		k.mu.Unlock()
		var said hello
		if err := conn.Ask("hello", h, &said, k.Heartbeat); err != nil {
			return err
		}
		k.mu.Lock()
		k.peers[host].out, k.peers[host].boot = time.Now(), said.Boot
		err := k.heard(said)
		k.mu.Unlock()
		if err != nil {
			return err
		}
		time.Sleep(min(k.Heartbeat/5, beatEvery))
	}
}

// carry sends what there is for one host until the kernel ends.
func (k *Kernel) carry(host string) {
	var conn *wire.Conn
	for {
		k.mu.Lock()
		op, args := k.outgoing(host)
		for op == "" && !k.closed {
			k.wait(k.Heartbeat)
			op, args = k.outgoing(host)
		}
		closed := k.closed
		k.mu.Unlock()
		if closed {
			break
		}
		if ms, slow := k.knob("slow-rlink"); slow {
			time.Sleep(time.Duration(ms) * time.Millisecond)
		}
		if conn == nil {
			var err error
			if conn, err = wire.Dial("tcp", k.Peers[host].Kernel, dialPatience); err != nil {
				conn = nil
				time.Sleep(k.Heartbeat / 10)
				continue
			}
		}
		err := k.send(host, conn, op, args)
		if errors.Is(err, wire.ErrLost) {
			conn.Close()
			conn = nil
			k.mu.Lock()
			k.peers[host].out = time.Time{}
			k.mu.Unlock()
		}
		if err != nil {
			// The next heartbeat tells why.
			time.Sleep(k.Heartbeat / 10)
		}
	}
	if conn != nil {
		conn.Close()
	}
}

// send sends one message and takes its answer.
func (k *Kernel) send(host string, conn *wire.Conn, op string, args any) error {
	var result json.RawMessage
	if err := conn.Ask(op, args, &result, dataPatience); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.delivered(host, op, args, result)
}

// dataPatience bounds the wait for the answer to data; whether the other host
// lives is the heartbeat's matter.
const dataPatience = 10 * time.Second

// batchBytes is about how much one message carries.
const batchBytes = 64 << 10

// batch is what a Primary sends to a Secondary.
type batch struct {
	From       string `json:"from"`
	Generation string `json:"generation"`
	// Base is the position up to which the Secondary has everything; Until
	// is where it becomes consistent; Resync that the DCM is replayed.
	Base    int64        `json:"base"`
	BaseSeq int64        `json:"base_seq"`
	Until   int64        `json:"until"`
	Resync  bool         `json:"resync"`
	Records []srl.Record `json:"records,omitempty"`
	Blocks  []Block      `json:"blocks,omitempty"`
}

// Block is one region of a data volume.
type Block struct {
	Volume int    `json:"volume"`
	Number int    `json:"number"`
	Data   []byte `json:"data"`
}

// union is the map of what an acting secondary changed and never sent.
type union struct {
	From string   `json:"from"`
	Maps [][]byte `json:"maps"`
}

// applied is a Secondary's answer to a batch.
type applied struct {
	Pos int64 `json:"pos"`
	Seq int64 `json:"seq"`
}
