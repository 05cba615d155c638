package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/switchback-dr/switchback/internal/nettest"
	"github.com/switchback-dr/switchback/internal/remote/remotetest"
	"github.com/switchback-dr/switchback/lab/labkit"
)

// OwnNetwork makes a command run in a network of its own, with a /run of its
// own for the names of further ones. It needs root.
func OwnNetwork(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
}

// The network of the sites' hosts in front of the lab's servers.
const (
	vip     = "192.0.2.50"
	gateway = "192.0.2.1"
)

// StartVIP gives each site a host in a network namespace of its own, on one
// bridge, and the virtual address to the first. It must run in a program that
// OwnNetwork started, and nothing else must be in that network.
func StartVIP(t testing.TB, lab labkit.Description) Front {
	t.Helper()
	at, client := servers(t, lab)
	ip := func(args ...string) {
		t.Helper()
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			t.Fatalf("e2e: ip %s: %v: %s", strings.Join(args, " "), err, out)
		}
	}
	ip("link", "add", "br0", "type", "bridge")
	ip("address", "add", gateway+"/24", "dev", "br0")
	ip("link", "set", "br0", "up")
	f := Front{DSN: through(client, net.JoinHostPort(vip, "5432")), Hosts: map[string]any{}}
	sites := map[string]any{}
	for i, site := range []string{"east", "west"} {
		ip("netns", "add", site)
		ip("link", "add", "v"+site, "type", "veth", "peer", "name", "eth0", "netns", site)
		ip("link", "set", "v"+site, "master", "br0", "up")
		ip("-n", site, "link", "set", "lo", "up")
		ip("-n", site, "address", "add", fmt.Sprintf("192.0.2.%d/24", 11+i), "dev", "eth0")
		ip("-n", site, "link", "set", "eth0", "up")
		outer, err := net.Listen("tcp", gateway+":0")
		if err != nil {
			t.Fatalf("e2e: %v", err)
		}
		t.Cleanup(func() { _ = outer.Close() })
		go nettest.Accept(outer, func(c net.Conn) { nettest.Forward(c, at[site]) })
		self, err := os.Executable()
		if err != nil {
			t.Fatalf("e2e: %v", err)
		}
		Start(t, Spec{Name: "forward-" + site, Path: programPath(t, "ip", "iproute2"), Args: []string{"netns", "exec", site, self}, Env: []string{ForwardEnv + "=0.0.0.0:5432 " + outer.Addr().String()}})
		sshd := remotetest.Start(t, `ForceCommand ip netns exec `+site+` sh -c "$SSH_ORIGINAL_COMMAND"`)
		end := sshd.Endpoint(t, "vip-"+site)
		f.Hosts["vip-"+site] = map[string]any{
			"address": end.Address, "port": end.Port, "user": end.User, "keys": end.KeyFiles, "known_hosts": end.KnownHosts, "job_dir": end.JobDir,
		}
		sites[site] = map[string]any{"host": "vip-" + site, "interface": "eth0"}
	}
	ip("-n", "east", "address", "add", vip+"/24", "dev", "eth0")
	f.Client = map[string]any{"name": "ip", "vip": map[string]any{"addresses": []any{vip + "/24"}, "no_sudo": true, "sites": sites}}
	awaitTCP(t, net.JoinHostPort(vip, "5432"))
	return f
}
