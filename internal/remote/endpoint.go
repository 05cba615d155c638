package remote

import (
	"context"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/dr"
)

// DefaultJobDir is where jobs live unless the inventory says otherwise; "~" is
// the login user's home.
const DefaultJobDir = "~/.switchback/jobs"

// Endpoint is one host of the inventory and the way to it.
type Endpoint struct {
	// Name is the inventory's name of the host.
	Name string
	// Address is a name or an IP address; Port 0 means 22.
	Address string
	Port    int
	User    string
	// KeyFiles are private keys without a passphrase.
	KeyFiles []string
	// UseAgent offers the keys of the SSH agent too.
	UseAgent bool
	// PasswordCredential names the credential of the password, if any.
	PasswordCredential string
	// KnownHosts are files in OpenSSH's known_hosts format. Lines of
	// certificate authorities are not used.
	KnownHosts []string
	// Jump is the name of the endpoint to go through; "" is none.
	Jump string
	// JobDir is absolute or begins with "~/"; "" means DefaultJobDir.
	JobDir string
}

// Clock is the time as the pool sees it.
type Clock interface {
	Now() time.Time
	After(d time.Duration) <-chan time.Time
}

type systemClock struct{}

func (systemClock) Now() time.Time                         { return time.Now() }
func (systemClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

// Options are the same for all endpoints of a pool. Zero values mean the
// defaults.
type Options struct {
	// DialTimeout bounds connecting and the handshake of one host; 10 s.
	DialTimeout time.Duration
	// KeepAlive is how often an idle connection is asked whether it lives;
	// 2 s. It is closed when no answer comes within KeepAliveTimeout; 4 s.
	KeepAlive        time.Duration
	KeepAliveTimeout time.Duration
	// MaxOutput is how many bytes of each stream are kept; 256 KiB.
	MaxOutput int
	// MaxShells is how many calls run on one host at a time; 8, since sshd
	// allows ten sessions per connection by default.
	MaxShells int
	// ShellAge is how long a shell is used before a new one takes its place,
	// so that changed login environments are noticed; 10 min.
	ShellAge time.Duration
	// Secret gives the value of a credential of the inventory.
	Secret func(ctx context.Context, credential string) (string, error)
	// AgentSocket is the agent's socket; "" means $SSH_AUTH_SOCK.
	AgentSocket string
	Clock       Clock
}

func (o Options) withDefaults() Options {
	setDefault(&o.DialTimeout, 10*time.Second)
	setDefault(&o.KeepAlive, 2*time.Second)
	setDefault(&o.KeepAliveTimeout, 4*time.Second)
	setDefault(&o.MaxOutput, 256<<10)
	setDefault(&o.MaxShells, 8)
	setDefault(&o.ShellAge, 10*time.Minute)
	if o.AgentSocket == "" {
		o.AgentSocket = os.Getenv("SSH_AUTH_SOCK")
	}
	if o.Clock == nil {
		o.Clock = systemClock{}
	}
	if o.Secret == nil {
		o.Secret = func(_ context.Context, credential string) (string, error) {
			return "", dr.Refuse("credential", "the credential %q is not available here", dr.Clip(credential, 60))
		}
	}
	return o
}

func setDefault[T int | time.Duration](v *T, d T) {
	if *v <= 0 {
		*v = d
	}
}

var (
	jobDirPattern  = regexp.MustCompile(`^(~|)(/[A-Za-z0-9_@+.-]+)+$`)
	addressPattern = regexp.MustCompile(`^[A-Za-z0-9:][A-Za-z0-9.:%_-]{0,254}$`)
	userPattern    = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.@\\-]{0,63}$`)
)

// check refuses an endpoint that could not be used safely, and fills in the
// defaults of its fields.
func (e Endpoint) check() (Endpoint, error) {
	if err := dr.CheckName("host", e.Name); err != nil {
		return e, dr.Refuse("endpoint", "%s", err.Error())
	}
	if e.Port == 0 {
		e.Port = 22
	}
	if e.JobDir == "" {
		e.JobDir = DefaultJobDir
	}
	bad := func(field, value string) (Endpoint, error) {
		return e, dr.Refuse("endpoint", "host %s: the %s %q is not allowed", e.Name, field, dr.Clip(value, 80))
	}
	switch {
	case !addressPattern.MatchString(e.Address):
		return bad("address", e.Address)
	case e.Port < 1 || e.Port > 65535:
		return bad("port", strconv.Itoa(e.Port))
	case !userPattern.MatchString(e.User):
		return bad("user", e.User)
	case !jobDirPattern.MatchString(e.JobDir) || strings.Contains(e.JobDir+"/", "/../"):
		return bad("job_dir", e.JobDir)
	}
	return e, nil
}

func (e Endpoint) hostport() string { return net.JoinHostPort(e.Address, strconv.Itoa(e.Port)) }

// place is how sentences name the endpoint.
func (e Endpoint) place() string { return e.Name + " (" + e.User + "@" + e.hostport() + ")" }
