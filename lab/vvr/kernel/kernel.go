package kernel

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/switchback-dr/switchback/lab/vvr/srl"
	"github.com/switchback-dr/switchback/lab/vvr/texts"
)

// Kernel is a running kernel.
type Kernel struct {
	Config
	root string
	// boot names this run of the kernel.
	boot string

	mu    sync.Mutex
	state *State
	log   *srl.Log
	files []*os.File
	// maps are the DCM of each RLINK: link name -> volume index.
	maps  map[string][]*srl.Bitmap
	opens map[*session]opened
	peers map[string]*peer
	// stream is the synchronisation that last wrote to these volumes.
	stream   string
	streamAt time.Time
	// changed is closed and replaced whenever something happens that another
	// goroutine may wait for.
	changed chan struct{}
	closed  bool
	// closers end the listeners, conns are the connections that they made.
	closers []func() error
	conns   map[net.Conn]bool
}

// Open reads what an earlier kernel left and recovers the data volumes from
// the SRL.
func Open(root string) (*Kernel, error) {
	c, err := ReadConfig(root)
	if err != nil {
		return nil, err
	}
	s, err := readState(root)
	if err != nil {
		return nil, err
	}
	k := &Kernel{
		Config: c, root: root, boot: newGeneration(), state: s, maps: map[string][]*srl.Bitmap{}, opens: map[*session]opened{},
		peers: map[string]*peer{}, changed: make(chan struct{}), conns: map[net.Conn]bool{},
	}
	if err := os.MkdirAll(filepath.Join(root, kernelDir), 0o755); err != nil {
		return nil, err
	}
	for _, v := range s.Volumes {
		f, err := os.OpenFile(DevicePath(root, s.DG, v.Name), os.O_RDWR, 0)
		if err != nil {
			return nil, fmt.Errorf("the data volume cannot be opened: %w", err)
		}
		k.files = append(k.files, f)
	}
	if k.log, err = srl.Open(DevicePath(root, s.DG, s.SRL), c.SRLSize); err != nil {
		return nil, err
	}
	for _, l := range s.Links {
		if err := k.prepareLink(l); err != nil {
			return nil, err
		}
	}
	for name := range c.Peers {
		k.peers[name] = &peer{}
	}
	return k, k.replay()
}

// prepareLink opens what belongs to an RLINK.
func (k *Kernel) prepareLink(l *Link) (err error) {
	if l.at, err = readPosition(k.root, l.Name); err != nil {
		return err
	}
	for _, v := range k.state.Volumes {
		m, err := srl.OpenBitmap(filepath.Join(k.root, kernelDir, l.Name+"."+v.Name+".dcm"), k.regions(v))
		if err != nil {
			return err
		}
		k.maps[l.Name] = append(k.maps[l.Name], m)
	}
	return nil
}

func (k *Kernel) regions(v Volume) int { return int((v.Size + int64(k.Block) - 1) / int64(k.Block)) }

// replay writes what the SRL has into the data volumes: a write is in the SRL
// before it is in its volume.
func (k *Kernel) replay() error {
	if k.state.Role != Primary {
		return nil
	}
	for at := k.log.Start(); at < k.log.End(); {
		records, err := k.log.Read(at, 1<<20)
		if err != nil {
			return err
		}
		for _, r := range records {
			if err := k.put(r); err != nil {
				return err
			}
			at = r.Next
		}
	}
	return nil
}

func (k *Kernel) put(r srl.Record) error {
	if r.Volume < 0 || r.Volume >= len(k.files) {
		return fmt.Errorf("a write names the volume %d, which is not there", r.Volume)
	}
	if _, err := k.files[r.Volume].WriteAt(r.Data, r.Offset); err != nil {
		return fmt.Errorf("a data volume cannot be written: %w", err)
	}
	return nil
}

// Close stops the kernel's goroutines and closes its files.
func (k *Kernel) Close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.closed = true
	k.wake()
	for _, c := range k.closers {
		_ = c()
	}
	for c := range k.conns {
		_ = c.Close()
	}
	for _, f := range k.files {
		_ = f.Close()
	}
	_ = k.log.Close()
}

// wake tells everybody who waits that something changed. The lock is held.
func (k *Kernel) wake() {
	close(k.changed)
	k.changed = make(chan struct{})
}

// save keeps the state. The lock is held.
func (k *Kernel) save() error {
	k.wake()
	return WriteState(k.root, k.state)
}

func newGeneration() string {
	b := make([]byte, 4)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}

// volume finds a data volume's index.
func (k *Kernel) volume(name string) (int, error) {
	for i, v := range k.state.Volumes {
		if v.Name == name {
			return i, nil
		}
	}
	return 0, texts.Refuse("no-volume", name)
}

// opened is one program that has volumes open.
type opened struct {
	PID     int      `json:"pid"`
	Name    string   `json:"name"`
	Volumes []string `json:"volumes"`
}

// openVolumes lets a program of this host keep volumes open for writing.
func (k *Kernel) openVolumes(s *session, volumes []string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, v := range volumes {
		i, err := k.volume(v)
		if err != nil {
			return err
		}
		if err := k.mayWrite(i); err != nil {
			return err
		}
	}
	pid := peerPID(s.conn)
	k.opens[s] = opened{PID: pid, Name: programName(pid), Volumes: volumes}
	k.wake()
	return nil
}

// holdVolumes keeps volumes open without asking to write: a mount of them, a
// loop device, a forgotten shell.
func (k *Kernel) holdVolumes(s *session, volumes []string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	pid := peerPID(s.conn)
	k.opens[s] = opened{PID: pid, Name: programName(pid), Volumes: volumes}
	k.wake()
	return nil
}

// mayWrite says why a volume cannot be written, or nil.
func (k *Kernel) mayWrite(i int) error {
	name, s := k.state.Volumes[i].Name, k.state
	switch {
	case s.Deported:
		return texts.Refuse("no-dg", s.DG)
	case s.Role != Primary:
		return texts.Refuse("write-secondary", name, s.RVG)
	case s.Acting:
		return texts.Refuse("write-acting", name, s.RVG)
	case !s.Started:
		return texts.Refuse("write-stopped", name, s.RVG)
	}
	return nil
}

// Write is a write to an open volume: logged, done, marked, and, where an
// RLINK is synchronous, received by the Secondary when it returns.
func (k *Kernel) write(s *session, volume string, offset int64, data []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	i, err := k.volume(volume)
	if err != nil {
		return err
	}
	if _, ok := k.opens[s]; !ok {
		return texts.Refuse("write-closed", volume)
	}
	if err := k.mayWrite(i); err != nil {
		return err
	}
	if offset < 0 || offset+int64(len(data)) > k.state.Volumes[i].Size {
		return texts.Refuse("write-range", volume)
	}
	r, err := k.logWrite(i, offset, data)
	if err != nil {
		return err
	}
	if err := k.put(r); err != nil {
		return err
	}
	k.wake()
	k.awaitSync(r.Next)
	return nil
}

// logWrite puts a write into the SRL, after making room there, and into every
// DCM that is in use.
func (k *Kernel) logWrite(i int, offset int64, data []byte) (srl.Record, error) {
	if err := k.makeRoom(srl.Cost(len(data))); err != nil {
		return srl.Record{}, err
	}
	r, err := k.log.Append(i, offset, data)
	if err != nil {
		return r, err
	}
	for _, l := range k.state.Links {
		if l.Attached && l.Mode != ModeSRL && !l.Resync {
			if err := k.mark(l, r); err != nil {
				return r, err
			}
		}
	}
	return r, nil
}

// mark puts a write into an RLINK's DCM.
func (k *Kernel) mark(l *Link, r srl.Record) error {
	last := (r.Offset + int64(len(r.Data)) - 1) / int64(k.Block)
	for b := r.Offset / int64(k.Block); b <= last; b++ {
		if err := k.maps[l.Name][r.Volume].Set(int(b)); err != nil {
			return err
		}
	}
	return nil
}

// syncPatience bounds how long a write waits for a synchronous Secondary,
// which is "override": then it goes on asynchronously.
const syncPatience = time.Second

// awaitSync gives the lock away until every connected synchronous Secondary
// has the position.
func (k *Kernel) awaitSync(pos int64) {
	late := time.Now().Add(syncPatience)
	for time.Now().Before(late) {
		waiting := false
		for _, l := range k.state.Links {
			if l.Sync && l.Mode == ModeSRL && k.connected(l) && l.at.pos < pos {
				waiting = true
			}
		}
		if !waiting || k.closed {
			return
		}
		k.wait(time.Until(late))
	}
}

// wait gives the lock away until something changed or the time is over.
func (k *Kernel) wait(d time.Duration) {
	changed := k.changed
	k.mu.Unlock()
	t := time.NewTimer(d)
	select {
	case <-changed:
	case <-t.C:
	}
	t.Stop()
	k.mu.Lock()
}

// knob reads a fault switch of the lab: its number, and whether it is set.
func (k *Kernel) knob(name string) (int, bool) { return Knob(k.root, name) }

// Knob reads a fault switch of a host: its number, and whether it is set.
func Knob(root, name string) (int, bool) {
	b, err := os.ReadFile(filepath.Join(root, Knobs, name))
	if err != nil {
		return 0, false
	}
	n, _ := strconv.Atoi(strings.TrimSpace(string(b)))
	return n, true
}

// programName is the name of a process.
func programName(pid int) string {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/comm")
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(b))
}

// errClosed ends goroutines.
var errClosed = errors.New("the kernel is stopped")

// dialPatience bounds the connection to another host's kernel.
const dialPatience = time.Second
