package oceanbase

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/lab/host"
	"github.com/switchback-dr/switchback/lab/labkit"
	"github.com/switchback-dr/switchback/lab/oceanbase/observer"
)

// states are where a role change can be met, as the faults name them.
const states = "ACCEPTED, PREPARE_FLASHBACK, PREPARE_SWITCHING_TO_PRIMARY, FLASHBACK, SWITCHING_TO_PRIMARY, " +
	"PREPARE_SWITCHING_TO_STANDBY, SWITCHING_TO_STANDBY, DONE"

// Faults are OceanBase's own. Most are files that the observer of the site
// reads; what they do then happens in it.
func (s *system) Faults() []labkit.Fault {
	all := append(s.roleFaults(), s.clusterFaults()...)
	return append(all, s.directFaults()...)
}

// roleFaults meet a role statement in a state.
func (s *system) roleFaults() []labkit.Fault {
	const at = "once a role change has come to a state (" + states + "), "
	return []labkit.Fault{
		{Name: "crash-at", Usage: "SITE STATE", Text: at + "the observer is killed by SIGKILL; once", Off: "it is not", Set: s.stateKnob("crash-at", "")},
		{Name: "drop-at", Usage: "SITE STATE", Text: at + "the client's connection ends and the statement goes on; once", Off: "it does not", Set: s.stateKnob("drop-at", "")},
		{Name: "timeout-at", Usage: "SITE STATE", Text: at + "the statement ends with 4012 and the state stays; once", Off: "it does not", Set: s.stateKnob("timeout-at", "")},
		{Name: "error-at", Usage: "SITE STATE NUMBER", Text: at + "the statement ends with 4016, 4018, 4023, 4036, 4038 or 4109 and the state stays; once", Off: "it does not", Set: s.stateKnob("error-at", "number")},
		{Name: "stuck-at", Usage: "SITE STATE", Text: at + "it goes no further until ob_query_timeout ends the statement", Off: "it goes on", Set: s.stateKnob("stuck-at", "")},
		{Name: "delay-at", Usage: "SITE STATE MILLISECONDS", Text: at + "it stays there so much longer", Off: "it does not", Set: s.stateKnob("delay-at", "ms")},
		{Name: "refuse", Usage: "SITE REASON", Text: "role statements on " + tenant + " are refused: 4179 with this reason, such as: " + strings.Join(observer.Reasons, "; "), Off: "they are not", Set: s.knob("refuse-"+tenant, "text")},
		{Name: "upgrade", Usage: "SITE", Text: "role statements on " + tenant + " are refused: 4770, it is in an upgrade", Off: "they are not", Set: s.knob("upgrade-"+tenant, "upgrade")},
		{Name: "rich-errors", Usage: "SITE", Text: "errors have a second line with address, time and trace", Off: "they have not", Set: s.knob("rich-errors", "on")},
	}
}

// clusterFaults are about servers, log streams, replication and jobs.
func (s *system) clusterFaults() []labkit.Fault {
	return []labkit.Fault{
		{Name: "server-offline", Usage: "SITE SERVER SPAN", Text: "a server of the cluster (1, 2 ..) has been away for a time (10s, 2h)", Off: "it is back", Set: s.offline},
		{Name: "leaderless", Usage: "SITE STREAM", Text: "a log stream of " + tenant + " (1, 1001 ..) has no leader", Off: "it has one", Set: s.streamKnob("leaderless", "on")},
		{Name: "lag", Usage: "SITE MILLISECONDS", Text: "the standby on the site takes in log only when it is so old", Off: "at once", Set: s.knob("lag-"+tenant, "ms")},
		{Name: "lag-stream", Usage: "SITE STREAM MILLISECONDS", Text: "the same for one log stream", Off: "at once", Set: s.streamKnob("lag-stream", "ms")},
		{Name: "recycle-log", Usage: "SITE", Text: "log that is there so far is recycled: BEGIN_LSN rises, a standby that needs it has a gap; once", Set: s.knob("recycle-"+tenant, "on")},
		{Name: "remote-data", Usage: "SITE", Text: "the tenant counts as quickly restored, with its data still in the backup; once", Set: s.knob("remote-"+tenant, "on")},
		{Name: "archive-stuck", Usage: "SITE", Text: "the archive of " + tenant + " does not go on", Off: "it goes on", Set: s.knob("archive-stuck-"+tenant, "on")},
		{Name: "backup-fails", Usage: "SITE", Text: "backups of " + tenant + " fail", Off: "they work", Set: s.knob("backup-fails-"+tenant, "on")},
		{Name: "restore-fails", Usage: "SITE", Text: "restores of " + tenant + " fail half-way and leave the tenant in RESTORE", Off: "they work", Set: s.knob("restore-fails-"+tenant, "on")},
		{Name: "slow-jobs", Usage: "SITE MILLISECONDS", Text: "each phase of a backup or restore takes so much longer", Off: "no longer", Set: s.knob("slow-jobs", "ms")},
		{Name: "same-cluster-id", Usage: "SITE", Text: "the cluster has cluster_id 1, as the first site's has", Off: "its own", Set: s.knob("cluster-id", "1")},
	}
}

// directFaults act at once, on a process or by a statement of root@sys.
func (s *system) directFaults() []labkit.Fault {
	return []labkit.Fault{
		{Name: "observer-kill", Usage: "SITE", Text: "kills a site's observer by SIGKILL, the host stays up", Set: s.killObserver},
		{Name: "old-primary-returns", Usage: "SITE", Text: "boots a host that is off, or starts its observer, as init would", Set: s.returns},
		{Name: "lock-tenant", Usage: "SITE", Text: "locks the tenant " + tenant, Off: "unlocks it", Set: s.statement("ALTER TENANT "+tenant+" LOCK", "ALTER TENANT "+tenant+" UNLOCK")},
		{Name: "lock-replication-user", Usage: "SITE", Text: "locks the replication user in the tenant of a primary", Off: "unlocks it", Set: s.lockUser},
		{Name: "source-empty", Usage: "SITE", Text: "removes the tenant's LOG_RESTORE_SOURCE", Set: s.statement("ALTER SYSTEM SET LOG_RESTORE_SOURCE = '' TENANT = "+tenant, "")},
		{Name: "replication-password", Usage: "SITE", Text: "gives the replication user another password in the tenant of a primary", Off: "the old one", Set: s.otherPassword},
		{Name: "recycle-bin", Usage: "SITE", Text: "dropped tenants go to the recycle bin", Off: "they go at once", Set: s.statement("SET GLOBAL recyclebin = ON", "SET GLOBAL recyclebin = OFF")},
	}
}

type setter = func(ctx context.Context, args []string, on bool) (string, error)

// site finds the host of the first argument.
func (s *system) site(args []string) (*host.Host, error) {
	if len(args) == 0 || s.asks[args[0]] == nil {
		return nil, fmt.Errorf("name the site: one of %v", s.lab.Sites)
	}
	return s.lab.Host(args[0])
}

// switchKnob writes or removes one switch file.
func switchKnob(h *host.Host, name, value string, on bool) (string, error) {
	file := knobsPath + "/" + strings.ReplaceAll(strings.ToLower(name), " ", "_")
	if on {
		return fmt.Sprintf("%s on %s: %s", name, h.Name, value), h.WriteFile(file, value+"\n", 0o644)
	}
	if err := os.Remove(h.Path(file)); err != nil && !os.IsNotExist(err) {
		return "", err
	}
	return name + " on " + h.Name + " is off", nil
}

// value reads the last argument as its kind says: "ms", "number" or "text";
// every other kind is the value itself.
func value(kind string, args []string) (string, error) {
	last := ""
	if len(args) > 0 {
		last = args[len(args)-1]
	}
	switch kind {
	case "ms":
		n, err := strconv.Atoi(last)
		if err != nil || n < 0 || n > 600_000 {
			return "", fmt.Errorf("%q is no number of milliseconds up to 600000", last)
		}
		return (time.Duration(n) * time.Millisecond).String(), nil
	case "number":
		if _, err := strconv.ParseUint(last, 10, 16); err != nil {
			return "", fmt.Errorf("%q is no error number", last)
		}
		return last, nil
	case "text":
		return last, nil
	}
	return kind, nil
}

// knob is a switch of a site with one value.
func (s *system) knob(name, kind string) setter {
	return func(_ context.Context, args []string, on bool) (string, error) {
		h, err := s.site(args)
		if err != nil {
			return "", err
		}
		v := ""
		if on {
			if v, err = value(kind, args[1:]); err != nil {
				return "", err
			}
		}
		return switchKnob(h, name, v, on)
	}
}

// stateKnob is a switch of a site and a state.
func (s *system) stateKnob(name, kind string) setter {
	return func(_ context.Context, args []string, on bool) (string, error) {
		h, err := s.site(args)
		if err != nil {
			return "", err
		}
		if len(args) < 2 {
			return "", fmt.Errorf("name the state: one of %s", states)
		}
		state := strings.NewReplacer(" ", "_", "-", "_").Replace(strings.ToUpper(args[1]))
		if !strings.Contains(", "+states+", ", ", "+state+", ") {
			return "", fmt.Errorf("there is no state %q: there are %s", args[1], states)
		}
		v := "on"
		if on && kind != "" {
			if v, err = value(kind, args[2:]); err != nil {
				return "", err
			}
		}
		return switchKnob(h, name+"-"+state, v, on)
	}
}

// streamKnob is a switch of a site and a log stream of the tenant.
func (s *system) streamKnob(name, kind string) setter {
	return func(_ context.Context, args []string, on bool) (string, error) {
		h, err := s.site(args)
		if err != nil {
			return "", err
		}
		if len(args) < 2 {
			return "", fmt.Errorf("name the log stream: 1, 1001 or another")
		}
		if n, err := strconv.Atoi(args[1]); err != nil || n != 1 && (n < 1001 || n > 1000+s.set.streams) {
			return "", fmt.Errorf("there is no log stream %q: there are 1 and 1001 to %d", args[1], 1000+s.set.streams)
		}
		v := ""
		if on {
			if v, err = value(kind, args[2:]); err != nil {
				return "", err
			}
		}
		return switchKnob(h, name+"-"+tenant+"-"+args[1], v, on)
	}
}

func (s *system) offline(_ context.Context, args []string, on bool) (string, error) {
	h, err := s.site(args)
	if err != nil {
		return "", err
	}
	if len(args) < 2 {
		return "", fmt.Errorf("name the server: 1 to %d", s.set.servers)
	}
	if n, err := strconv.Atoi(args[1]); err != nil || n < 1 || n > s.set.servers {
		return "", fmt.Errorf("there is no server %q: there are 1 to %d", args[1], s.set.servers)
	}
	since := ""
	if on {
		span, err := time.ParseDuration(args[2])
		if err != nil || span < 0 {
			return "", fmt.Errorf("%q is no time span like 10s or 2h", args[2])
		}
		since = time.Now().Add(-span).UTC().Format(time.RFC3339Nano)
	}
	return switchKnob(h, "offline-"+args[1], since, on)
}

// pid is the process of a site's observer: a number in a file proves nothing,
// the process must be that program of this host.
func (s *system) pid(h *host.Host) (int, error) {
	b, err := os.ReadFile(h.Path(pidPath))
	if err != nil {
		return 0, fmt.Errorf("no observer runs on %s", h.Name)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil || pid < 2 {
		return 0, fmt.Errorf("the file %s of %s is not readable", pidPath, h.Name)
	}
	line, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
	if err != nil || !strings.HasPrefix(string(line), h.Root+"/") {
		return 0, fmt.Errorf("no observer runs on %s: process %d is gone or another", h.Name, pid)
	}
	return pid, nil
}

func (s *system) killObserver(_ context.Context, args []string, _ bool) (string, error) {
	h, err := s.site(args)
	if err != nil {
		return "", err
	}
	pid, err := s.pid(h)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("the observer on %s (process %d) was killed", h.Name, pid), host.Kill(pid)
}

func (s *system) returns(_ context.Context, args []string, _ bool) (string, error) {
	h, err := s.site(args)
	if err != nil {
		return "", err
	}
	if !h.On() {
		return h.Name + " is on", h.PowerOn()
	}
	return "the start program of " + h.Name + " ran", s.boot(h.Name)
}

// statement runs one statement of root@sys on the site.
func (s *system) statement(yes, no string) setter {
	return func(ctx context.Context, args []string, on bool) (string, error) {
		if _, err := s.site(args); err != nil {
			return "", err
		}
		q := yes
		if !on {
			q = no
		}
		return args[0] + ": " + q, s.sys(ctx, args[0], q)
	}
}

// userStatement runs one statement of the tenant's administrator on the site.
func (s *system) userStatement(ctx context.Context, args []string, q string) error {
	if _, err := s.site(args); err != nil {
		return err
	}
	return s.execAt(ctx, args[0], s.tenants()[0].admin()+"@"+tenant, s.passwords[rootUser], q)
}

func (s *system) lockUser(ctx context.Context, args []string, on bool) (string, error) {
	verb := "UNLOCK"
	if on {
		verb = "LOCK"
	}
	return replicationUser + ": " + verb, s.userStatement(ctx, args, "ALTER USER "+replicationUser+" ACCOUNT "+verb)
}

func (s *system) otherPassword(ctx context.Context, args []string, on bool) (string, error) {
	password := s.passwords[replicationUser]
	if on {
		password = labkit.Password()
	}
	return "the password of " + replicationUser + " was changed", s.userStatement(ctx, args, "ALTER USER "+replicationUser+" IDENTIFIED BY '"+password+"'")
}
