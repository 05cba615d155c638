package vvr

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/lab/host"
	"github.com/switchback-dr/switchback/lab/labkit"
	"github.com/switchback-dr/switchback/lab/vvr/kernel"
	"github.com/switchback-dr/switchback/lab/vvr/shop"
	"github.com/switchback-dr/switchback/lab/vvr/vras"
	"github.com/switchback-dr/switchback/lab/vvr/wire"
)

// Names of the lab's objects.
const (
	diskGroup  = "shopdg"
	rvg        = "shop_rvg"
	srlName    = "shop_srl"
	volumeStem = "shop_dv"
	systemName = "shop"
)

// Ports that VVR uses; the application uses the lab's own.
const (
	kernelPort = 4145
	adminPort  = 8199
)

// startPatience bounds every wait of the start.
const startPatience = 20 * time.Second

// Product is VVR.
type Product struct{}

// Name is "vvr".
func (Product) Name() string { return "vvr" }

// Accounts are none: every ordinary user will do.
func (Product) Accounts() []string { return nil }

// Check finds nothing missing: the lab brings everything.
func (Product) Check() error { return nil }

// Tale is VVR's part of a demonstration.
func (Product) Tale() labkit.Tale {
	return labkit.Tale{
		Server: "the kernel with VVR", Kill: "panic",
		Failback: "VVR sends the blocks that either side changed, not the whole volumes, to west; west catches up, and after a second " +
			"gate it becomes the Primary again. What only west had is overwritten.",
	}
}

// Start makes an RDS over all sites, the first Primary, and starts it with its
// application.
func (Product) Start(ctx context.Context, l *labkit.Lab) (labkit.System, error) {
	set, err := readSettings(l.Options.Settings)
	if err != nil {
		return nil, err
	}
	s := &system{lab: l, set: set, asks: map[string]*asker{}}
	content := volumeContents(set)
	for i, site := range l.Sites {
		h, err := l.Host(site)
		if err != nil {
			return nil, err
		}
		s.asks[site] = &asker{at: l.Inner(site)}
		for _, port := range []int{kernelPort, adminPort} {
			if err := l.OpenLink(site, site, port); err != nil {
				return nil, err
			}
		}
		if err := s.prepareHost(h, i, content); err != nil {
			return nil, err
		}
	}
	for _, site := range l.Sites {
		for _, file := range []string{"20-vxvm", "30-vras"} {
			if err := s.run(site, filepath.Join(host.RCDir, file), "start"); err != nil {
				return nil, err
			}
		}
	}
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	if err := s.waitConnected(ctx, l.Sites[0]); err != nil {
		return nil, err
	}
	return s, s.run(l.Sites[0], "bin/shop", "start")
}

// volumeContents makes the first content of every volume, equal on all sites:
// no rows, and other data behind them.
func volumeContents(set settings) []string {
	var all []string
	for i := range set.volumes {
		b := make([]byte, set.volumeMB<<20)
		source := rand.NewChaCha8([32]byte{byte(i)})
		_, _ = source.Read(b[shop.Table(int64(len(b))):])
		all = append(all, string(b))
	}
	return all
}

// vvrNames are VVR's own names of the hosts, in the order of the sites.
var vvrNames = []string{"seattle-rep", "london-rep", "tokyo-rep"}

// vvrName is VVR's own name of a site's host.
func (s *system) vvrName(site string) string {
	for i, n := range s.lab.Sites {
		if n == site && s.set.names == "own" {
			return vvrNames[i]
		}
	}
	return site
}

func (s *system) prepareHost(h *host.Host, i int, content []string) error {
	dirs := []string{
		"etc/vx", "etc/init.d", "usr/local/bin", "var/vx/vras/log", kernel.Knobs, "var/shop", "var/snapshots", "dev/vx/rdsk/" + diskGroup, "dev/vx/dsk",
	}
	for _, d := range dirs {
		if err := h.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	if err := s.installPrograms(h); err != nil {
		return err
	}
	if err := s.installVCS(h); err != nil {
		return err
	}
	if err := os.Symlink("../rdsk/"+diskGroup, h.Path("dev/vx/dsk", diskGroup)); err != nil {
		return err
	}
	for n, text := range content {
		if err := h.WriteFile("dev/vx/rdsk/"+diskGroup+"/"+volumeName(n), text, 0o644); err != nil {
			return err
		}
	}
	if err := writeJSON(h, kernel.ConfigFile, s.config(h.Name)); err != nil {
		return err
	}
	if err := writeJSON(h, kernel.StateFile, s.state(i)); err != nil {
		return err
	}
	return s.powerSwitch(h)
}

func volumeName(n int) string { return fmt.Sprintf("%s%02d", volumeStem, n+1) }

func writeJSON(h *host.Host, path string, v any) error {
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err
	}
	return h.WriteFile(path, string(b)+"\n", 0o644)
}

// config is what a host knows of itself and the others.
func (s *system) config(site string) kernel.Config {
	at := func(ip string, port int) string { return net.JoinHostPort(ip, strconv.Itoa(port)) }
	c := kernel.Config{
		Host: s.vvrName(site), Site: site, IP: s.lab.OuterHost(site), Peers: map[string]kernel.Peer{},
		Kernel: at(s.lab.InnerHost(site), kernelPort), Admin: at(s.lab.InnerHost(site), adminPort), Shop: s.lab.Inner(site),
		Heartbeat: s.set.heartbeat, Pace: s.set.pace, Block: s.set.blockKB << 10, SRLSize: int64(s.set.srlKB) << 10, VerifyExit: s.set.verifyExit,
	}
	for _, other := range s.lab.Sites {
		if ip := s.lab.OuterHost(other); other != site {
			c.Peers[s.vvrName(other)] = kernel.Peer{IP: ip, Kernel: at(ip, kernelPort), Admin: at(ip, adminPort)}
		}
	}
	return c
}

// state is a host's first state: the first site's is the Primary.
func (s *system) state(i int) *kernel.State {
	own, first := s.vvrName(s.lab.Sites[i]), s.vvrName(s.lab.Sites[0])
	st := &kernel.State{DG: diskGroup, RVG: rvg, SRL: srlName, Role: kernel.Secondary, Started: true, Follows: first}
	if i == 0 {
		st.Role, st.Follows, st.Generation = kernel.Primary, "", "first"
	}
	for n := range s.set.volumes {
		st.Volumes = append(st.Volumes, kernel.Volume{Name: volumeName(n), Size: int64(s.set.volumeMB) << 20, DCM: s.set.dcm})
	}
	for j, site := range s.lab.Sites {
		other := s.vvrName(site)
		pair := i == 0 || j == 0
		if i == j || !pair && !s.set.mesh {
			continue
		}
		st.Links = append(st.Links, &kernel.Link{
			Name: kernel.LinkName(other, rvg), Remote: other, RemoteName: kernel.LinkName(own, rvg),
			Attached: pair, Consistent: pair, SRLProt: s.set.srlprot, Sync: s.lab.Options.Sync,
		})
		st.Tags++
	}
	return st
}

func (s *system) installPrograms(h *host.Host) error {
	counted := map[string]host.Builtin{
		sbin + "/vradmin": vradminProgram, sbin + "/vxprint": vxprintProgram, sbin + "/vxrlink": vxrlinkProgram,
		sbin + "/vxrvg": vxrvgProgram, sbin + "/vxdg": vxdgProgram, "bin/shop": shopProgram,
	}
	for path, b := range counted {
		if err := h.Install(b, path); err != nil {
			return err
		}
	}
	plain := map[string]host.Builtin{vrasBin: vradmindProgram, kernelBin: kernelProgram, shopBin: shopdProgram, bootBin: bootProgram, holderBin: holderProgram}
	for path, b := range plain {
		if err := h.InstallPlain(b, path); err != nil {
			return err
		}
	}
	for _, name := range []string{"vradmin", "vxprint", "vxrlink", "vxrvg", "vxdg"} {
		// On PATH, too, for people.
		if err := os.Symlink("../"+sbin+"/"+name, h.Path(host.BinDir, name)); err != nil {
			return err
		}
	}
	fill := strings.NewReplacer("@ROOT@", dr.Quote(h.Root), "@DG@", diskGroup)
	if err := h.Program(vrasInit, fill.Replace(initText)); err != nil {
		return err
	}
	if err := h.Program("libexec/snapshot", fill.Replace(snapshotText)); err != nil {
		return err
	}
	if err := h.Shim("usr/local/bin/snapshot", "snapshot", h.Path("libexec/snapshot")); err != nil {
		return err
	}
	for name, text := range rc {
		if err := h.Program(host.RCDir+"/"+name, "#!/bin/sh\n"+fill.Replace(text)); err != nil {
			return err
		}
	}
	if s.set.autostart {
		return h.WriteFile("etc/shop.autostart", "", 0o644)
	}
	return nil
}

// powerSwitch lets a program of the host take its power away, for faults that
// must strike at an exact block.
func (s *system) powerSwitch(h *host.Host) error {
	path := h.Path(vras.PowerPipe)
	if err := syscall.Mkfifo(path, 0o666); err != nil {
		return fmt.Errorf("no power switch on %s: %w", h.Name, err)
	}
	if err := os.Chmod(path, 0o666); err != nil {
		return err
	}
	// Opened for both, so that it never ends between two writers.
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	s.pipes = append(s.pipes, f)
	go func() {
		b := make([]byte, 16)
		for {
			if _, err := f.Read(b); err != nil {
				return
			}
			h.PowerOff()
		}
	}()
	return nil
}

// run runs a program of a site and complains with what it printed.
func (s *system) run(site, path string, args ...string) error {
	h, err := s.lab.Host(site)
	if err != nil {
		return err
	}
	out, exit, err := h.Run(append([]string{h.Path(path)}, args...)...)
	if err != nil {
		return err
	}
	if exit.Code != 0 || exit.Signal != 0 {
		return fmt.Errorf("%s on %s ended with %d: %s", path, site, exit.Code, strings.TrimSpace(out))
	}
	return nil
}

// view asks a site's kernel.
func (s *system) view(site string) (kernel.View, error) {
	var v kernel.View
	h, err := s.lab.Host(site)
	if err != nil {
		return v, err
	}
	return v, wire.Call("unix", h.Path(kernel.Socket), "view", nil, &v, time.Second)
}

// waitConnected waits until a Primary replicates to every attached Secondary.
func (s *system) waitConnected(ctx context.Context, site string) error {
	for ctx.Err() == nil {
		v, err := s.view(site)
		connected := err == nil
		for i, l := range v.Links {
			connected = connected && (!l.Attached || v.Ends[i].Connected)
		}
		if connected {
			return nil
		}
		time.Sleep(5 * time.Millisecond)
	}
	return fmt.Errorf("the RLINKs of %s did not connect", site)
}
