package postgres

import (
	"context"
	_ "embed" // the observation script and its statements
	"fmt"
	"strconv"
	"strings"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

//go:embed observe_script.sh
var observeScript string

//go:embed observe_full.sql
var observeFull string

//go:embed observe_brief.sql
var observeBrief string

// extent is how much an observation reads.
type extent string

// full reads everything for a plan; brief what guards and probes need.
const (
	full  extent = "full"
	brief extent = "brief"
)

// observation is the one command that reads a server.
func (p Place) observation(e extent) dr.Command {
	sql := observeFull
	if e == brief {
		sql = observeBrief
	}
	return p.script(observeScript, string(e), p.Bin, p.Data, p.Socket, strconv.Itoa(p.Port), p.User, p.Database, p.StartConf, sql)
}

// script runs a fixed script whose values are positional arguments.
func (p Place) script(body string, args ...string) dr.Command {
	return dr.Command{Host: p.Host, Argv: append([]string{"sh", "-c", strings.TrimSpace(body), "sh"}, args...), Env: []string{"LC_ALL=C"}}
}

// psql runs statements, each in its own transaction, and stops at the first
// error. It prints unaligned rows.
func (p Place) psql(statements ...string) dr.Command {
	argv := []string{p.Bin + "/psql", "-X", "-v", "ON_ERROR_STOP=1", "-At", "-h", p.Socket, "-p", strconv.Itoa(p.Port), "-U", p.User, "-d", p.Database}
	for _, s := range statements {
		argv = append(argv, "-c", s)
	}
	return dr.Command{Host: p.Host, Argv: argv, Env: []string{"LC_ALL=C", "PGCONNECT_TIMEOUT=5"}}
}

// change is psql with the identity check in front, in the same command: a port
// may belong to another server than the one that was looked at.
func (p Place) change(statements ...string) dr.Command {
	return p.psql(append([]string{p.identity()}, statements...)...)
}

func (p Place) identity() string {
	return fmt.Sprintf("do $$begin if (select system_identifier::text from pg_control_system()) <> %s or current_setting('data_directory') <> %s "+
		"then raise exception 'this is another server than %s'; end if; end$$", kit.SQLText(p.System), kit.SQLText(p.Data), p.Site)
}

// read makes one observation.
func (p Place) read(ctx context.Context, env kit.Env, e extent) (Reading, kit.HostTime, error) {
	return kit.ReadParsed(ctx, env, p.Site, p.observation(e), ParseReading)
}

// query runs a read-only statement and gives its one line.
func (p Place) query(ctx context.Context, env kit.Env, c dr.Command) (string, error) {
	out, err := env.Read(ctx, c)
	if err != nil {
		return "", err
	}
	if out.Exit != 0 || out.Truncated {
		return "", dr.Retry("psql", "%s: %s", p.Site, dr.Clip(strings.TrimSpace(out.Stderr+" "+out.Stdout), 200))
	}
	return strings.TrimSpace(out.Stdout), nil
}

// readAll reads several places at the same time.
func readAll(ctx context.Context, env kit.Env, e extent, places ...Place) ([]Reading, []kit.HostTime, error) {
	type answer struct {
		i   int
		r   Reading
		t   kit.HostTime
		err error
	}
	ch := make(chan answer, len(places))
	for i, p := range places {
		go func() {
			r, t, err := p.read(ctx, env, e)
			ch <- answer{i, r, t, err}
		}()
	}
	rs, ts := make([]Reading, len(places)), make([]kit.HostTime, len(places))
	var first error
	for range places {
		a := <-ch
		rs[a.i], ts[a.i] = a.r, a.t
		if a.err != nil && first == nil {
			first = a.err
		}
	}
	return rs, ts, first
}
