package openedge

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/switchback-dr/switchback/lab/host"
	"github.com/switchback-dr/switchback/lab/labkit"
	"github.com/switchback-dr/switchback/lab/openedge/sim"
)

func (s *system) processFaults() []labkit.Fault {
	kill := func(name, process, text string) labkit.Fault {
		return labkit.Fault{Name: name, Usage: "SITE", Text: text, Set: s.onSite(func(_ context.Context, h *host.Host, _ []string, _ bool) (string, error) {
			pid, err := running(h, process)
			if err != nil {
				return "", err
			}
			return fmt.Sprintf("%s on %s (process %d) was killed", process, h.Name, pid), host.Kill(pid)
		})}
	}
	return []labkit.Fault{
		kill("broker-kill", "_mprosrv", "kills a site's broker by SIGKILL; replication's process ends with it, the lock file stays"),
		kill("server-kill", "rpserver", "kills a source's replication server by SIGKILL; the database works on"),
		kill("agent-kill", "rpagent", "kills a target's agent by SIGKILL"),
		{
			Name: "emergency-stop", Usage: "SITE", Text: "proshut -byF: a target that it stops cannot be resynchronised",
			Set: s.onSite(func(_ context.Context, h *host.Host, _ []string, _ bool) (string, error) {
				return h.Name + " was stopped in an emergency", s.run(h.Name, "proshut", h.Path(database), "-byF")
			}),
		},
		{
			Name: "old-primary-returns", Usage: "SITE", Text: "boots a host that is off, or runs its start program, as init would: start.conf decides",
			Set: s.onSite(func(_ context.Context, h *host.Host, _ []string, _ bool) (string, error) {
				if !h.On() {
					return h.Name + " is on", h.PowerOn()
				}
				return "the start program of " + h.Name + " ran", s.boot(h.Name)
			}),
		},
		{
			Name: "second-backup", Usage: "SITE", Text: "somebody's nightly backup runs: a seed that is not yet in step is worth nothing any more",
			Set: s.onSite(func(_ context.Context, h *host.Host, _ []string, _ bool) (string, error) {
				return "a backup of " + h.Name + " was taken", s.run(h.Name, "probkup", "online", h.Path(database), h.Path("tmp/nightly.bck"))
			}),
		},
		{
			Name: "ai-flood", Usage: "SITE TRANSACTIONS", Text: "a batch of so many transactions that leave no record fills after-image extents",
			Set: s.onSite(s.flood),
		},
	}
}

// running finds a process of the site's database by its name and argument: all
// hosts of a lab share the machine's process numbers.
func running(h *host.Host, name string) (int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0, err
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		line, err := os.ReadFile("/proc/" + e.Name() + "/cmdline")
		words := strings.Split(string(line), "\x00")
		if err == nil && len(words) > 1 && strings.HasSuffix(words[0], "/"+name) && words[1] == h.Path(database) {
			return pid, nil
		}
	}
	return 0, fmt.Errorf("no %s of the database runs on %s", name, h.Name)
}

func (s *system) flood(ctx context.Context, h *host.Host, rest []string, _ bool) (string, error) {
	n, err := strconv.Atoi(rest[0])
	if err != nil || n < 1 || n > 1<<19 {
		return "", fmt.Errorf("%q is no number of transactions up to %d", rest[0], 1<<19)
	}
	c, err := connect(ctx, s.lab.Inner(h.Name))
	if err != nil {
		return "", err
	}
	defer c.Close()
	for left := n; left > 0; left -= 256 {
		answer, err := c.ask(ctx, fmt.Sprintf("FILL %d", min(left, 256)))
		if err != nil || answer != "OK" {
			return "", fmt.Errorf("after %d transactions the broker of %s answered %q: %w", n-left, h.Name, answer, err)
		}
	}
	return fmt.Sprintf("%d transactions were made on %s", n, h.Name), nil
}

// programFaults change what the programs do, and how fast.
func (s *system) programFaults() []labkit.Fault {
	config := func(set func(c *sim.Config, rest []string, on bool) error, said string) func(context.Context, []string, bool) (string, error) {
		return s.onSite(func(_ context.Context, h *host.Host, rest []string, on bool) (string, error) {
			var bad error
			err := s.alter(h.Name, func(c *sim.Config) { bad = set(c, rest, on) })
			if bad != nil {
				return "", bad
			}
			return fmt.Sprintf("%s: "+said+": %t", h.Name, on), err
		})
	}
	word := func(rest []string, on bool) string {
		if !on {
			return ""
		}
		return rest[0]
	}
	return []labkit.Fault{
		{
			Name: "transition-crash", Usage: "SITE STEP", Text: `dsrutil -C transition is killed after the step of this name ("Switching database role")`, Off: "it is not",
			Set: config(func(c *sim.Config, rest []string, on bool) error {
				c.CrashAfter = word(rest, on)
				return nil
			}, "transition-crash"),
		},
		{
			Name: "transition-fails", Usage: "SITE STEP", Text: "this step of a transition fails", Off: "it does not",
			Set: config(func(c *sim.Config, rest []string, on bool) error {
				c.FailAt = word(rest, on)
				return nil
			}, "transition-fails"),
		},
		{
			Name: "slow-work", Usage: "SITE FACTOR", Text: "backups, restores, steps of transitions and synchronisations take so many times longer, running ones too", Off: "the usual pace",
			Set: config(func(c *sim.Config, rest []string, on bool) error {
				c.Pace.Slow = 0
				if !on {
					return nil
				}
				f, err := strconv.ParseFloat(rest[0], 64)
				if err != nil || f <= 0 || f > 10000 {
					return fmt.Errorf("%q is no factor up to 10000", rest[0])
				}
				c.Pace.Slow = f
				return nil
			}, "slow-work"),
		},
		{
			Name: "lag", Usage: "SITE MILLISECONDS", Text: "the site's replication server keeps notes back so long", Off: "the usual lag",
			Set: config(func(c *sim.Config, rest []string, on bool) error {
				c.Pace.Lag = s.set.pace.Lag
				if !on {
					return nil
				}
				n, err := strconv.Atoi(rest[0])
				if err != nil || n < 0 || n > 60000 {
					return fmt.Errorf("%q is no number of milliseconds up to 60000", rest[0])
				}
				c.Pace.Lag = n
				return nil
			}, "lag"),
		},
		{
			Name: "deferral-over", Usage: "SITE", Text: "the time in which the site's replication server looks for agents is over: it ends, the database works on", Off: "it has time again",
			Set: config(func(c *sim.Config, _ []string, on bool) error {
				c.DeferralOver = on
				return nil
			}, "deferral-over"),
		},
	}
}
