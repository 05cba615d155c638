package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/lab/labkit"
	"github.com/switchback-dr/switchback/lab/list"
)

// Options are a demo's settings. The zero value plays the default product
// in a directory that is removed at the end.
type Options struct {
	// Product is what the lab starts; see the lab's list.
	Product string
	// Dir is where everything is kept: it must be empty or missing. When it is
	// "", a temporary directory is made, and removed unless Keep is set.
	Dir  string
	Keep bool
	// Approve approves every gate without asking.
	Approve bool

	Stdin, Stdout *os.File
	Getenv        func(string) string
}

// defaultProduct needs nothing that is not in Go's module cache.
const defaultProduct = "hana"

// limit bounds every single wait, except those for people.
const limit = 3 * time.Minute

// Run plays the demo. It gives nil only when every act ended as promised and
// the ledger agrees. When it returns nothing that it started runs any more.
func Run(ctx context.Context, o Options) error {
	if o.Product == "" {
		o.Product = defaultProduct
	}
	product, err := list.Find(dr.Clip(o.Product, 40))
	if err != nil {
		return dr.Refuse("product", "%v", err)
	}
	return perform(ctx, product, o)
}

func perform(ctx context.Context, product labkit.Product, o Options) (err error) {
	told, ok := product.(labkit.Told)
	if !ok {
		return dr.Refuse("product", "the demo has no story for %s", product.Name())
	}
	if err := product.Check(); err != nil {
		return dr.Refuse("missing", "%v", err)
	}
	d := &demo{tale: told.Tale(), screen: newScreen(o), asks: !o.Approve && term.IsTerminal(int(o.Stdin.Fd()))}
	if d.asks {
		d.lines = readLines(o.Stdin)
	}
	defer d.screen.clear()
	d.opening(o)
	if d.stage, err = setStage(ctx, product, o, d.screen); err != nil {
		if ctx.Err() != nil {
			return ErrInterrupted
		}
		return err
	}
	defer func() { err = d.close(ctx, err) }()
	d.backdrop()
	for i, a := range d.acts() {
		if err := d.pause(ctx, fmt.Sprintf("begin act %d, %s", i+1, a.title)); err != nil {
			return err
		}
		if err := d.play(ctx, i+1, a); err != nil {
			return err
		}
	}
	return d.epilogue(ctx)
}

// demo is one performance.
type demo struct {
	tale   labkit.Tale
	screen *screen
	stage  *stage
	asks   bool
	lines  <-chan line
	played []played
}

// close ends everything; an interruption is told as one.
func (d *demo) close(ctx context.Context, err error) error {
	d.screen.clear()
	if ctx.Err() != nil {
		d.screen.print("")
		d.screen.print("Interrupted: ending the lab, the worker and Temporal.")
	}
	if cerr := d.stage.Close(); err == nil {
		err = cerr
	}
	if ctx.Err() != nil {
		return ErrInterrupted
	}
	return err
}

// ErrInterrupted says that the demo was ended by a signal.
var ErrInterrupted = errors.New("interrupted")

func (d *demo) opening(o Options) {
	s := d.screen
	s.print(s.bold("Switchback") + s.dim(" · disaster recovery as durable workflows · demo with "+o.Product))
	s.print("")
}

func (d *demo) backdrop() {
	s := d.screen
	l := d.stage.lab
	hosts := make([]string, 0, len(l.Sites))
	for _, site := range l.Sites {
		if h, err := l.Host(site); err == nil {
			hosts = append(hosts, fmt.Sprintf("%s (%s:%d)", site, h.Address, h.Port))
		}
	}
	s.print("")
	s.field("hosts", strings.Join(hosts, ", ")+", reached over SSH only")
	s.field("client", "commits a row every 20 ms through "+l.Client().Addr())
	s.field("Temporal UI", d.stage.temporal.UIURL())
	s.field("files", d.stage.dir)
}
