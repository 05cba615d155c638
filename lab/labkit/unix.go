package labkit

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
)

// A socket's path may have 108 bytes at most. These two reach a longer one
// through a descriptor of its directory.

func listenUnix(path string) (net.Listener, error) {
	var l net.Listener
	err := shortly(path, func(short string) (err error) {
		l, err = net.Listen("unix", short)
		if u, ok := l.(*net.UnixListener); ok {
			u.SetUnlinkOnClose(false)
		}
		return err
	})
	return l, err
}

func dialUnix(path string) (net.Conn, error) {
	var c net.Conn
	err := shortly(path, func(short string) (err error) {
		c, err = net.Dial("unix", short)
		return err
	})
	return c, err
}

func shortly(path string, use func(string) error) error {
	if len(path) < 100 {
		return use(path)
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()
	return use(fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), filepath.Base(path)))
}
