package kit

import (
	"context"
	"net"
	"time"

	"github.com/switchback-dr/switchback/dr"
)

// Env is what an adapter is given to reach the world. Every field is set.
type Env struct {
	Hosts HostSet
	// Secret gives the value of a credential of the inventory. The value must
	// never reach a plan, a fact, an error or a log.
	Secret func(ctx context.Context, credential string) (string, error)
	// Dial opens a TCP connection to a server of a site, for drivers of SQL:
	// the only way in which adapters connect to anything themselves.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Now is the worker's clock; Sleep waits or returns ctx's error.
	Now   func() time.Time
	Sleep func(ctx context.Context, d time.Duration) error
	// Progress tells people what a long step does and waits for.
	Progress func(Progress)
	// Job is where this step's claim and job live; zero while observing.
	Job JobKey
	// Resumed is true when an earlier attempt at this activity may have
	// claimed the step already: the executor then looks before it acts.
	Resumed bool
}

// Progress is what a long step says about itself.
type Progress struct {
	// Text is one sentence: "waiting for log replay: 1.2 GB behind".
	Text string `json:"text"`
	// Done and Total are in bytes, or in Unit; Total is 0 when unknown.
	Done  int64  `json:"done,omitempty"`
	Total int64  `json:"total,omitempty"`
	Unit  string `json:"unit,omitempty"`
	// Left is the time left when it can be known, else 0.
	Left dr.Duration `json:"left,omitempty"`
	At   time.Time   `json:"at"`
}

// HostSet finds the hosts of the inventory by name.
type HostSet interface {
	Host(name string) (Host, error)
}

// Host is one host, reached over a verified connection. Every method may give
// an *dr.Error: class retry with code "unreachable" when the host did not
// answer, class refuse with code "host_key" when its key is not the known one,
// class hold otherwise.
type Host interface {
	Name() string
	// Read runs a command that changes nothing and gives what it printed
	// between our own marks. A non-zero exit code is no error. An answer cut
	// off before the end mark is an error of code "cut_off".
	Read(ctx context.Context, cmd dr.Command) (Output, error)
	// Look tells the state of a claim without changing it.
	Look(ctx context.Context, key JobKey) (Job, error)
	// Start claims the key by an atomic mkdir and starts the command
	// detached. When the key was claimed before, nothing is started and the
	// state of the existing job is given. It waits up to wait for the
	// command's end, so that short commands need one round trip. A start
	// whose guard was read longer ago than MaxGuardAge by the host's own
	// clock (guardAt from Output.HostTime) is refused by the host's script:
	// code "stale_guard", nothing started.
	Start(ctx context.Context, key JobKey, cmd dr.Command, guardAt HostTime, wait time.Duration) (Job, error)
	// Wait follows a job until it ends or until wait is over.
	Wait(ctx context.Context, key JobKey, wait time.Duration) (Job, error)
	// Void claims the key so that no late starter can ever start it.
	Void(ctx context.Context, key JobKey, why string) (Job, error)
	// Stop ends the process group of a running job and proves its end.
	Stop(ctx context.Context, key JobKey) (Job, error)
	// Jobs lists jobs of other runs of this workflow ID that still run or
	// whose end is unknown.
	Jobs(ctx context.Context, workflow, exceptOriginalRun string) ([]dr.ForeignJob, error)
	// Pin gives the host's address, port, user and host-key fingerprint.
	Pin() dr.HostPin
}

// Output is what a command printed.
type Output struct {
	Stdout string
	Stderr string
	Exit   int
	// Truncated says that more was printed than is kept; a parser must then
	// answer unknown.
	Truncated bool
	// HostTime is the host's own clock when the command began.
	HostTime HostTime
}

// HostTime is a reading of a host's monotonic clock, in whole seconds; only
// readings of the same host can be compared. Zero means not read.
type HostTime int64

// MaxGuardAge is how old a guard may be, by the host's clock, when its command
// starts.
const MaxGuardAge = 30 * time.Second

// JobKey names a claim: one attempt at one step of one gate of one run.
type JobKey struct {
	Workflow    string  `json:"workflow"`
	OriginalRun string  `json:"original_run"`
	Gate        dr.Gate `json:"gate"`
	Occurrence  int     `json:"occurrence"`
	Step        string  `json:"step"`
	// Attempt rises only by a person's retry, never by an activity retry.
	Attempt int `json:"attempt"`
}

// JobState is what is known of a claim.
type JobState string

// The states of a claim.
const (
	// JobNone: nobody claimed the key.
	JobNone JobState = "none"
	// JobClaimed: claimed, the process has not been seen yet.
	JobClaimed JobState = "claimed"
	JobRunning JobState = "running"
	// JobFinished: the exit code is known.
	JobFinished JobState = "finished"
	// JobVoid: claimed so that nothing can start any more.
	JobVoid JobState = "void"
	// JobLost: claimed, but the process is gone without an exit code, or it
	// belongs to an earlier boot: the outcome is unknown.
	JobLost JobState = "lost"
)

// Job is the state of a claim with what its command printed.
type Job struct {
	State JobState
	Exit  int
	// Stdout and Stderr are tails.
	Stdout string
	Stderr string
	// Started is true when this very call started the command.
	Started bool
	// Proof is one sentence, set by a Call whose own answer proves the effect:
	// then nothing else is read back.
	Proof string
	// Text explains a lost or void claim.
	Text string
	Dir  string
}
