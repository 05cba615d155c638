//go:build !linux

package host

import (
	"errors"
	"os"
	"syscall"
)

// spawner needs a subreaper, /proc and addresses in 127.0.0.0/8.
type spawner struct{ gone chan struct{} }

func newSpawner() (*spawner, error) {
	return nil, errors.New("the lab needs Linux: run it in a container or a virtual machine")
}

func (*spawner) start(request, *os.File, *os.File, *os.File) (int, <-chan Exit, error) {
	return 0, nil, errors.ErrUnsupported
}

func (*spawner) signal(int, syscall.Signal) {}

func (*spawner) off() int { return 0 }
