package engine

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/switchback-dr/switchback/lab/hana/instance"
)

// receiver is one volume of a secondary: it keeps what the source ships and
// replays it.
type receiver struct {
	e    *engine
	vol  *volume
	mode string

	mu sync.Mutex
	// memory are rows that were received and are not on disk yet: in syncmem
	// and async they are acknowledged or not, but lost with the process.
	memory []record
	got    point
	// connected says that the source feeds this volume now; source is the end
	// of its log as last heard.
	connected bool
	source    point
	wake      chan struct{}
	done      sync.WaitGroup
}

// sourceState is what a secondary has last heard from its source.
type sourceState struct {
	answered time.Time
	error    string
}

// startReceiving starts a receiver for every volume.
func (e *engine) startReceiving(site instance.Site) {
	ctx, cancel := context.WithCancel(e.ctx)
	e.mu.Lock()
	e.stopReceiving = cancel
	e.receivers = nil
	for _, v := range e.volumes {
		e.receivers = append(e.receivers, &receiver{e: e, vol: v, mode: site.Mode, wake: make(chan struct{}, 1)})
	}
	all := e.receivers
	e.mu.Unlock()
	for _, r := range all {
		r.done.Go(func() { r.connectAgain(ctx) })
		r.done.Go(func() { r.flushAndReplay(ctx) })
	}
}

// endReceiving ends the receivers; what they had in memory is kept first.
func (e *engine) endReceiving() {
	e.mu.Lock()
	cancel, all := e.stopReceiving, e.receivers
	e.stopReceiving, e.receivers = nil, nil
	e.mu.Unlock()
	if cancel == nil {
		return
	}
	cancel()
	heard := make([]point, 0, len(all))
	for _, r := range all {
		r.done.Wait()
		r.mu.Lock()
		heard = append(heard, r.source)
		r.mu.Unlock()
		if err := r.flush(context.Background()); err != nil {
			trace("volume %d: %v", r.vol.id, err)
		}
	}
	e.mu.Lock()
	e.heard = heard
	e.mu.Unlock()
}

// reconnect is the pause between two attempts to reach the source, in HANA's
// seconds (reconnect_time_interval is 30 s; services of a lab try oftener).
const reconnect = 2.5

func (r *receiver) connectAgain(ctx context.Context) {
	for ctx.Err() == nil {
		err := r.receive(ctx)
		r.mu.Lock()
		r.connected = false
		r.mu.Unlock()
		if err != nil && ctx.Err() == nil {
			r.e.mu.Lock()
			r.e.source.error = err.Error()
			r.e.mu.Unlock()
		}
		select {
		case <-time.After(r.e.conf.Scale(reconnect)):
		case <-ctx.Done():
		}
	}
}

// sourceAddress is where the source's services listen, through its site's link.
func (e *engine) sourceAddress() (string, error) {
	site := e.siteNow()
	if len(site.Masters) == 0 {
		return "", errors.New("no source site is known")
	}
	host, _, _ := strings.Cut(site.Masters[0], ":")
	// A worker is fed by the worker with the same place in the source's list.
	if source, index := sourceOf(site), slices.Index(e.conf.Members, e.conf.Host); source != nil && index > 0 && index < len(source.Hosts) {
		host = source.Hosts[index]
	}
	address, known := e.conf.At(host, e.conf.ReplicationPort())
	if !known {
		return "", fmt.Errorf("the host %s is not known", host)
	}
	return address, nil
}

// receive connects once and keeps what comes, until the connection ends.
func (r *receiver) receive(ctx context.Context) error {
	address, err := r.e.sourceAddress()
	if err != nil {
		return err
	}
	d := net.Dialer{Timeout: time.Second}
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	in := bufio.NewReader(conn)
	// Rows that are in memory only come again after a new connection.
	r.mu.Lock()
	r.memory = nil
	r.mu.Unlock()
	site := r.e.siteNow()
	last, _, _ := r.vol.state()
	h := hello{Site: site.Name, Volume: r.vol.id, Ready: r.vol.initialised(), Last: last, Full: r.e.wantsFull(r.vol)}
	var w welcome
	if err := instance.Exchange(conn, in, "ship", h, &w); err != nil {
		return err
	}
	r.mu.Lock()
	r.got, r.connected = last, true
	r.mu.Unlock()
	if w.Full {
		if err := r.receiveFull(ctx, in, w.Size); err != nil {
			return err
		}
	}
	return r.follow(ctx, conn, in)
}

// silence is after how long without a sign of life a source counts as lost.
const silence = 2 * time.Second

func (r *receiver) follow(ctx context.Context, conn net.Conn, in *bufio.Reader) error {
	for {
		if err := conn.SetReadDeadline(time.Now().Add(silence)); err != nil {
			return err
		}
		kind, b, err := readFrame(in)
		if err != nil {
			return err
		}
		var got batch
		if kind != frameLog || json.Unmarshal(b, &got) != nil {
			return errors.New("the source's log is not readable")
		}
		if err := r.take(ctx, got); err != nil {
			return err
		}
		if err := r.answer(conn); err != nil {
			return err
		}
	}
}

// take puts rows where the mode wants them before they are acknowledged: on
// disk in sync, in memory otherwise.
func (r *receiver) take(ctx context.Context, got batch) error {
	if d, on := r.e.conf.Fault("slow-log"); on {
		if pause, err := time.ParseDuration(d); err == nil {
			select {
			case <-time.After(pause):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	if len(got.Records) > 0 && r.stopped(ctx) {
		return errors.New("the source has given up waiting")
	}
	r.mu.Lock()
	r.memory = append(r.memory, got.Records...)
	r.source = got.Source
	if n := len(got.Records); n > 0 {
		r.got = got.Records[n-1].point
	}
	r.mu.Unlock()
	if r.mode == instance.ModeSync {
		if err := r.flush(ctx); err != nil {
			return err
		}
	}
	select {
	case r.wake <- struct{}{}:
	default:
	}
	return nil
}

// stopped waits as long as a fault keeps this site from acknowledging log, and
// says whether it did.
func (r *receiver) stopped(ctx context.Context) bool {
	waited := false
	for {
		if _, on := r.e.conf.Fault("log-stops"); !on {
			return waited
		}
		waited = true
		select {
		case <-time.After(memoryTime):
		case <-ctx.Done():
			return true
		}
	}
}

func (r *receiver) answer(conn net.Conn) error {
	_, replayed, _ := r.vol.state()
	r.mu.Lock()
	a := ack{Kept: r.got, Replayed: replayed}
	r.mu.Unlock()
	b, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return writeFrame(conn, frameAck, b)
}

// flush writes what is in memory to disk.
func (r *receiver) flush(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.vol.keep(ctx, r.memory); err != nil {
		return err
	}
	r.memory = nil
	return nil
}

// memoryTime is how long received rows stay in memory only, in syncmem and
// async.
const memoryTime = 20 * time.Millisecond

// flushAndReplay writes to disk what the mode leaves in memory, and replays
// what is on disk, unless the operation mode leaves that to the takeover.
func (r *receiver) flushAndReplay(ctx context.Context) {
	var db *sql.DB
	var c *sql.Conn
	opened := ""
	defer func() {
		if db != nil {
			_, _ = c.Close(), db.Close()
		}
	}()
	for ctx.Err() == nil {
		select {
		case <-time.After(memoryTime):
		case <-r.wake:
		case <-ctx.Done():
			return
		}
		if !r.vol.initialised() {
			continue
		}
		if err := r.flush(ctx); err != nil {
			continue
		}
		if r.e.replayWaits() {
			continue
		}
		if key := r.vol.identity(); opened != key {
			if db != nil {
				_, _ = c.Close(), db.Close()
			}
			var err error
			if db, c, err = r.vol.connect(ctx); err != nil {
				db = nil
				continue
			}
			opened = key
		}
		if _, err := r.vol.replay(ctx, c, r.replayLimit()); err != nil && ctx.Err() == nil {
			trace("volume %d: %v", r.vol.id, err)
		}
	}
}

// replayWaits says that nothing is replayed before a takeover.
func (e *engine) replayWaits() bool {
	_, stopped := e.conf.Fault("replay-stops")
	return stopped || e.siteNow().OperationMode == instance.OperationDelta
}

func (r *receiver) replayLimit() int64 {
	last, _, _ := r.vol.state()
	return last.Pos
}

// identity changes when the volume's file is replaced by a full replica.
func (v *volume) identity() string {
	s, err := os.Stat(v.path)
	if err != nil {
		return ""
	}
	return fmt.Sprint(inode(s))
}
