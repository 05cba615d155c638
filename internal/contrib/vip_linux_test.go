package contrib_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/contrib"
	"github.com/switchback-dr/switchback/internal/inventory"
)

// The tests of virtual addresses run in network namespaces of their own: two
// hosts and a client on one bridge. They are made inside a user namespace, so
// that no right of this machine is needed and nothing of it is touched.
const (
	inNetEnv = "SWITCHBACK_TEST_IN_NETNS"
	serveEnv = "SWITCHBACK_TEST_SERVE"
	vip4     = "192.0.2.50/24"
	vip6     = "2001:db8::50/64"
	service  = "7000"
)

func TestMain(m *testing.M) {
	if name := os.Getenv(serveEnv); name != "" {
		serve(name)
		return
	}
	code := m.Run()
	endShared()
	os.Exit(code)
}

// serve answers every connection with its own name until it is killed.
func serve(name string) {
	l, err := net.Listen("tcp", "[::]:"+service)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("ready")
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		_, _ = io.WriteString(c, name+"\n")
		_ = c.Close()
	}
}

// inNamespaces runs the calling test again in fresh namespaces; it gives true
// there. Where they are forbidden the test fails.
func inNamespaces(t *testing.T) bool {
	t.Helper()
	if os.Getenv(inNetEnv) != "" {
		return true
	}
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run", "^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), inNetEnv+"=yes")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		Pdeathsig:   syscall.SIGKILL,
	}
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "--- PASS: "+t.Name())
	return false
}

// netHost is a host in a network namespace: its commands run there.
type netHost struct {
	kit.Host
	name string
	// space is its network namespace.
	space string
}

func (h *netHost) Name() string { return h.name }

func (h *netHost) Read(ctx context.Context, c dr.Command) (kit.Output, error) {
	argv := c.Argv
	if len(argv) > 2 && argv[0] == "sudo" {
		argv = argv[2:]
	}
	cmd := exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", h.space}, argv...)...)
	cmd.Env = append([]string{"PATH=/usr/sbin:/sbin:/usr/bin:/bin"}, c.Env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run()
	return kit.Output{Stdout: out.String(), Stderr: errs.String(), Exit: cmd.ProcessState.ExitCode(), HostTime: 1}, nil
}

func (h *netHost) Look(context.Context, kit.JobKey) (kit.Job, error) {
	return kit.Job{State: kit.JobNone}, nil
}

func (h *netHost) Void(context.Context, kit.JobKey, string) (kit.Job, error) {
	return kit.Job{State: kit.JobVoid}, nil
}

func (h *netHost) Start(ctx context.Context, _ kit.JobKey, c dr.Command, _ kit.HostTime, _ time.Duration) (kit.Job, error) {
	out, err := h.Read(ctx, c)
	return kit.Job{State: kit.JobFinished, Started: true, Exit: out.Exit, Stdout: out.Stdout, Stderr: out.Stderr}, err
}

type netHosts map[string]*netHost

func (n netHosts) Host(name string) (kit.Host, error) { return n[name], nil }

// networks counts the networks of this process: a link of one that was deleted
// stays for a while, because the kernel takes namespaces down later.
var networks int

// network makes the hosts east, west and client on one bridge, each in a
// namespace with addresses in the networks of the virtual ones, and a server on
// east and west. Every network of a process has names of its own.
func network(t *testing.T) (netHosts, kit.Env) {
	t.Helper()
	networks++
	hosts := netHosts{}
	ip := func(args ...string) {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), "ip", args...).CombinedOutput()
		require.NoError(t, err, "ip %s: %s", strings.Join(args, " "), out)
	}
	if networks == 1 {
		require.NoError(t, syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""))
		require.NoError(t, syscall.Mount("tmpfs", "/run", "tmpfs", 0, ""))
		ip("link", "set", "lo", "up")
	}
	bridge := fmt.Sprintf("br%d", networks)
	ip("link", "add", bridge, "type", "bridge")
	ip("link", "set", bridge, "up")
	for i, name := range []string{"east", "west", "client"} {
		space, link := fmt.Sprintf("%s%d", name, networks), fmt.Sprintf("v%s%d", name, networks)
		ip("netns", "add", space)
		ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", space)
		ip("link", "set", link, "master", bridge, "up")
		ip("-n", space, "link", "set", "lo", "up")
		ip("-n", space, "address", "add", fmt.Sprintf("192.0.2.%d/24", 11+i), "dev", "eth0")
		ip("-n", space, "address", "add", fmt.Sprintf("2001:db8::%d/64", 11+i), "dev", "eth0", "nodad")
		ip("-n", space, "link", "set", "eth0", "up")
		hosts[name] = &netHost{name: name, space: space}
	}
	for _, name := range []string{"east", "west"} {
		startServer(t, hosts[name])
	}
	return hosts, kit.Env{
		Hosts: hosts, Now: time.Now, Progress: func(kit.Progress) {},
		Sleep: func(ctx context.Context, d time.Duration) error {
			select {
			case <-time.After(d):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		},
	}
}

// startServer starts the test's own program in the host's namespace; it ends
// with the test.
func startServer(t *testing.T, h *netHost) {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), "ip", "netns", "exec", h.space, self)
	cmd.Env = append(os.Environ(), serveEnv+"="+h.name)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _, _ = cmd.Process.Kill(), cmd.Wait() })
	said, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "ready\n", said)
}

// reached asks the address from the client's namespace who serves it.
func reached(t *testing.T, hosts netHosts, address string) string {
	t.Helper()
	out, err := hosts["client"].Read(t.Context(), dr.Command{Argv: []string{"bash", "-c", `exec 3<>"/dev/tcp/$0/$1" && read -r -t 2 name <&3 && echo "$name"`, address, service}})
	require.NoError(t, err)
	return strings.TrimSpace(out.Stdout)
}

func vipClient(addresses ...string) inventory.Client {
	v := &inventory.VIP{Sites: map[string]inventory.VIPSite{"east": {Host: "east", Interface: "eth0"}, "west": {Host: "west", Interface: "eth0"}}}
	for _, a := range addresses {
		v.Addresses = append(v.Addresses, netip.MustParsePrefix(a))
	}
	return inventory.Client{Name: "shop", VIP: v, Timeout: dr.Duration(time.Minute)}
}

// carryOut runs the steps of an action's name in the order of the plan.
func carryOut(t *testing.T, env kit.Env, d *kit.Draft, gate dr.Gate, want dr.StepState) {
	t.Helper()
	phases, err := d.Phases(dr.PhasesAfter(dr.ProcTakeover, gate))
	require.NoError(t, err)
	for _, ph := range phases {
		for _, st := range ph.Steps {
			res, err := kit.Execute(t.Context(), env, action(t, st.Action), st)
			require.NoError(t, err, "%s: %s", st.ID, res.Output)
			if st.Kind != dr.KindRead {
				require.Equal(t, want, res.State, "%s: %s", st.ID, res.Text)
			}
		}
	}
}

func TestAVirtualAddressMovesAndAClientThatKnowsItsOldHostFollows(t *testing.T) {
	if !inNamespaces(t) {
		return
	}
	hosts, env := network(t)
	in, d := takeover()
	require.NoError(t, contrib.VIPs{List: []inventory.Client{vipClient(vip4, vip6)}}.Plan(in, d))
	for _, a := range []string{vip4, vip6} {
		out, err := hosts["east"].Read(t.Context(), dr.Command{Argv: []string{"ip", "address", "add", a, "dev", "eth0", "nodad"}})
		require.NoError(t, err)
		require.Zero(t, out.Exit, out.Stderr)
	}
	for _, a := range []string{"192.0.2.50", "2001:db8::50"} {
		require.Equal(t, "east", reached(t, hosts, a), "the client's neighbour table knows east now")
	}
	carryOut(t, env, d, dr.GateDecide, dr.StepDone)
	for _, a := range []string{"192.0.2.50", "2001:db8::50"} {
		require.Equal(t, "west", reached(t, hosts, a))
	}
}

func TestAnAddressThatAnotherMachineAnswersForIsNotBound(t *testing.T) {
	if !inNamespaces(t) {
		return
	}
	for _, a := range []string{vip4, vip6} {
		t.Run(a, func(t *testing.T) {
			hosts, env := network(t)
			in, d := takeover()
			bind := planned(t, contrib.VIPs{List: []inventory.Client{vipClient(a)}}, in, d, "vip.bind")
			_, err := hosts["client"].Read(t.Context(), dr.Command{Argv: []string{"ip", "address", "add", a, "dev", "eth0", "nodad"}})
			require.NoError(t, err)
			_, err = kit.Execute(t.Context(), env, action(t, bind.Action), bind)
			require.ErrorContains(t, err, "another machine answers for")
			out, err := hosts["west"].Read(t.Context(), dr.Command{Argv: []string{"ip", "-o", "address"}})
			require.NoError(t, err)
			require.NotContains(t, out.Stdout, strings.Split(a, "/")[0]+"/", "nothing is half done")
		})
	}
}

func TestAnAddressOutsideTheInterfacesNetworksIsRefusedInOneSentence(t *testing.T) {
	if !inNamespaces(t) {
		return
	}
	_, env := network(t)
	for name, c := range map[string]inventory.Client{
		"is in none of the networks of eth0": vipClient("198.51.100.7/24"),
		"has no interface eth9": {Name: "shop", Timeout: dr.Duration(time.Minute), VIP: &inventory.VIP{
			Addresses: []netip.Prefix{netip.MustParsePrefix(vip4)},
			Sites:     map[string]inventory.VIPSite{"west": {Host: "west", Interface: "eth9"}},
		}},
	} {
		in, d := takeover()
		bind := planned(t, contrib.VIPs{List: []inventory.Client{c}}, in, d, "vip.bind")
		_, err := kit.Execute(t.Context(), env, action(t, bind.Action), bind)
		require.ErrorContains(t, err, name)
		require.ErrorContains(t, err, "nothing was sent")
	}
}
