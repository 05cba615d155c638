package contrib

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// pgbouncerArgs are the databases of one PgBouncer process.
type pgbouncerArgs struct {
	Name       string `json:"name"`
	Host       string `json:"host"`
	Psql       string `json:"psql"`
	Socket     string `json:"socket"`
	Port       int    `json:"port"`
	User       string `json:"user"`
	Credential string `json:"credential,omitempty"`
	// Databases are names, in order.
	Databases []string `json:"databases"`
	// Address and ServerPort are where the databases lead: now, for a pause or
	// a resume, or after the step.
	Address    string `json:"address"`
	ServerPort int    `json:"server_port"`
	// File and Text are the file that PgBouncer includes and what it will be.
	File string `json:"file,omitempty"`
	Text string `json:"text,omitempty"`
	// Kill ends all connections of clients, whose servers will never answer.
	Kill bool `json:"kill,omitempty"`
	// Pause, for each database, and Release are in seconds.
	Pause   int `json:"pause,omitempty"`
	Release int `json:"release,omitempty"`
}

func (a pgbouncerArgs) check() error {
	if a.Host == "" || a.Psql == "" || a.Socket == "" || a.Port == 0 || a.User == "" || len(a.Databases) == 0 || a.Address == "" || a.ServerPort == 0 {
		return fmt.Errorf("%s has no host, console, databases or server", a.Name)
	}
	return nil
}

// pgbouncerShell defines admin, for commands of the admin console (-c ...), in
// which names are quoted by the callers. resume carries out what stands in
// "before" and then lets clients on; that a database is not paused is no news.
const pgbouncerShell = `psql=$1 socket=$2 port=$3 user=$4 name=$5; shift 5
admin() { "$psql" -X -q --csv -w -h "$socket" -p "$port" -U "$user" -d pgbouncer "$@"; }
before=
resume() {
  names=$#
  for database; do set -- "$@" -c "RESUME \"$database\""; done
  shift $names
  admin ${before:+-c "$before"} "$@"
}`

const (
	// The tables are followed by the file and by how many promises stand, each
	// behind a line of its own.
	pgbouncerReadScript = `admin -c 'SHOW DATABASES' || exit 8; echo "$1"; cat "$2"; echo "$1"; promised "$name"`
	pgbouncerModeScript = `admin -c 'SHOW CONFIG'`
	// A database that does not come to rest in time is let go again at once.
	pgbouncerPauseScript = `pause=$1 release=$2; shift 2
takeback "$name"; later "$name" "$release" resume "$@" || exit 9
for database; do
  timeout "$pause" "$psql" -X -q -w -h "$socket" -p "$port" -U "$user" -d pgbouncer -c "PAUSE \"$database\"" && continue
  takeback "$name"; resume "$@"; echo "$database did not come to rest within $pause s: all clients were let on again" >&2; exit 7
done`
	pgbouncerResumeScript = `takeback "$name"; resume "$@"`
	pgbouncerPointScript  = `file=$1 text=$2 kill=$3; shift 3; takeback "$name"
{ [ ! -e "$file" ] || cp -p "$file" "$file.new"; } && printf '%s' "$text" >"$file.new" && mv "$file.new" "$file" || exit 9
if [ "$kill" = kill ]; then for database; do admin -c "KILL \"$database\""; done; fi
before=RELOAD; resume "$@"`
	pgbouncerMark = "--switchback--"
)

func (a pgbouncerArgs) command(body string, args ...string) []dr.Command {
	argv := script(append([]string{a.Psql, a.Socket, strconv.Itoa(a.Port), a.User, promiseName("pgbouncer", a.Socket, strconv.Itoa(a.Port), a.Databases[0])}, args...),
		releaseShell, pgbouncerShell, body)
	c := dr.Command{Host: a.Host, Argv: argv, Env: []string{"LC_ALL=C", "PGCONNECT_TIMEOUT=5", "PGSSLMODE=prefer"}}
	if a.Credential != "" {
		c.SecretEnv = map[string]string{"PGPASSWORD": a.Credential}
	}
	return []dr.Command{c}
}

func (a pgbouncerArgs) read() []dr.Command {
	file := a.File
	if file == "" {
		file = "/dev/null"
	}
	return a.command(pgbouncerReadScript, pgbouncerMark, file)
}

// pgbouncerState is what one process says.
type pgbouncerState struct {
	databases map[string]pgDatabase
	file      string
	promised  int
	at        kit.HostTime
}

// ask reads the process and requires that it has every database.
func (a pgbouncerArgs) ask(ctx context.Context, env kit.Env) (pgbouncerState, error) {
	out, err := env.Read(ctx, a.read()[0])
	if err != nil {
		return pgbouncerState{}, err
	}
	parts := strings.Split(out.Stdout, pgbouncerMark+"\n")
	if out.Exit == 8 || out.Truncated || len(parts) != 3 {
		return pgbouncerState{}, dr.Retry("pgbouncer", "PgBouncer on %s could not be asked at %s port %d: %s", a.Host, a.Socket, a.Port, lastLineOf(out.Stderr)).
			WithNext("see that it runs, and that %s is one of its admin_users", a.User)
	}
	all, err := parsePgBouncer(parts[0])
	n, bad := strconv.Atoi(strings.TrimSpace(parts[2]))
	if err != nil || bad != nil {
		return pgbouncerState{}, dr.Retry("pgbouncer", "the answer of PgBouncer on %s is not understood: %v", a.Host, err)
	}
	for _, name := range a.Databases {
		d, ok := all[name]
		switch {
		case !ok:
			return pgbouncerState{}, dr.Hold("pgbouncer_database", "PgBouncer on %s has no database %s", a.Host, name).WithNext("correct the inventory, or PgBouncer's configuration")
		case d.Disabled:
			return pgbouncerState{}, dr.Hold("pgbouncer_disabled", "the database %s of PgBouncer on %s is disabled", name, a.Host).WithNext("enable it there, then retry")
		}
	}
	return pgbouncerState{all, parts[1], n, out.HostTime}, nil
}

func lastLineOf(text string) string {
	_, last := cutLastLine(text)
	return dr.Clip(dr.CleanLine(strings.TrimSpace(last)), 200)
}

func pgUnread(err error) kit.Effect {
	de := dr.AsError(err, "pgbouncer")
	e := kit.NotKnown("%s", de.Text)
	if de.Class == dr.ClassHold {
		e.Never = de
	}
	return e
}

// pgPaused: every database is at rest, and the promise stands that clients are
// let on again.
func pgPaused(ctx context.Context, env kit.Env, a pgbouncerArgs) kit.Effect {
	s, err := a.ask(ctx, env)
	if err != nil {
		return pgUnread(err)
	}
	for _, name := range a.Databases {
		switch d := s.databases[name]; {
		case !d.Paused:
			return kit.NotDone("%s on %s is not paused", name, a.Host)
		case d.Connections > 0:
			return kit.NotDone("%s on %s is paused and still has %d connections to its server", name, a.Host, d.Connections)
		}
	}
	if s.promised == 0 {
		return kit.NotDone("%s on %s is paused, and nothing would let clients on again", strings.Join(a.Databases, ", "), a.Host)
	}
	return kit.Done("%s on %s is paused: its clients wait", strings.Join(a.Databases, ", "), a.Host)
}

// pgResumed: every database leads where it shall and lets clients on.
func pgResumed(ctx context.Context, env kit.Env, a pgbouncerArgs) kit.Effect {
	s, err := a.ask(ctx, env)
	if err != nil {
		return pgUnread(err)
	}
	for _, name := range a.Databases {
		switch d := s.databases[name]; {
		case !d.at(a.Address, a.ServerPort):
			return kit.NotDone("%s on %s leads to %s port %d", name, a.Host, d.Host, d.Port)
		case d.Paused:
			return kit.NotDone("%s on %s is paused", name, a.Host)
		}
	}
	switch {
	case s.promised > 0:
		return kit.NotDone("on %s a release of an earlier pause still stands", a.Host)
	case a.File != "" && strings.TrimSpace(s.file) != strings.TrimSpace(a.Text):
		return kit.NotDone("%s on %s does not say %s port %d: a restart would forget it", a.File, a.Host, a.Address, a.ServerPort)
	}
	return kit.Done("%s on %s leads to %s port %d and lets clients on", strings.Join(a.Databases, ", "), a.Host, a.Address, a.ServerPort)
}

func pgThere(ctx context.Context, env kit.Env, a pgbouncerArgs) (kit.HostTime, error) {
	s, err := a.ask(ctx, env)
	return s.at, err
}

// pgPausable is the guard of a pause: in session mode PAUSE would wait until
// every client has disconnected.
func pgPausable(ctx context.Context, env kit.Env, a pgbouncerArgs) (kit.HostTime, error) {
	s, err := a.ask(ctx, env)
	if err != nil {
		return 0, err
	}
	out, err := env.Read(ctx, a.command(pgbouncerModeScript)[0])
	if err != nil {
		return 0, err
	}
	mode, err := defaultPoolMode(out.Stdout)
	if err != nil || out.Exit != 0 || out.Truncated {
		return 0, dr.Retry("pgbouncer", "the pool mode of PgBouncer on %s could not be read: %s", a.Host, lastLineOf(out.Stderr))
	}
	for _, name := range a.Databases {
		d := s.databases[name]
		if d.Mode == "session" || d.Mode == "" && mode == "session" {
			return 0, dr.Hold("pgbouncer_session", "%s on %s is pooled by session: a pause would wait until its clients have disconnected", name, a.Host).
				WithNext("set pool_mode = transaction where the application allows it; or skip the pause: then clients see their sessions end")
		}
		if !d.at(a.Address, a.ServerPort) {
			return 0, dr.Hold("pgbouncer_elsewhere", "%s on %s leads to %s port %d, not to %s port %d", name, a.Host, d.Host, d.Port, a.Address, a.ServerPort).
				WithNext("see where its clients work; then replan or skip")
		}
	}
	return s.at, nil
}

func pgProofText(a pgbouncerArgs) string {
	return fmt.Sprintf("%s$ %s -h %s -p %d -U %s -d pgbouncer -c 'SHOW DATABASES': host, port and paused of %s", a.Host, a.Psql, a.Socket, a.Port, a.User, strings.Join(a.Databases, ", "))
}

func pgGuardText(a pgbouncerArgs) string {
	return fmt.Sprintf("PgBouncer on %s answers and has %s", a.Host, strings.Join(a.Databases, ", "))
}

var (
	pgbouncerPause = kit.Spec[pgbouncerArgs]{
		Name: "pgbouncer.pause", Kind: dr.KindChange, Check: pgbouncerArgs.check,
		Doc: "PAUSE: waits until no server connection is in use and lets clients wait from then on; they see a long query, no error. A process on the same host resumes after the release time, whatever became of the worker.",
		Commands: func(a pgbouncerArgs) []dr.Command {
			return a.command(pgbouncerPauseScript, append([]string{strconv.Itoa(a.Pause), strconv.Itoa(a.Release)}, a.Databases...)...)
		},
		Probe: pgPaused, Guard: pgPausable, ProofText: pgProofText, Poll: 50 * time.Millisecond, Settle: 3 * time.Second,
		GuardText: func(a pgbouncerArgs) string {
			return fmt.Sprintf("%s; they lead to %s port %d and are not pooled by session", pgGuardText(a), a.Address, a.ServerPort)
		},
		Interpret: func(a pgbouncerArgs, j kit.Job) error {
			if j.Exit != 7 {
				return nil
			}
			return dr.Hold("pgbouncer_busy", "PgBouncer on %s: %s", a.Host, lastLineOf(j.Stderr)).WithNext("see who keeps a transaction open (SHOW SERVERS); then retry, or skip: then clients see their sessions end")
		},
	}
	pgbouncerResume = kit.Spec[pgbouncerArgs]{
		Name: "pgbouncer.resume", Kind: dr.KindChange, Check: pgbouncerArgs.check,
		Doc:      "RESUME: lets the clients of a paused database on, to the server where it leads already.",
		Commands: func(a pgbouncerArgs) []dr.Command { return a.command(pgbouncerResumeScript, a.Databases...) },
		Probe:    pgResumed, Guard: pgThere, ProofText: pgProofText, GuardText: pgGuardText, Poll: 50 * time.Millisecond,
	}
	pgbouncerPoint = kit.Spec[pgbouncerArgs]{
		Name: "pgbouncer.point", Kind: dr.KindChange, Check: pgbouncerArgs.check,
		Doc: "Writes the included file with the new server, RELOAD, RESUME. Where the old server is lost KILL comes first: PgBouncer would wait for its connections.",
		Commands: func(a pgbouncerArgs) []dr.Command {
			kill := "keep"
			if a.Kill {
				kill = "kill"
			}
			return a.command(pgbouncerPointScript, append([]string{a.File, a.Text, kill}, a.Databases...)...)
		},
		Probe: pgResumed, Guard: pgThere, ProofText: pgProofText, GuardText: pgGuardText, Poll: 50 * time.Millisecond,
	}
	pgbouncerProve = kit.Spec[pgbouncerArgs]{
		Name: "pgbouncer.prove", Kind: dr.KindRead, Check: pgbouncerArgs.check,
		Doc:      "Proves that PgBouncer leads clients to the new server and will after a restart.",
		Commands: pgbouncerArgs.read, Probe: pgResumed, ProofText: pgProofText,
	}
)
