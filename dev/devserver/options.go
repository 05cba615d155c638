package devserver

import (
	"net"
	"path/filepath"
	"strconv"

	"github.com/switchback-dr/switchback/dr"
)

// Defaults of Options.
const (
	DefaultIP        = "127.0.0.1"
	DefaultNamespace = "default"
	DefaultLogLevel  = "warn"
)

// Options say what Start shall run. The zero value is a server in memory with
// its UI, on free ports of the loopback interface.
type Options struct {
	// Database is the path of the SQLite file. It is created when missing;
	// its folder must exist. Empty means in memory: everything is lost at
	// the end of the process.
	Database string
	// IP is the address that the server and the UI listen on, by default
	// 127.0.0.1. Neither of them authenticates anybody: whoever reaches
	// another address can start and approve procedures.
	IP string
	// Port is the port of the server (gRPC); 0 takes a free one.
	Port int
	// UIPort is the port of the UI (HTTP); 0 takes a free one.
	UIPort int
	// Headless leaves the UI out.
	Headless bool
	// Namespace is registered if it is missing; by default "default".
	Namespace string
	// LogLevel is the least severe level that the server writes to standard
	// error: debug, info, warn or error. By default warn.
	LogLevel string
}

// withDefaults gives a copy with every default in place, or says in one
// sentence what is wrong.
func (o Options) withDefaults() (Options, error) {
	if o.IP == "" {
		o.IP = DefaultIP
	}
	if o.Namespace == "" {
		o.Namespace = DefaultNamespace
	}
	if o.LogLevel == "" {
		o.LogLevel = DefaultLogLevel
	}
	if net.ParseIP(o.IP) == nil {
		return o, dr.Refuse("dev_ip", "%q is no IP address", o.IP).WithNext("give one, for example 127.0.0.1")
	}
	switch o.LogLevel {
	case "debug", "info", "warn", "error":
	default:
		return o, dr.Refuse("dev_log_level", "%q is no log level", o.LogLevel).WithNext("give debug, info, warn or error")
	}
	if !o.Headless && o.Port != 0 && o.Port == o.UIPort {
		return o, dr.Refuse("dev_port", "the server and the UI cannot both have port %d", o.Port)
	}
	if o.Database != "" {
		path, err := filepath.Abs(o.Database)
		if err != nil {
			return o, dr.Refuse("dev_database", "the database path %q cannot be made absolute: %v", o.Database, err)
		}
		o.Database = path
	}
	return o, nil
}

// reachIP is the address under which this machine reaches the server.
func (o Options) reachIP() string {
	ip := net.ParseIP(o.IP)
	switch {
	case !ip.IsUnspecified():
		return o.IP
	case ip.To4() != nil:
		return "127.0.0.1"
	default:
		return "::1"
	}
}

func hostPort(ip string, port int) string {
	return net.JoinHostPort(ip, strconv.Itoa(port))
}
