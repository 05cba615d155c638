package kernel

import (
	"fmt"
	"os"
	"path/filepath"
)

// Events is the file of events, one line each in the form that vrnotify prints:
// host:event:RDS:message. It is a second witness of what happened, beside the
// state.
const Events = "var/vx/vras/log/events"

// event writes an event down.
func (k *Kernel) event(name, message string) {
	path := filepath.Join(k.root, Events)
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return
	}
	_, _ = fmt.Fprintf(f, "%s:%s:%s:%s\n", k.Host, name, k.state.RVG, message)
	_ = f.Close()
}
