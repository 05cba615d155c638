package address

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/lab/host"
)

// programText talks to the lab through a named pipe, so that nothing polls and
// the outage of a redirection is the redirection's own.
const programText = `#!/bin/sh
# client-address: points the clients' address at a site, or tells where it points.
usage() { echo 'usage: client-address point SITE|none, client-address show' >&2; exit 2; }
case $1 in
point) [ $# = 2 ] || usage ;;
show) [ $# = 1 ] || usage ;;
*) usage ;;
esac
case $2 in *[!a-z0-9-]*) echo "client-address: no such site" >&2; exit 2 ;; esac
reply=@DIR@/reply.$$
mkfifo "$reply" || exit 1
printf '%s %s %s\n' "reply.$$" "$1" "${2:--}" >@DIR@/ask
read -r code answer <"$reply"
[ "$code" = 0 ] || { echo "client-address: $answer" >&2; exit 1; }
echo "$answer"
`

const pipeDir = "var/client-address"

// Program is the program client-address on a host, which points a proxy.
type Program struct {
	proxy   *Proxy
	targets map[string]string
	dir     string
	pipe    *os.File
}

// Install puts client-address on the host's PATH. It points p at the targets
// (site -> host:port).
func Install(h *host.Host, p *Proxy, targets map[string]string) (*Program, error) {
	if err := h.MkdirAll(pipeDir, 0o755); err != nil {
		return nil, err
	}
	g := &Program{proxy: p, targets: targets, dir: h.Path(pipeDir)}
	ask := filepath.Join(g.dir, "ask")
	if err := syscall.Mkfifo(ask, 0o666); err != nil {
		return nil, fmt.Errorf("no pipe for client-address: %w", err)
	}
	if err := os.Chmod(ask, 0o666); err != nil {
		return nil, fmt.Errorf("no pipe for client-address: %w", err)
	}
	var err error
	// Opened for both, so that it never ends between two writers.
	if g.pipe, err = os.OpenFile(ask, os.O_RDWR, 0); err != nil {
		return nil, fmt.Errorf("no pipe for client-address: %w", err)
	}
	text := strings.ReplaceAll(programText, "@DIR@", dr.Quote(g.dir))
	if err := h.Program("libexec/client-address", text); err != nil {
		return nil, err
	}
	go g.serve()
	return g, h.Shim(host.BinDir+"/client-address", "client-address", h.Path("libexec/client-address"))
}

// Close stops answering.
func (g *Program) Close() error { return g.pipe.Close() }

var replyName = regexp.MustCompile(`^reply\.[0-9]+$`)

func (g *Program) serve() {
	lines := bufio.NewScanner(g.pipe)
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) != 3 || !replyName.MatchString(f[0]) {
			continue
		}
		g.answer(filepath.Join(g.dir, f[0]), g.do(f[1], f[2]))
	}
}

func (g *Program) do(verb, site string) string {
	if verb == "point" {
		target, known := g.targets[site]
		if !known && site != "none" {
			return "1 no such site: " + site
		}
		g.proxy.Point(site, target)
	}
	name, _ := g.proxy.Pointed()
	return "0 " + name
}

// answer writes to the caller's pipe; a caller that has died meanwhile is not
// waited for.
func (g *Program) answer(pipe, text string) {
	for end := time.Now().Add(time.Second); time.Now().Before(end); time.Sleep(time.Millisecond / 2) {
		f, err := os.OpenFile(pipe, os.O_WRONLY|syscall.O_NONBLOCK, 0)
		if err != nil {
			continue
		}
		_ = os.Remove(pipe)
		_, _ = f.WriteString(text + "\n")
		_ = f.Close()
		return
	}
	_ = os.Remove(pipe)
}
