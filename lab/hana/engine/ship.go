package engine

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/switchback-dr/switchback/lab/hana/instance"
)

// hello is what a secondary's service says when it connects to its source.
type hello struct {
	Site   string `json:"site"`
	Volume int    `json:"volume"`
	// Ready says that the volume is initialised; Last is the end of its log.
	Ready bool  `json:"ready"`
	Last  point `json:"last"`
	// Full asks for a full replica.
	Full bool `json:"full"`
}

// welcome is the source's answer: what comes.
type welcome struct {
	Full bool  `json:"full"`
	Size int64 `json:"size"`
}

// ack is what a secondary says of its log.
type ack struct {
	Kept     point `json:"kept"`
	Replayed point `json:"replayed"`
}

// Statuses of a shipment, as REPLICATION_STATUS has them.
const (
	statusUnknown      = "UNKNOWN"
	statusInitializing = "INITIALIZING"
	statusSyncing      = "SYNCING"
	statusActive       = "ACTIVE"
	statusError        = "ERROR"
)

// replica is the account of full or delta shipments.
type replica struct {
	Count      int64
	Size       int64
	Duration   time.Duration
	LastSize   int64
	Start, End time.Time
}

// shipment is the shipping of one volume to one site, on the source's side.
type shipment struct {
	site string
	vol  *volume

	mu         sync.Mutex
	status     string
	details    string
	conn       net.Conn
	connected  time.Time
	reconnects int64
	kept       point
	replayed   point
	moved      chan struct{}
	full       replica
	delta      replica
	progress   float64
	buffers    int64
	bytes      int64
	backlogMax int64
	created    time.Time
}

func (e *engine) shipment(site string, v *volume) *shipment {
	e.mu.Lock()
	defer e.mu.Unlock()
	key := fmt.Sprint(site, "/", v.id)
	s := e.shipments[key]
	if s == nil {
		s = &shipment{site: site, vol: v, status: statusUnknown, moved: make(chan struct{}), created: now()}
		e.shipments[key] = s
	}
	return s
}

func (e *engine) volume(id int) *volume {
	for _, v := range e.volumes {
		if v.id == id {
			return v
		}
	}
	return nil
}

// serveShipment feeds one volume of a secondary until the connection ends.
func (e *engine) serveShipment(conn net.Conn, r *bufio.Reader, raw json.RawMessage) {
	var h hello
	if err := json.Unmarshal(raw, &h); err != nil {
		_ = instance.Answer(conn, nil, err)
		return
	}
	v, err := e.mayShip(h)
	if err != nil {
		_ = instance.Answer(conn, nil, err)
		return
	}
	s := e.shipment(h.Site, v)
	if !s.begin(conn) {
		_ = instance.Answer(conn, nil, instance.Fail(1, "the service is connected already"))
		return
	}
	ctx, cancel := context.WithCancel(e.ctx)
	defer cancel()
	err = e.ship(ctx, s, conn, r, h)
	s.end(conn, err)
}

// mayShip checks that the site is one that this one feeds.
func (e *engine) mayShip(h hello) (*volume, error) {
	site := e.siteNow()
	k := site.Find(h.Site)
	v := e.volume(h.Volume)
	switch {
	case e.phaseNow() != running:
		return nil, instance.Fail(1, "the source is starting")
	case site.Mode != instance.ModePrimary && !site.Source:
		return nil, instance.Fail(1, "the site %s is no source of system replication", site.Name)
	case k == nil || k.Gone || k.Source != site.ID:
		return nil, instance.Fail(1, "the site %s is not registered at %s", h.Site, site.Name)
	case v == nil || !v.initialised():
		return nil, instance.Fail(1, "the volume %d is not there", h.Volume)
	}
	return v, nil
}

// begin takes the connection for the shipment, in place of an older one.
func (s *shipment) begin(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil {
		_ = s.conn.Close()
		return false
	}
	if !s.connected.IsZero() {
		s.reconnects++
	}
	s.conn, s.connected, s.status, s.details = conn, now(), statusUnknown, ""
	return true
}

func (s *shipment) end(conn net.Conn, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != conn {
		return
	}
	s.conn, s.status, s.details = nil, statusError, instance.Text("channel-closed")
	if err != nil && s.progress > 0 {
		s.details = err.Error()
	}
	s.progress = 0
	s.wake()
}

func (s *shipment) wake() {
	close(s.moved)
	s.moved = make(chan struct{})
}

func (s *shipment) set(status, details string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status, s.details = status, details
	s.wake()
}

// ship decides between full and log shipping and then follows the log.
func (e *engine) ship(ctx context.Context, s *shipment, conn net.Conn, r *bufio.Reader, h hello) error {
	related, kept, err := s.vol.holds(ctx, h.Last)
	if err != nil {
		return err
	}
	if _, lost := e.conf.Fault("log-lost"); lost {
		kept = false
	}
	from := h.Last
	if h.Full || !h.Ready || !related || !kept {
		if from, err = e.shipFull(ctx, s, conn); err != nil {
			return err
		}
	} else {
		if err := instance.Answer(conn, welcome{}, nil); err != nil {
			return err
		}
		e.countDelta(s, h)
	}
	s.set(statusSyncing, "")
	failed := make(chan error, 1)
	go func() { failed <- s.readAcks(r) }()
	return e.follow(ctx, s, conn, from.Pos, failed)
}

// countDelta accounts a delta shipment: with delta_datashipping a secondary
// that comes back gets the changed pages, not the log.
func (e *engine) countDelta(s *shipment, h hello) {
	site := e.siteNow()
	k := site.Find(h.Site)
	last, _, _ := s.vol.state()
	if k == nil || k.OperationMode != instance.OperationDelta || last.Pos == h.Last.Pos {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	size := (last.Pos - h.Last.Pos) * logBlock
	s.delta = replica{Count: s.delta.Count + 1, Size: s.delta.Size + size, LastSize: size, Start: now(), End: now()}
}

// chunks is how many pieces a full replica is sent in.
const chunks = 20

// shipFull sends a snapshot of the volume, in the lab's time for it.
func (e *engine) shipFull(ctx context.Context, s *shipment, conn net.Conn) (point, error) {
	file, last, err := s.vol.snapshot(ctx, s.site)
	if err != nil {
		return point{}, err
	}
	defer func() { _ = os.Remove(file) }()
	b, err := os.ReadFile(file)
	if err != nil {
		return point{}, err
	}
	size := int64(len(b))
	s.mu.Lock()
	s.full.Start, s.full.End = now(), time.Time{}
	s.progress = 0.001
	s.mu.Unlock()
	if err := instance.Answer(conn, welcome{Full: true, Size: size}, nil); err != nil {
		return point{}, err
	}
	begun := now()
	for i := range chunks {
		done := size * int64(i) / chunks
		s.mu.Lock()
		s.status, s.progress = statusInitializing, float64(max(done, 1))
		s.details = fmt.Sprintf(instance.Text("full-replica"), 100*i/chunks, megabytes(done), megabytes(size))
		s.mu.Unlock()
		if err := writeFrame(conn, frameChunk, b[done:size*int64(i+1)/chunks]); err != nil {
			return point{}, err
		}
		select {
		case <-time.After(e.transferPause()):
		case <-ctx.Done():
			return point{}, ctx.Err()
		}
	}
	if err := writeFrame(conn, frameEnd, nil); err != nil {
		return point{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.full.Count++
	s.full.Size += size
	s.full.LastSize = size
	s.full.Duration += now().Sub(begun)
	s.full.End = now()
	s.progress = 0
	return last, nil
}

func (e *engine) transferPause() time.Duration {
	if slow, on := e.conf.Fault("slow-transfer"); on {
		if d, err := time.ParseDuration(slow); err == nil {
			return d / chunks
		}
	}
	return e.conf.Transfer / chunks
}

// megabytes is the size that is shown for a lab's volumes: they are a thousand
// times smaller than those that they stand for.
func megabytes(n int64) int64 { return n >> 10 }

// heartbeat is how often a source that has nothing to ship says so.
const heartbeat = 50 * time.Millisecond

// follow ships the log as it grows.
func (e *engine) follow(ctx context.Context, s *shipment, conn net.Conn, from int64, failed <-chan error) error {
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		last, _, changed := s.vol.state()
		if last.Pos > from {
			all, err := s.vol.records(ctx, from, 500)
			if err != nil {
				return err
			}
			b, err := json.Marshal(batch{Records: all, Source: last})
			if err != nil {
				return err
			}
			if err := writeFrame(conn, frameLog, b); err != nil {
				return err
			}
			s.mu.Lock()
			s.buffers++
			s.bytes += int64(len(b))
			s.mu.Unlock()
			from = all[len(all)-1].Pos
			continue
		}
		select {
		case <-changed:
		case err := <-failed:
			return err
		case <-ctx.Done():
			return ctx.Err()
		case <-beat.C:
			b, err := json.Marshal(batch{Source: last})
			if err != nil {
				return err
			}
			if err := writeFrame(conn, frameLog, b); err != nil {
				return err
			}
		}
	}
}

// readAcks takes the secondary's reports and says when it is in sync.
func (s *shipment) readAcks(r *bufio.Reader) error {
	for {
		kind, b, err := readFrame(r)
		if err != nil {
			return err
		}
		var a ack
		if kind != frameAck || json.Unmarshal(b, &a) != nil {
			return fmt.Errorf("the secondary's answer is not readable")
		}
		s.mu.Lock()
		s.kept, s.replayed = a.Kept, a.Replayed
		// Read while the shipment is locked: a commit that comes later finds
		// the status ACTIVE and waits for its own position.
		last, _, _ := s.vol.state()
		s.backlogMax = max(s.backlogMax, last.Pos-a.Kept.Pos)
		if a.Kept.Pos >= last.Pos && s.status == statusSyncing {
			s.status, s.details = statusActive, ""
		}
		s.wake()
		s.mu.Unlock()
	}
}

// snapshot copies the volume into a file of its own.
func (v *volume) snapshot(ctx context.Context, site string) (string, point, error) {
	v.mu.Lock()
	db := v.db
	v.mu.Unlock()
	file := fmt.Sprintf("%s.snapshot-%s-%d", v.path, site, time.Now().UnixNano())
	if _, err := db.ExecContext(ctx, "vacuum into ?", file); err != nil {
		return "", point{}, fmt.Errorf("the volume %d cannot be copied: %w", v.id, err)
	}
	copied := &volume{id: v.id, path: file, schema: v.schema}
	if err := copied.open(ctx); err != nil {
		return file, point{}, err
	}
	last, _, _ := copied.state()
	copied.close()
	for _, more := range []string{"-wal", "-shm"} {
		_ = os.Remove(file + more)
	}
	return file, last, nil
}
