package e2e

import (
	"encoding/json"
	"log/slog"
	"net"
	"path/filepath"
	"testing"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
)

// bootLimit bounds the wait for a program that starts; generous, because a
// machine that runs every test at once is slow.
const bootLimit = 60 * time.Second

// DevOptions say which development server to start.
type DevOptions struct {
	// Memory keeps everything in memory, else in a file of the test.
	Memory bool
	// UI serves the Temporal UI as well.
	UI bool
	// Namespace is by default "default".
	Namespace string
}

// Dev is a running development server: Temporal in one process.
type Dev struct {
	*Process
	// Address is the host and port for clients; it stays over a Restart.
	Address string `json:"address"`
	// UI is the address for a browser; empty without a UI.
	UI string `json:"ui"`
	// Namespace is registered and has the search attributes.
	Namespace string `json:"namespace"`

	options  DevOptions
	database string
}

// StartDev starts a development server on free ports and waits until it is
// ready.
func StartDev(t testing.TB, options DevOptions) *Dev {
	t.Helper()
	d := &Dev{options: options, database: filepath.Join(t.TempDir(), "temporal.db")}
	d.start(t, "0", "0")
	return d
}

// Restart starts the server again on the same database and ports. It must
// have ended before, by Kill or End. With Memory everything is lost.
func (d *Dev) Restart(t testing.TB) {
	t.Helper()
	if d.Running() {
		t.Fatal("e2e: kill or end the development server before it is started again")
	}
	d.start(t, portOf(t, d.Address), portOf(t, d.UI))
}

func (d *Dev) start(t testing.TB, port, uiPort string) {
	t.Helper()
	args := []string{"server", "--port", port}
	if d.options.Memory {
		args = append(args, "--memory")
	} else {
		args = append(args, "--db", d.database)
	}
	if d.options.UI {
		args = append(args, "--ui-port", uiPort)
	} else {
		args = append(args, "--headless")
	}
	if d.options.Namespace != "" {
		args = append(args, "--namespace", d.options.Namespace)
	}
	d.Process = Start(t, Spec{Name: "dev", Path: Build(t, "dev"), Args: args})
	line := d.AwaitLine(t, bootLimit)
	if err := json.Unmarshal([]byte(line), d); err != nil {
		t.Fatalf("e2e: the development server printed %q: %v", line, err)
	}
}

// Env points programs that use Temporal's environment configuration to the
// server.
func (d *Dev) Env() []string {
	return []string{"TEMPORAL_ADDRESS=" + d.Address, "TEMPORAL_NAMESPACE=" + d.Namespace}
}

// Client connects to the server; it is closed at the end of the test. It goes
// on working over a Restart.
func (d *Dev) Client(t testing.TB) client.Client {
	t.Helper()
	c, err := client.Dial(client.Options{
		HostPort: d.Address, Namespace: d.Namespace,
		Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	if err != nil {
		t.Fatalf("e2e: no client for %s: %v", d.Address, err)
	}
	t.Cleanup(c.Close)
	return c
}

// portOf gives the port of "host:port" or of a URL; "0" for an empty one.
func portOf(t testing.TB, address string) string {
	t.Helper()
	if address == "" {
		return "0"
	}
	_, port, err := net.SplitHostPort(trimScheme(address))
	if err != nil {
		t.Fatalf("e2e: %q has no port: %v", address, err)
	}
	return port
}
