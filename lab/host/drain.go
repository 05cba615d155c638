package host

import (
	"bytes"
	"io"
	"os"
	"sync"
	"time"
)

// copyLocked copies r into out until its end or its deadline.
func copyLocked(mu *sync.Mutex, out *bytes.Buffer, r io.ReadCloser) {
	defer func() { _ = r.Close() }()
	buffer := make([]byte, 32<<10)
	for {
		n, err := r.Read(buffer)
		mu.Lock()
		out.Write(buffer[:n])
		mu.Unlock()
		if err != nil {
			return
		}
	}
}

// drain lets readers take what is in their pipes and then end.
func drain(readers ...io.ReadCloser) {
	for _, r := range readers {
		if f, ok := r.(*os.File); ok {
			_ = f.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		}
	}
}
