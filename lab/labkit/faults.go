package labkit

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/lab/host"
)

// Faults lists the lab's fault switches.
func (l *Lab) Faults() []Fault { return l.faults }

// Fault switches a fault on or off and says in one sentence what was done.
func (l *Lab) Fault(ctx context.Context, name string, args []string, on bool) (string, error) {
	for _, f := range l.faults {
		if f.Name != name {
			continue
		}
		if want := len(strings.Fields(f.Usage)); on && len(args) != want || !on && len(args) > want {
			return "", fmt.Errorf("the fault %s needs: %s %s", name, name, f.Usage)
		}
		if !on && f.Off == "" {
			return "", fmt.Errorf("the fault %s happens once and has no off", name)
		}
		return f.Set(ctx, args, on)
	}
	var names []string
	for _, f := range l.faults {
		names = append(names, f.Name)
	}
	return "", fmt.Errorf("there is no fault %q: there are %s", name, strings.Join(names, ", "))
}

// onHost makes a switch whose first argument is a host.
func (l *Lab) onHost(set func(h *host.Host, rest []string, on bool) (string, error)) func(context.Context, []string, bool) (string, error) {
	return func(_ context.Context, args []string, on bool) (string, error) {
		if len(args) == 0 {
			return "", fmt.Errorf("name the host: one of %v", l.HostNames())
		}
		h, err := l.Host(args[0])
		if err != nil {
			return "", err
		}
		return set(h, args[1:], on)
	}
}

// commonFaults are those of hosts, links and programs, equal for all products.
func (l *Lab) commonFaults() []Fault {
	return append(l.hostFaults(), l.programFaults()...)
}

func (l *Lab) hostFaults() []Fault {
	return []Fault{
		{
			Name: "host-down", Usage: "HOST", Text: "takes a host's power away: no SSH, every process of it killed", Off: "boots it",
			Set: l.onHost(func(h *host.Host, _ []string, on bool) (string, error) {
				if on {
					return fmt.Sprintf("%s is off; %d processes died", h.Name, h.PowerOff()), nil
				}
				return h.Name + " is on", h.PowerOn()
			}),
		},
		{
			Name: "host-up", Usage: "HOST", Text: "boots a host that is off: its start files decide what comes up (the old primary returns)",
			Set: l.onHost(func(h *host.Host, _ []string, _ bool) (string, error) { return h.Name + " is on", h.PowerOn() }),
		},
		{
			Name: "reboot", Usage: "HOST", Text: "takes the power away and boots; the boot time changes",
			Set: l.onHost(func(h *host.Host, _ []string, _ bool) (string, error) { return h.Name + " was rebooted", h.Reboot() }),
		},
		{
			Name: "host-silent", Usage: "HOST", Text: "the host's SSH accepts connections and never answers", Off: "it answers again",
			Set: l.onHost(func(h *host.Host, _ []string, on bool) (string, error) {
				h.Silent(on)
				return fmt.Sprintf("%s silent: %t", h.Name, on), nil
			}),
		},
		{
			Name: "ssh-cut", Usage: "HOST", Text: "drops the host's present SSH connections; programs go on",
			Set: l.onHost(func(h *host.Host, _ []string, _ bool) (string, error) {
				return fmt.Sprintf("%d connections of %s were cut", h.CutConnections(), h.Name), nil
			}),
		},
		{
			Name: "ssh-refuse", Usage: "HOST", Text: "the host closes every new SSH connection", Off: "it accepts them again",
			Set: l.onHost(func(h *host.Host, _ []string, on bool) (string, error) {
				h.Refuse(on)
				return fmt.Sprintf("%s refuses SSH: %t", h.Name, on), nil
			}),
		},
		{
			Name: "slow", Usage: "HOST MILLISECONDS", Text: "delays everything that arrives at a host over SSH", Off: "no delay",
			Set: l.onHost(setSlow),
		},
		{
			Name: "disk-full", Usage: "HOST", Text: "the host's directory of jobs cannot be written to (read-only for its user: an ordinary user cannot make a full disk)", Off: "it can again",
			Set: l.onHost(setJobsReadOnly),
		},
		{
			Name: "link-cut", Usage: "SITE", Text: "cuts the address under which other sites reach a site; SSH and clients still pass", Off: "joins it again",
			Set: l.setLink,
		},
	}
}

func setSlow(h *host.Host, rest []string, on bool) (string, error) {
	if !on {
		h.Slow(0)
		return h.Name + " is not delayed", nil
	}
	ms, err := strconv.Atoi(rest[0])
	if err != nil || ms < 0 || ms > 60000 {
		return "", fmt.Errorf("%q is no number of milliseconds up to 60000", rest[0])
	}
	h.Slow(time.Duration(ms) * time.Millisecond)
	return fmt.Sprintf("%s is delayed by %d ms", h.Name, ms), nil
}

func setJobsReadOnly(h *host.Host, _ []string, on bool) (string, error) {
	mode := os.FileMode(0o700)
	if on {
		mode = 0o500
	}
	if err := os.Chmod(h.Path(JobDir), mode); err != nil {
		return "", err
	}
	return fmt.Sprintf("the job directory of %s has mode %o", h.Name, mode), nil
}

func (l *Lab) setLink(_ context.Context, args []string, on bool) (string, error) {
	if len(args) == 0 || !slices.Contains(l.Sites, args[0]) {
		return "", fmt.Errorf("name the site whose link is meant: one of %v", l.Sites)
	}
	for _, k := range l.links {
		switch {
		case k.site != args[0]:
		case on:
			k.cut()
		default:
			k.join()
		}
	}
	if on {
		return "nobody reaches " + args[0] + " from another site", nil
	}
	return args[0] + " can be reached from other sites", nil
}

// programFaults break counted programs.
func (l *Lab) programFaults() []Fault {
	broken := func(name, usage, kind, text string) Fault {
		return Fault{
			Name: name, Usage: strings.TrimSpace("HOST PROGRAM " + usage), Text: text, Off: "the program is whole again",
			Set: l.onHost(func(h *host.Host, rest []string, on bool) (string, error) {
				if len(rest) == 0 {
					return "", fmt.Errorf("name the program after the host")
				}
				if !on {
					return rest[0] + " is whole again on " + h.Name, h.MendProgram(rest[0])
				}
				value := ""
				if len(rest) > 1 {
					value = rest[1]
				}
				return fmt.Sprintf("%s on %s: %s %s", rest[0], h.Name, kind, value), h.BreakProgram(rest[0], kind, value)
			}),
		}
	}
	return []Fault{
		broken("command-hangs", "", host.FaultHangBefore, "the program does nothing and never ends"),
		broken("command-hangs-after", "", host.FaultHangAfter, "the program does its work and never ends"),
		broken("command-killed", "SECONDS", host.FaultKill, "the program is killed after so many seconds (0.2)"),
		broken("lying-exit", "CODE", host.FaultLie, "the program does its work and ends with this exit code"),
		broken("lying-idle", "CODE", host.FaultLieIdle, "the program does nothing and ends with this exit code"),
		broken("truncated-output", "BYTES", host.FaultTruncate, "only the first bytes of the program's output arrive"),
	}
}
