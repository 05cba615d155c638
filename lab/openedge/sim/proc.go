package sim

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// proc is one running program: its arguments, its streams, its installation.
type proc struct {
	name     string
	args     []string
	in       *bufio.Reader
	out, err io.Writer
	dlc      string
	cfg      Config
}

// tools are the vendor's programs that people call, daemons those that the
// tools start.
var (
	tools = map[string]func(*proc) int{
		"probkup": probkup, "prorest": prorest, "proutil": proutil, "prostrct": prostrct, "rfutil": rfutil,
		"dsrutil": dsrutil, "procopy": procopy, "proserve": proserve, "proshut": proshut, "prodel": prodel,
	}
	daemons = map[string]func(*proc) int{"_mprosrv": brokerMain, "rpserver": serverMain, "rpagent": agentMain, "_rprepl": dsrutil}
)

// Tools and Daemons name the programs in the order of the alphabet.
func Tools() []string { return names(tools) }

// Daemons names the servers, which nobody calls by hand.
func Daemons() []string { return names(daemons) }

func names(of map[string]func(*proc) int) []string {
	var all []string
	for n := range of {
		all = append(all, n)
	}
	slices.Sort(all)
	return all
}

// Main is every program of the installation: the last element of the first
// argument says which. The exit codes of `proutil -C busy` and `-C holder` and
// of `dsrutil -C status` have meanings; elsewhere 0 is no more than a hint.
func Main(args []string) int {
	p := &proc{name: filepath.Base(args[0]), args: args[1:], in: bufio.NewReader(os.Stdin), out: os.Stdout, err: os.Stderr, dlc: os.Getenv("DLC")}
	if home := os.Getenv("DSRHOME"); p.name == "dsrutil" && home != "" {
		p.dlc = home
	}
	main := tools[p.name]
	if main == nil {
		main = daemons[p.name]
	}
	if main == nil {
		fmt.Fprintln(os.Stderr, "lab: no such program: "+p.name)
		return 127
	}
	var err error
	if p.cfg, err = ReadConfig(p.dlc); err != nil {
		fmt.Fprintln(os.Stderr, msgNoDLC.words)
		return 1
	}
	return main(p)
}

// config reads the lab's file again: pace and faults change while it runs.
func (p *proc) config() Config {
	if c, err := ReadConfig(p.dlc); err == nil {
		p.cfg = c
	}
	return p.cfg
}

// say prints a message with its number.
func (p *proc) say(t text, a ...any) { fmt.Fprintln(p.out, t.format(a...)) }

// fail prints a message and gives the exit code of failures.
func (p *proc) fail(t text, a ...any) int {
	p.say(t, a...)
	return p.cfg.FailCode
}

// failed tells an error as the program would.
func (p *proc) failed(err error) int {
	var m *messageError
	if errors.As(err, &m) {
		return p.fail(m.text, m.args...)
	}
	return p.fail(msgSystemError, err.Error())
}

// banner is the first line of every tool.
func (p *proc) banner() { fmt.Fprintln(p.out, fmt.Sprintf(msgBanner.words, p.cfg.Release)) }

// answer waits for a line on standard input; none is "".
func (p *proc) answer() string {
	line, _ := p.in.ReadString('\n')
	return strings.TrimSpace(line)
}

// sureYes asks a question without a newline and says whether the answer is yes.
// An open standard input without an answer lets it wait for ever.
func (p *proc) sureYes(t text, a ...any) bool {
	words := t.words
	if p.cfg.Prompt != "" {
		words = p.cfg.Prompt
	}
	fmt.Fprintf(p.out, words, a...)
	answer := strings.ToLower(p.answer())
	fmt.Fprintln(p.out)
	return answer == "y" || answer == "yes"
}

// path makes a path absolute and refuses what is not on this host: all hosts
// of a lab share one file system, which their programs must not notice.
func (p *proc) path(name string) (string, error) {
	abs, err := filepath.Abs(name)
	if err != nil {
		return "", err
	}
	if abs == os.DevNull || p.ours(abs) {
		return abs, nil
	}
	return "", say(msgCannotOpen, name, 2)
}

func (p *proc) ours(abs string) bool {
	for _, dir := range append([]string{p.cfg.Root}, p.cfg.Shared...) {
		if within(dir, abs) {
			return true
		}
		if real, err := filepath.EvalSymlinks(dir); err == nil && within(real, abs) {
			return true
		}
	}
	return false
}

func within(dir, path string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }

// database gives the path of a database without ".db".
func (p *proc) database(name string) (string, error) {
	abs, err := p.path(strings.TrimSuffix(name, ".db"))
	if err != nil {
		return "", say(msgNoDatabase, name)
	}
	return abs, nil
}

// existing is database for one that must be there.
func (p *proc) existing(name string) (string, error) {
	db, err := p.database(name)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(db + ".db"); err != nil {
		return "", say(msgNoDatabase, name)
	}
	return db, nil
}

// wait lets a part of a long work take its time, in small pieces so that a
// changed pace is noticed.
func wait(d time.Duration) {
	if d > 0 {
		time.Sleep(d)
	}
}

// take removes an option from the arguments and says whether it was there.
func (p *proc) take(name string) bool {
	for i, a := range p.args {
		if a == name {
			p.args = slices.Delete(slices.Clone(p.args), i, i+1)
			return true
		}
	}
	return false
}

// takeValue removes an option with its value.
func (p *proc) takeValue(name string) (string, bool) {
	for i, a := range p.args {
		if a == name && i+1 < len(p.args) {
			v := p.args[i+1]
			p.args = slices.Delete(slices.Clone(p.args), i, i+2)
			return v, true
		}
	}
	return "", false
}
