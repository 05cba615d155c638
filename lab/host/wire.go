package host

import (
	"net"
	"sync/atomic"
	"time"
)

// wire is a connection that obeys the host's slow and silent switches.
type wire struct {
	net.Conn
	host  *Host
	ended atomic.Bool
}

// silentPoll is how often a connection of a silent host looks whether it may
// speak again.
const silentPoll = 10 * time.Millisecond

// Read delays what arrives, and holds it back while the host is silent.
func (w *wire) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	if err != nil {
		return n, err
	}
	if err := w.wait(); err != nil {
		return 0, err
	}
	w.host.mu.Lock()
	slow := w.host.slow
	w.host.mu.Unlock()
	time.Sleep(slow)
	return n, nil
}

// Write holds back what a silent host would say.
func (w *wire) Write(b []byte) (int, error) {
	if err := w.wait(); err != nil {
		return 0, err
	}
	return w.Conn.Write(b)
}

// wait returns when the host is not silent, or the connection is closed.
func (w *wire) wait() error {
	for {
		w.host.mu.Lock()
		silent := w.host.silent
		w.host.mu.Unlock()
		if !silent {
			return nil
		}
		if w.ended.Load() {
			return net.ErrClosed
		}
		time.Sleep(silentPoll)
	}
}

// Close also ends who waits for a silent host.
func (w *wire) Close() error {
	w.ended.Store(true)
	return w.Conn.Close()
}
