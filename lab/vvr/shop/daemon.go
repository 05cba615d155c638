package shop

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/switchback-dr/switchback/lab/vvr/kernel"
	"github.com/switchback-dr/switchback/lab/vvr/texts"
	"github.com/switchback-dr/switchback/lab/vvr/wire"
)

// Places below a host's root.
const (
	pidFile  = "var/shop/shopd.pid"
	autoFile = "etc/shop.autostart"
)

// server is a running application.
type server struct {
	mu     sync.Mutex
	kernel *wire.Conn
	tables []*table
}

// table is the rows of one volume.
type table struct {
	volume string
	slots  int
	used   int
	// sector is the last one that has rows.
	sector [SectorSize]byte
}

// Daemon is the program shopd, until it is killed: it opens all data volumes,
// which the kernel allows on a Primary only, and takes orders.
func Daemon(root string) int {
	_, _ = fmt.Fprintln(os.Stderr, "shopd: "+serve(root).Error())
	return 1
}

// serve takes orders until it cannot any more.
func serve(root string) error {
	c, err := kernel.ReadConfig(root)
	if err != nil {
		return err
	}
	s := &server{}
	if s.kernel, err = wire.Dial("unix", filepath.Join(root, kernel.Socket), time.Second); err != nil {
		return err
	}
	var v kernel.View
	if err := s.kernel.Ask("view", nil, &v, patience); err != nil {
		return err
	}
	var names []string
	for _, vol := range v.Volumes {
		names = append(names, vol.Name)
	}
	if err := s.kernel.Ask("open", names, nil, patience); err != nil {
		return err
	}
	for _, vol := range v.Volumes {
		// The device stays open, so that fuser and lsof find this program.
		f, err := os.Open(kernel.DevicePath(root, v.DG, vol.Name))
		if err != nil {
			return err
		}
		t, err := load(f, vol)
		if err != nil {
			return err
		}
		s.tables = append(s.tables, t)
	}
	l, err := net.Listen("tcp", c.Shop)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(root, pidFile), []byte(strconv.Itoa(os.Getpid())+"\n"), 0o644); err != nil {
		return err
	}
	for {
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		go s.talk(conn)
	}
}

// patience bounds a question to the kernel.
const patience = 5 * time.Second

// load finds the end of a volume's rows.
func load(f *os.File, v kernel.Volume) (*table, error) {
	all := make([]byte, Table(v.Size))
	if _, err := f.ReadAt(all, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("the volume %s cannot be read: %w", v.Name, err)
	}
	t := &table{volume: v.Name, slots: len(all) / RowSize}
	for t.used < t.slots {
		if _, ok := Decode(all[t.used*RowSize:]); !ok {
			break
		}
		t.used++
	}
	if t.used < t.slots {
		copy(t.sector[:], all[t.used/perSector*SectorSize:])
	}
	return t, nil
}

// Greeting is what the application says first: a client that does not hear it
// has no session.
const Greeting = "shop"

// talk answers one client: "put N" and "can", one line each.
func (s *server) talk(c net.Conn) {
	defer func() { _ = c.Close() }()
	if _, err := io.WriteString(c, Greeting+"\n"); err != nil {
		return
	}
	lines := bufio.NewScanner(c)
	for lines.Scan() {
		if _, err := io.WriteString(c, s.answer(lines.Text())+"\n"); err != nil {
			return
		}
	}
}

func (s *server) answer(line string) string {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "put":
		n, err := strconv.ParseInt(rest, 10, 64)
		if err != nil {
			return "refused that is no number"
		}
		return s.put(n)
	case "can":
		return s.can()
	}
	return "refused there is no such order"
}

// put writes a row into one of the volumes, by its number.
func (s *server) put(n int64) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tables[int(n)%len(s.tables)]
	if t.used >= t.slots {
		return "refused no space is left on " + t.volume
	}
	before := t.sector
	copy(t.sector[t.used%perSector*RowSize:], encode(n))
	w := kernel.Write{Volume: t.volume, Offset: int64(t.used / perSector * SectorSize), Data: append([]byte(nil), t.sector[:]...)}
	err := s.kernel.Ask("write", w, nil, patience)
	var refused *texts.Refusal
	if errors.As(err, &refused) {
		t.sector = before
		return "refused " + refused.Error()
	}
	if err != nil {
		// The write may have been done: an application that lost its device
		// ends.
		_, _ = fmt.Fprintln(os.Stderr, "shopd: "+err.Error())
		os.Exit(1)
	}
	if t.used++; t.used%perSector == 0 {
		t.sector = [SectorSize]byte{}
	}
	return "ok"
}

// can says whether a row would be taken now, without writing one.
func (s *server) can() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var v kernel.View
	if s.kernel.Ask("view", nil, &v, patience) != nil || v.Role != kernel.Primary || v.Acting || !v.Started || v.Deported {
		return "no"
	}
	return "yes"
}

// Client is the program shop: start, stop, status, enable and disable.
func Client(ctx context.Context, root string, args []string, start func() error, out, errs io.Writer) int {
	if len(args) != 1 {
		_, _ = fmt.Fprintln(errs, "usage: shop start|stop|status|enable|disable")
		return 2
	}
	switch args[0] {
	case "start":
		return startShop(ctx, root, start, errs)
	case "stop":
		return stopShop(ctx, root, errs)
	case "status":
		pid := running(root)
		if pid == 0 {
			_, _ = fmt.Fprintln(out, "shop is stopped")
			return 3
		}
		_, _ = fmt.Fprintf(out, "shop is running (process %d)\n", pid)
		return 0
	case "enable":
		return code(os.WriteFile(filepath.Join(root, autoFile), nil, 0o644), errs)
	case "disable":
		if err := os.Remove(filepath.Join(root, autoFile)); err != nil && !os.IsNotExist(err) {
			return code(err, errs)
		}
		return 0
	case "boot":
		if _, err := os.Stat(filepath.Join(root, autoFile)); err != nil {
			return 0
		}
		return startShop(ctx, root, start, errs)
	}
	_, _ = fmt.Fprintln(errs, "usage: shop start|stop|status|enable|disable")
	return 2
}

func code(err error, errs io.Writer) int {
	if err == nil {
		return 0
	}
	_, _ = fmt.Fprintln(errs, "shop: "+err.Error())
	return 1
}
