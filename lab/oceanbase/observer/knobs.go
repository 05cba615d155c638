package observer

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// knobs are the fault switches of a cluster: files in a directory, written by
// the lab while the observer runs. A file's name is the switch, its content
// the value.
type knobs struct{ dir string }

func (k knobs) path(name string) string {
	return filepath.Join(k.dir, strings.ReplaceAll(strings.ToLower(name), " ", "_"))
}

// get gives a switch's value.
func (k knobs) get(name string) (string, bool) {
	b, err := os.ReadFile(k.path(name))
	return strings.TrimSpace(string(b)), err == nil
}

func (k knobs) on(name string) bool {
	_, ok := k.get(name)
	return ok
}

// take gives a switch's value and switches it off: what happens once. Of two
// that take it at the same time one gets it.
func (k knobs) take(name string) (string, bool) {
	value, ok := k.get(name)
	if !ok || os.Remove(k.path(name)) != nil {
		return "", false
	}
	return value, true
}

// duration gives a switch's value as a span, 0 when it is off.
func (k knobs) duration(name string) time.Duration {
	value, _ := k.get(name)
	d, err := time.ParseDuration(value)
	if err != nil {
		return 0
	}
	return d
}

func (k knobs) number(name string) (int64, bool) {
	value, ok := k.get(name)
	n, err := strconv.ParseInt(value, 10, 64)
	return n, ok && err == nil
}

// time gives a switch's value as a moment.
func (k knobs) time(name string) (time.Time, bool) {
	value, ok := k.get(name)
	if !ok {
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339Nano, value)
	return t, err == nil
}

// Names of the switches, with what follows them in the name.
const (
	knobCrashAt    = "crash-at"    // -STATE: SIGKILL once the state is on disk; once
	knobDropAt     = "drop-at"     // -STATE: the connection ends, the statement goes on; once
	knobTimeoutAt  = "timeout-at"  // -STATE: 4012 with the state left behind; once
	knobErrorAt    = "error-at"    // -STATE: this error number with the state left behind; once
	knobStuckAt    = "stuck-at"    // -STATE: the state does not end
	knobDelayAt    = "delay-at"    // -STATE: the state takes so much longer
	knobRefuse     = "refuse"      // role statements are refused with this reason
	knobLag        = "lag"         // log is fetched only when so old
	knobStreamLag  = "lag-stream"  // -LS: the same for one stream
	knobLeaderless = "leaderless"  // -LS: the stream has no leader
	knobOffline    = "offline"     // -SERVER: since when the server is away
	knobRich       = "rich-errors" // enable_rich_error_msg
	knobBackup     = "backup-fails"
	knobRestore    = "restore-fails"
	knobSlowJobs   = "slow-jobs"
	knobArchive    = "archive-stuck"
	knobSameID     = "cluster-id" // the cluster says it has this number
	knobUpgrade    = "upgrade"    // another procedure holds the tenant
	knobRecycle    = "recycle"    // log that was there so far is recycled; once
	knobRemote     = "remote"     // the tenant's data is a quick restore's; once
)

// Moments of a role statement that are no state of a tenant.
const (
	momentAccepted = "ACCEPTED"
	momentDone     = "DONE"
)

// misfortunes lets happen to a tenant what switches say happens once. The
// caller holds the lock.
func (o *Cluster) misfortunes(t *tenant) {
	_, recycle := o.knobs.take(knobRecycle + "-" + t.Name)
	_, remote := o.knobs.take(knobRemote + "-" + t.Name)
	if !recycle && !remote {
		return
	}
	t.Remote = t.Remote || remote
	if recycle {
		for _, s := range t.Streams {
			s.Begin, s.BeginSCN = s.end(), s.Sync
		}
	}
	if err := o.save(); err != nil {
		o.log.line("%v", err)
	}
}
