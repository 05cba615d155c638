package hana

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/switchback-dr/switchback/lab/hana/engine"
	"github.com/switchback-dr/switchback/lab/hana/instance"
	"github.com/switchback-dr/switchback/lab/host"
	"github.com/switchback-dr/switchback/lab/labkit"
)

// Faults are HANA's own. Hanging, killed, lying and truncated programs are
// faults of every product; their names here are hdbnsutil, HDB, sapcontrol and
// those of the scripts.
func (s *system) Faults() []labkit.Fault {
	return slices.Concat(s.lies(), s.replicationFaults(), s.processFaults(), []labkit.Fault{s.clusterFault()})
}

// flag makes a switch that the database and its programs read from a file on
// every host of the site, or on the one host.
func (s *system) flag(name, usage, text, off string) labkit.Fault {
	return labkit.Fault{
		Name: name, Usage: usage, Text: text, Off: off,
		Set: func(_ context.Context, args []string, on bool) (string, error) {
			hosts, err := s.affected(args, strings.HasPrefix(usage, "HOST"))
			if err != nil {
				return "", err
			}
			value := strings.Join(args[1:], " ")
			if strings.HasSuffix(usage, "MILLISECONDS") && on {
				if n, err := strconv.Atoi(value); err != nil || n < 0 || n > 600000 {
					return "", fmt.Errorf("%q is no number of milliseconds up to 600000", value)
				}
				value += "ms"
			}
			for _, h := range hosts {
				if err := setFlag(h, name, value, on); err != nil {
					return "", err
				}
			}
			return fmt.Sprintf("%s on %s: %t", name, args[0], on), nil
		},
	}
}

// affected are the hosts that a switch is about.
func (s *system) affected(args []string, one bool) ([]*host.Host, error) {
	if len(args) == 0 {
		return nil, fmt.Errorf("name the site: one of %v", s.lab.Sites)
	}
	names := []string{args[0]}
	if !one {
		if !slices.Contains(s.lab.Sites, args[0]) {
			return nil, fmt.Errorf("the lab has no site %q: it has %v", args[0], s.lab.Sites)
		}
		names = s.members(args[0])
	}
	var all []*host.Host
	for _, name := range names {
		if _, of := s.confs[name]; !of {
			return nil, fmt.Errorf("the host %q has no HANA", name)
		}
		h, err := s.lab.Host(name)
		if err != nil {
			return nil, err
		}
		all = append(all, h)
	}
	return all, nil
}

func setFlag(h *host.Host, name, value string, on bool) error {
	at := instance.FaultsDir + "/" + name
	if on {
		return h.WriteFile(at, value+"\n", 0o644)
	}
	if err := os.Remove(h.Path(at)); err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}

func (s *system) lies() []labkit.Fault {
	return []labkit.Fault{
		s.flag("status-lies", "SITE", "the views and systemReplicationStatus.py say ACTIVE (15) whatever is true", "they tell the truth"),
		s.flag("status-flaps", "SITE", "an active replication shows SYNCING (14) every other quarter of a second", "it shows what is"),
		s.flag("takeover-without-effect", "SITE", "-sr_takeover ends with 0 and done and changes nothing", "it takes over"),
		s.flag("takeover-blocked", "SITE", "a cluster's preTakeover hook blocks -sr_takeover (rc=50277)", "nothing blocks it"),
		s.flag("wait-returns-early", "HOST", "WaitforStopped and WaitforStarted end with 0 at once", "they wait"),
		s.flag("stop-ignored", "HOST", "the host's database goes on when it is told to stop: a stop that leaves one host partial", "it stops when told"),
		s.flag("online-register-without-restart", "SITE", "-sr_register --online changes the files and does not restart the database", "it restarts"),
		{
			Name: "recommendation-missing", Usage: "HOST", Text: "there is no getTakeoverRecommendation.py, as before 2.0 SPS03", Off: "it is there again",
			Set: s.hideRecommendation,
		},
	}
}

func (s *system) replicationFaults() []labkit.Fault {
	return []labkit.Fault{
		s.flag("log-lost", "SITE", "the site as a source has not kept its log: whoever connects anew gets a full replica", "it keeps its log"),
		s.flag("log-volume-full", "SITE", "the site's log volume is full: writers wait", "they go on"),
		s.flag("source-not-ready", "SITE", "the site refuses -sr_register as directly after an enable or a takeover", "it takes it"),
		s.flag("start-waits-for-source", "SITE", "the site as a secondary does not come up before its source answers", "it comes up alone"),
		s.flag("log-stops", "SITE", "the site as a secondary takes log and never acknowledges it", "it acknowledges after its next connection"),
		s.flag("slow-log", "SITE MILLISECONDS", "the site as a secondary acknowledges log late", "it acknowledges at once"),
		s.flag("replay-stops", "SITE", "the site as a secondary keeps log and does not replay it: a backlog for the takeover", "it replays"),
		s.flag("slow-transfer", "SITE MILLISECONDS", "a full replica from the site takes so long per volume", "it takes its usual time"),
		s.flag("slow-backup", "SITE MILLISECONDS", "a data backup takes so long", "it takes its usual time"),
		s.flag("backup-fails", "SITE", "data backups fail (447)", "they succeed"),
		s.flag("tenant-down", "SITE TENANT", "a tenant does not start: its port is closed and M_DATABASES says NO", "it starts"),
		{
			Name: "ssfs-differs", Usage: "SITE", Text: "the site's SSFS key is another one than the other sites' (-sr_register ends with 149)", Off: "it is the same again",
			Set: s.changeSSFS,
		},
	}
}

func (s *system) processFaults() []labkit.Fault {
	return []labkit.Fault{
		{Name: "daemon-kill", Usage: "HOST", Text: "kills the host's database by SIGKILL; nothing restarts it", Set: s.killDaemon},
		{Name: "service-kill", Usage: "HOST SERVICE", Text: "kills a service (hdbindexserver) by SIGKILL; the daemon starts it again", Set: s.killService},
		{Name: "service-down", Usage: "HOST SERVICE", Text: "kills a service, and it does not start again", Off: "it starts", Set: s.downService},
		{Name: "sapstartsrv-down", Usage: "HOST", Text: "kills sapstartsrv; the database runs on; StartService starts it again", Set: s.killStartService},
		{Name: "old-primary-returns", Usage: "SITE", Text: "boots a site's hosts that are off, or starts its database as a boot would: Autostart decides", Set: s.returns},
	}
}

func (s *system) exe(h *host.Host) string {
	return h.Path("usr/sap", s.set.sid, "HDB"+s.number, "exe")
}

func (s *system) hideRecommendation(_ context.Context, args []string, on bool) (string, error) {
	hosts, err := s.affected(args, true)
	if err != nil {
		return "", err
	}
	at := filepath.Join(s.exe(hosts[0]), "python_support/getTakeoverRecommendation.py")
	from, to := at, at+".hidden"
	if !on {
		from, to = to, from
	}
	if err := os.Rename(from, to); err != nil && !os.IsNotExist(err) {
		return "", err
	}
	return fmt.Sprintf("getTakeoverRecommendation.py is missing on %s: %t", hosts[0].Name, on), nil
}

func (s *system) changeSSFS(_ context.Context, args []string, on bool) (string, error) {
	hosts, err := s.affected(args, false)
	if err != nil {
		return "", err
	}
	text := s.ssfs[1]
	if on {
		text = strings.Repeat("0", len(text))
	}
	at := "hana/shared/" + s.set.sid + "/global/security/rsecssfs/key/SSFS_" + s.set.sid + ".KEY"
	return fmt.Sprintf("the SSFS key of %s is another one: %t", args[0], on), hosts[0].WriteFile(at, text, 0o600)
}

// pidOf reads a process number from a file of the work directory.
func (s *system) daemonPID(h *host.Host) (int, error) {
	b, err := os.ReadFile(h.Path("usr/sap", s.set.sid, "HDB"+s.number, h.Name, engine.PidFile))
	if err != nil {
		return 0, fmt.Errorf("no database runs on %s: %w", h.Name, err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil || pid < 2 || !named(pid, "hdbdaemon") {
		return 0, fmt.Errorf("no database runs on %s", h.Name)
	}
	return pid, nil
}

// named says whether a process has this program name. A number in a file
// proves nothing.
func named(pid int, name string) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	first, _, _ := strings.Cut(string(b), "\x00")
	return err == nil && filepath.Base(first) == name
}

func (s *system) killDaemon(_ context.Context, args []string, _ bool) (string, error) {
	hosts, err := s.affected(args, true)
	if err != nil {
		return "", err
	}
	pid, err := s.daemonPID(hosts[0])
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("the database on %s (process %d) was killed", args[0], pid), host.Kill(pid)
}

// children are the processes of a daemon with a name.
func children(parent int, name string) []int {
	var all []int
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil
	}
	for _, at := range stats {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(at)))
		if err != nil || !named(pid, name) {
			continue
		}
		b, err := os.ReadFile(at)
		if err != nil {
			continue
		}
		fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
		if len(fields) > 1 && fields[1] == strconv.Itoa(parent) {
			all = append(all, pid)
		}
	}
	return all
}

func (s *system) killService(_ context.Context, args []string, _ bool) (string, error) {
	hosts, err := s.affected(args, true)
	if err != nil {
		return "", err
	}
	pid, err := s.daemonPID(hosts[0])
	if err != nil {
		return "", err
	}
	found := children(pid, args[1])
	if len(found) == 0 {
		return "", fmt.Errorf("no process %s runs on %s", args[1], args[0])
	}
	for _, p := range found {
		if err := host.Kill(p); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%s on %s was killed", args[1], args[0]), nil
}

func (s *system) downService(ctx context.Context, args []string, on bool) (string, error) {
	hosts, err := s.affected(args, true)
	if err != nil {
		return "", err
	}
	value := ""
	if len(args) > 1 {
		value = args[1]
	}
	if err := setFlag(hosts[0], "service-down", value, on); err != nil || !on {
		return fmt.Sprintf("%s starts again on %s", value, args[0]), err
	}
	return s.killService(ctx, args, true)
}

func (s *system) killStartService(_ context.Context, args []string, _ bool) (string, error) {
	hosts, err := s.affected(args, true)
	if err != nil {
		return "", err
	}
	return "sapstartsrv on " + args[0] + " is gone", s.runAt(hosts[0], s.plain(hosts[0], "sapcontrol"), "-nr", s.number, "-function", "StopService")
}

func (s *system) returns(_ context.Context, args []string, _ bool) (string, error) {
	hosts, err := s.affected(args, false)
	if err != nil {
		return "", err
	}
	for _, h := range hosts {
		if !h.On() {
			if err := h.PowerOn(); err != nil {
				return "", err
			}
			continue
		}
		if err := s.runAt(h, h.Path(host.RCDir, "50-sapinit"), "start"); err != nil {
			return "", err
		}
	}
	return args[0] + " has started as its profile says", nil
}
