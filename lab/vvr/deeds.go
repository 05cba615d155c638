package vvr

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/switchback-dr/switchback/lab/host"
	"github.com/switchback-dr/switchback/lab/vvr/kernel"
	"github.com/switchback-dr/switchback/lab/vvr/shop"
	"github.com/switchback-dr/switchback/lab/vvr/wire"
)

// holderBin is the program that keeps a volume open until it is killed.
const (
	holderBin = "libexec/vvr/volume-holder"
	holderPID = "var/vx/holder.pid"
)

var holderProgram = host.NewBuiltin("vvr-holder", func([]string) int { return complain(hold(root())) })

// hold keeps the first data volume open, for the kernel and for fuser.
func hold(root string) error {
	c, err := wire.Dial("unix", filepath.Join(root, kernel.Socket), time.Second)
	if err != nil {
		return err
	}
	f, err := os.Open(kernel.DevicePath(root, diskGroup, volumeName(0)))
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if err := c.Ask("hold", []string{volumeName(0)}, nil, time.Second); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(root, holderPID), []byte(strconv.Itoa(os.Getpid())+"\n"), 0o644); err != nil {
		return err
	}
	select {}
}

func (s *system) holdVolume(h *host.Host, _ []string, on bool) (string, error) {
	if !on {
		said, err := kill(h, "volume-holder", h.Path(holderPID))
		if err != nil {
			return "", err
		}
		return said, s.waitOpens(h.Name, "volume-holder", false)
	}
	_, _, err := h.Run("/bin/sh", "-c", h.Path(holderBin)+" >/dev/null 2>&1 </dev/null &")
	if err != nil {
		return "", err
	}
	return "a process of " + h.Name + " has " + volumeName(0) + " open", s.waitOpens(h.Name, "volume-holder", true)
}

// waitOpens waits until the kernel of a site knows that a program has volumes
// open, or no longer has.
func (s *system) waitOpens(site, program string, open bool) error {
	for late := time.Now().Add(startPatience); time.Now().Before(late); time.Sleep(3 * time.Millisecond) {
		v, err := s.view(site)
		if err != nil {
			return err
		}
		found := false
		for _, o := range v.Open {
			found = found || o.Name == program
		}
		if found == open {
			return nil
		}
	}
	return fmt.Errorf("the volumes of %s did not change", site)
}

func (s *system) resizeSRL(h *host.Host, rest []string, _ bool) (string, error) {
	n, err := strconv.Atoi(rest[0])
	if err != nil || n < 4 || n > 1<<20 {
		return "", fmt.Errorf("%q is no size from 4 to %d kilobytes", rest[0], 1<<20)
	}
	err = wire.Call("unix", h.Path(kernel.Socket), "resize-srl", kernel.Size{Bytes: int64(n) << 10}, nil, time.Second)
	return fmt.Sprintf("the SRL of %s has %d kilobytes", h.Name, n), err
}

func (s *system) leaveCheckpoints(h *host.Host, names []string) (string, error) {
	for _, name := range names {
		if err := s.run(h.Name, sbin+"/vxrvg", "-g", diskGroup, "-c", name, "checkstart", rvg); err != nil {
			return "", err
		}
		if err := s.run(h.Name, sbin+"/vxrvg", "-g", diskGroup, "checkend", rvg); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%d checkpoints were left on %s", len(names), h.Name), nil
}

func (s *system) fillCheckpoints(h *host.Host, _ []string, _ bool) (string, error) {
	v, err := s.view(h.Name)
	if err != nil {
		return "", err
	}
	c, err := wire.Dial("unix", h.Path(kernel.Socket), time.Second)
	if err != nil {
		return "", err
	}
	defer c.Close()
	n := len(v.Checkpoints)
	for ; n < kernel.MaxCheckpoints; n++ {
		if err := c.Ask("checkstart", kernel.Check{Name: fmt.Sprintf("leftover%02d", n)}, nil, time.Second); err != nil {
			return "", err
		}
		if err := c.Ask("checkend", nil, nil, time.Second); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%s has %d checkpoints", h.Name, n), nil
}

// writeBlocks writes whole blocks behind the rows, as another application would.
// Every site begins at a block of its own, so that what two Primaries wrote
// differs in place as well.
func (s *system) writeBlocks(h *host.Host, rest []string, _ bool) (string, error) {
	n, err := strconv.Atoi(rest[0])
	block, size := s.set.blockKB<<10, s.set.volumeMB<<20
	each := (size - int(shop.Table(int64(size)))) / block
	if err != nil || n < 1 || n > each*s.set.volumes {
		return "", fmt.Errorf("%q is no number of blocks from 1 to %d", rest[0], each*s.set.volumes)
	}
	c, err := wire.Dial("unix", h.Path(kernel.Socket), time.Second)
	if err != nil {
		return "", err
	}
	defer c.Close()
	var names []string
	for i := range s.set.volumes {
		names = append(names, volumeName(i))
	}
	if err := c.Ask("open", names, nil, time.Second); err != nil {
		return "", err
	}
	data := make([]byte, block)
	first := slices.Index(s.lab.Sites, h.Name) * each / len(s.lab.Sites)
	for i := range n {
		_, _ = rand.Read(data)
		at := (first + i) % (each * s.set.volumes)
		w := kernel.Write{Volume: volumeName(at / each), Offset: int64(size - (at%each+1)*block), Data: data}
		if err := c.Ask("write", w, nil, 5*time.Second); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%d blocks of %s were written", n, h.Name), nil
}
