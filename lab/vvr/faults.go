package vvr

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/switchback-dr/switchback/lab/host"
	"github.com/switchback-dr/switchback/lab/labkit"
	"github.com/switchback-dr/switchback/lab/vvr/kernel"
	"github.com/switchback-dr/switchback/lab/vvr/vras"
)

// Faults are VVR's own. Those of hosts, links and programs are the lab's.
func (s *system) Faults() []labkit.Fault {
	return append(s.knobs(), s.deeds()...)
}

// knobs are switches that the daemons of a host look at.
func (s *system) knobs() []labkit.Fault {
	knob := func(name, usage, text string) labkit.Fault {
		return labkit.Fault{
			Name: name, Usage: strings.TrimSpace("SITE " + usage), Text: text, Off: "as without it",
			Set: s.onSite(func(h *host.Host, rest []string, on bool) (string, error) { return setKnob(h, name, rest, on) }),
		}
	}
	return []labkit.Fault{
		knob("crash-at", "BLOCK", "the host loses its power when a synchronisation that it does reaches this block (counted over all volumes)"),
		knob("sync-dies-at", "BLOCK", "vradmind is killed when a synchronisation that it does reaches this block"),
		knob("slow-sync", "MILLISECONDS", "each block of a synchronisation or of a DCM replay that the site does takes so long"),
		knob("slow-rlink", "MILLISECONDS", "each message of replication that the site sends waits so long: the Secondaries lag"),
		knob("slow-connect", "MILLISECONDS", "an RLINK that is attached on the site connects so much later, or when this is turned off"),
		knob("stall-migrate", "MILLISECONDS", "a migration away from the site waits so long between its two halves"),
		knob("stall-startrep", "MILLISECONDS", "a startrep of the site waits so long between the Secondary's end and its own"),
		knob("migrate-fails", "", "the site refuses to become Primary in a migration, which is rolled back"),
		knob("open-before-makesec", "", "somebody opens a volume of the site just before each makesec, for 2 s"),
		knob("open-before-migrate", "", "somebody opens a volume of the site just before each migrate, for 2 s"),
	}
}

// onSite makes a switch whose first argument is a site.
func (s *system) onSite(set func(h *host.Host, rest []string, on bool) (string, error)) func(context.Context, []string, bool) (string, error) {
	return func(_ context.Context, args []string, on bool) (string, error) {
		if len(args) == 0 || !contains(s.lab.Sites, args[0]) {
			return "", fmt.Errorf("name the site: one of %v", s.lab.Sites)
		}
		h, err := s.lab.Host(args[0])
		if err != nil {
			return "", err
		}
		return set(h, args[1:], on)
	}
}

func setKnob(h *host.Host, name string, rest []string, on bool) (string, error) {
	if command, stalls := strings.CutPrefix(name, "stall-"); stalls {
		_ = os.Remove(h.Path(kernel.Knobs, "stalled-"+command))
	}
	if !on {
		err := os.Remove(h.Path(kernel.Knobs, name))
		if os.IsNotExist(err) {
			err = nil
		}
		return name + " is off on " + h.Name, err
	}
	value := "0"
	if len(rest) > 0 {
		n, err := strconv.Atoi(rest[0])
		if err != nil || n < 0 || n > 1<<20 {
			return "", fmt.Errorf("%q is no number up to %d", rest[0], 1<<20)
		}
		value = rest[0]
	}
	return fmt.Sprintf("%s is %s on %s", name, value, h.Name), h.WriteFile(filepath.Join(kernel.Knobs, name), value+"\n", 0o644)
}

// deeds are what somebody does to a host.
func (s *system) deeds() []labkit.Fault {
	return []labkit.Fault{
		{
			Name: "vradmind-kill", Usage: "SITE", Text: "kills a site's vradmind by SIGKILL; replication goes on", Off: "starts it",
			Set: s.onSite(s.killVradmind),
		},
		{
			Name: "panic", Usage: "SITE", Text: "the kernel of a site panics: everything there dies at once and the host boots again",
			Set: s.onSite(func(h *host.Host, _ []string, _ bool) (string, error) {
				return h.Name + " has panicked and booted", h.Reboot()
			}),
		},
		{
			Name: "shop-kill", Usage: "SITE", Text: "kills the application of a site by SIGKILL: its volumes are closed",
			Set: s.onSite(s.killShop),
		},
		{
			Name: "volume-open", Usage: "SITE", Text: "a process of the site keeps a data volume open, as a mount would", Off: "it ends",
			Set: s.onSite(s.holdVolume),
		},
		{
			Name: "srl-size", Usage: "SITE KILOBYTES", Text: "gives the SRL of a site another capacity; what it keeps must fit",
			Set: s.onSite(s.resizeSRL),
		},
		{
			Name: "leftover-checkpoint", Usage: "SITE NAME", Text: "makes a checkpoint of this name on a Primary and leaves it, started and ended",
			Set: s.onSite(func(h *host.Host, rest []string, _ bool) (string, error) { return s.leaveCheckpoints(h, rest[:1]) }),
		},
		{
			Name: "checkpoints-full", Usage: "SITE", Text: "makes checkpoints on a Primary until it has 46, the most there can be",
			Set: s.onSite(s.fillCheckpoints),
		},
		{
			Name: "diskgroup-deport", Usage: "SITE", Text: "deports the disk group of a site", Off: "imports it",
			Set: s.onSite(func(h *host.Host, _ []string, on bool) (string, error) {
				verb := map[bool]string{true: "deport", false: "import"}[on]
				return diskGroup + " on " + h.Name + ": " + verb, s.run(h.Name, sbin+"/vxdg", verb, diskGroup)
			}),
		},
		{
			Name: "shop-autostart", Usage: "SITE", Text: "the application of a site starts at boot", Off: "it does not",
			Set: s.onSite(func(h *host.Host, _ []string, on bool) (string, error) {
				verb := map[bool]string{true: "enable", false: "disable"}[on]
				return "shop on " + h.Name + ": " + verb, s.run(h.Name, "bin/shop", verb)
			}),
		},
		{
			Name: "old-primary-returns", Usage: "SITE", Text: "boots a host that is off, and starts its application there as a careless start file would",
			Set: s.onSite(s.returns),
		},
		{
			Name: "divergent-writes", Usage: "SITE BLOCKS", Text: "writes new data into so many blocks of a Primary's volumes, past the clients",
			Set: s.onSite(s.writeBlocks),
		},
	}
}

func (s *system) killVradmind(h *host.Host, _ []string, on bool) (string, error) {
	if !on {
		return "vradmind runs on " + h.Name, s.run(h.Name, vrasInit, "start")
	}
	return kill(h, "vradmind", h.Path(vras.PIDFile))
}

func (s *system) killShop(h *host.Host, _ []string, _ bool) (string, error) {
	return kill(h, "shopd", h.Path("var/shop/shopd.pid"))
}

// kill kills the process of a host that a file names. A number in a file proves
// nothing: the process must have been started from below the host's root.
func kill(h *host.Host, name, file string) (string, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("no %s runs on %s", name, h.Name)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil || pid < 2 {
		return "", fmt.Errorf("the process of %s on %s is not known", name, h.Name)
	}
	if line, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline"); err != nil || !strings.HasPrefix(string(line), h.Root+"/") {
		return "", fmt.Errorf("no %s runs on %s: process %d is gone or another", name, h.Name, pid)
	}
	return fmt.Sprintf("%s on %s (process %d) was killed", name, h.Name, pid), host.Kill(pid)
}

func (s *system) returns(h *host.Host, _ []string, _ bool) (string, error) {
	if err := h.PowerOn(); err != nil {
		return "", err
	}
	return h.Name + " is on and its application runs", s.run(h.Name, "bin/shop", "start")
}
