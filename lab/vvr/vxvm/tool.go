// Package vxvm is the programs of a simulated VVR host that ask its kernel and
// nobody else: vxprint, vxrlink, vxrvg and vxdg.
package vxvm

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/lab/vvr/kernel"
	"github.com/switchback-dr/switchback/lab/vvr/texts"
	"github.com/switchback-dr/switchback/lab/vvr/wire"
)

// Env is where a program runs and speaks.
type Env struct {
	// Root is the host's root directory.
	Root      string
	Out, Errs io.Writer
}

// tool is one call of a program.
type tool struct {
	Env
	name string
	// options are the options without a value, values those with one.
	options map[string]bool
	values  map[string]string
	words   []string
}

// failed is the exit status of the VxVM programs for every kind of failure; the
// vendor's numbers differ by kind, and only "not 0" is known.
const failed = 11

// newTool reads a command line: an option is one of its own arguments or, for
// the letters in valued, takes a value.
func newTool(e Env, name string, args []string, valued string) (*tool, error) {
	t := &tool{Env: e, name: name, options: map[string]bool{}, values: map[string]string{}}
	for len(args) > 0 {
		a := args[0]
		args = args[1:]
		if len(a) < 2 || a[0] != '-' {
			t.words = append(t.words, a)
			continue
		}
		for i := 1; i < len(a); i++ {
			letter := a[i : i+1]
			if !strings.Contains(valued, letter) {
				t.options[letter] = true
				continue
			}
			value := a[i+1:]
			if value == "" {
				if len(args) == 0 {
					return nil, texts.Refuse("usage", "option -"+letter+" needs an argument")
				}
				value, args = args[0], args[1:]
			}
			t.values[letter] = value
			break
		}
	}
	return t, nil
}

func (t *tool) println(format string, args ...any) { _, _ = fmt.Fprintf(t.Out, format+"\n", args...) }

// fail prints an error and gives the exit status.
func (t *tool) fail(err error) int {
	_, _ = fmt.Fprintln(t.Errs, texts.Explain(t.name, err))
	return failed
}

func (t *tool) say(key string, args ...any) { t.println("%s", texts.Line(t.name, key, args...)) }

// ask asks the kernel.
func (t *tool) ask(op string, args, result any) error {
	c, err := wire.Dial("unix", filepath.Join(t.Root, kernel.Socket), time.Second)
	if err != nil {
		return texts.Refuse("kernel-down")
	}
	defer c.Close()
	return c.Ask(op, args, result, 10*time.Second)
}

// view asks for the RVG, and refuses names of other disk groups.
func (t *tool) view() (kernel.View, error) {
	var v kernel.View
	if err := t.ask("view", nil, &v); err != nil {
		return v, err
	}
	dg := t.values["g"]
	if dg == "" {
		dg = v.DG
	}
	if dg != v.DG || v.Deported {
		return v, texts.Refuse("no-dg", dg)
	}
	return v, nil
}

// run is the frame of every program.
func run(e Env, name string, args []string, valued string, do func(*tool) error) int {
	t, err := newTool(e, name, args, valued)
	if err != nil {
		return (&tool{Env: e, name: name}).fail(err)
	}
	if err := do(t); err != nil {
		return t.fail(err)
	}
	return 0
}

// keyword splits the words into keyword, object and the rest.
func (t *tool) keyword() (keyword, object string, err error) {
	switch len(t.words) {
	case 1:
		return t.words[0], "", nil
	case 2:
		return t.words[0], t.words[1], nil
	}
	return "", "", texts.Refuse("usage", t.name+" [-g diskgroup] [options] keyword object")
}
