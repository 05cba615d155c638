package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/e2e"
)

var byHand = map[string]string{"mode": "unplanned", "to": "west"}

func unplanned() map[string]string {
	in := map[string]string{}
	for k, v := range byHand {
		in[k] = v
	}
	return in
}

// failback brings the original site back, begun at once, and says whether it
// reached streaming (the gate cutover is opened only then).
func (p *pair) failback() (dr.Report, time.Duration) {
	began := time.Now()
	run := p.start(dr.ProcFailback, p.lab.System, map[string]string{})
	p.approve(p.gate(p.lab.System, dr.GateConvert))
	plan := p.gate(p.lab.System, dr.GateCutover)
	streaming := time.Since(began)
	p.approve(plan)
	rep := p.ended(run, p.lab.System, dr.EndDone)
	p.steady(time.Now())
	return rep, streaming
}

// killPostmaster kills a site's postmaster and waits until its children have
// ended too: a plan made before that is another one, and its gate opens again.
func (p *pair) killPostmaster(site string) {
	p.fault(true, "postmaster-kill", site)
	root := p.lab.Hosts[site].Root
	e2e.Await(p, endLimit, "the server on "+site+" is gone", func() (bool, string) {
		links, _ := filepath.Glob("/proc/[0-9]*/cwd")
		for _, l := range links {
			if at, err := os.Readlink(l); err == nil && strings.HasPrefix(at, root) && strings.HasSuffix(at, "pgdata") {
				return false, l
			}
		}
		return true, ""
	})
}

// measureUnplanned kills the postmaster and takes over, in turn by a procedure
// and by a script; each failback after it is begun at once.
func measureUnplanned(s *scene, runs int) ([]Row, error) {
	p := newPair(s)
	r := Row{Name: "unplanned takeover, approval to first write", Unit: "ms"}
	back := Row{Name: "failback at once, time to streaming", Unit: "ms"}
	var reference []float64
	var failed error
	spent := &spans{}
	for i := range runs {
		p.killPostmaster("east")
		run := p.start(dr.ProcTakeover, p.lab.System, unplanned())
		plan := p.gate(p.lab.System, dr.GateDecide)
		kind := "ours"
		if i%2 == 0 {
			at := p.approve(plan)
			p.ended(run, p.lab.System, dr.EndDone)
			p.spent(spent, run.GetRunID(), at)
			r.Values = append(r.Values, p.firstWrite(at))
			s.Logf("%d of %d: ours %.0f ms", i+1, runs, r.Values[len(r.Values)-1])
		} else {
			kind = "script"
			p.reject(plan)
			p.ended(run, p.lab.System, dr.EndRejected)
			at := p.byScript(plan)
			reference = append(reference, p.firstWrite(at))
			s.Logf("%d of %d: script %.0f ms", i+1, runs, reference[len(reference)-1])
		}
		err := attempt(func() {
			_, streaming := p.failback()
			back.Values = append(back.Values, ms(streaming))
		})
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("the failback of round %d, after %s: %w", i+1, kind, err))
			break // the pair is not what the next round needs
		}
	}
	r = r.beside(scriptName, reference)
	r.Note = spent.String()
	reached := Row{Name: "failback at once, reached streaming", Unit: "count", Values: []float64{float64(len(back.Values))}}
	return []Row{
		r.aims("at most 60 ms over", len(r.Values) > 0 && r.Over <= 60),
		reached.aims(fmt.Sprintf("%d of %d", runs, runs), len(back.Values) == runs), back,
	}, failed
}

// attempt turns a measurement that was given up into an error.
func attempt(f func()) (err error) {
	defer func() {
		if r := recover(); r != nil {
			g, ours := r.(givenUp)
			if !ours {
				panic(r)
			}
			err = errors.New(g.why)
		}
	}()
	f()
	return nil
}

// measureSilent takes over from a host that is as good as dead: its server is,
// and its SSH accepts connections and never answers, so the recheck waits out
// its observation and the promotion's guard its patience.
func measureSilent(s *scene, runs int) ([]Row, error) {
	r := Row{
		Name: "unplanned takeover, silent host, approval to first write", Unit: "ms",
		Note: "a host that does not answer adds one observation deadline (recheck) and the guard's patience",
	}
	for i := range runs {
		err := play(s.ctx, s.name, s.say, func(s *scene) error {
			p := newPair(s)
			p.killPostmaster("east")
			p.fault(true, "host-silent", "east")
			p.fault(true, "link-cut", "east")
			run := p.start(dr.ProcTakeover, p.lab.System, unplanned())
			at := p.approve(p.gate(p.lab.System, dr.GateDecide))
			p.ended(run, p.lab.System, dr.EndDone)
			r.Values = append(r.Values, p.firstWrite(at))
			s.Logf("%d of %d: %.0f ms", i+1, runs, r.Values[i])
			return nil
		})
		if err != nil {
			return []Row{r}, err
		}
	}
	return []Row{r}, nil
}

// rewound is what pg_rewind says it copies.
var rewound = regexp.MustCompile(`need to copy ([0-9]+) MB \(total source directory size is ([0-9]+) MB\)`)

// measureDifference lets the two sites diverge and reads what the failback
// copied.
func measureDifference(s *scene, runs int) ([]Row, error) {
	p := newPair(s)
	r := Row{Name: "failback by difference, copied", Unit: "MB"}
	var whole []float64
	for range runs {
		p.fault(true, "link-cut", "east")
		p.steady(time.Now())
		p.killPostmaster("east")
		run := p.start(dr.ProcTakeover, p.lab.System, unplanned())
		p.approve(p.gate(p.lab.System, dr.GateDecide))
		p.ended(run, p.lab.System, dr.EndDone)
		p.fault(false, "link-cut", "east")
		rep, _ := p.failback()
		for _, e := range rep.Events {
			if m := rewound.FindStringSubmatch(e.Output); m != nil {
				var copied, all float64
				if _, err := fmt.Sscan(m[1]+" "+m[2], &copied, &all); err != nil {
					return nil, fmt.Errorf("%q: %w", m[0], err)
				}
				r.Values, whole = append(r.Values, copied), append(whole, all)
			}
		}
	}
	if len(r.Values) == 0 {
		return nil, errors.New("no failback rewound anything: its output says nothing about bytes")
	}
	return []Row{r.beside("the whole data directory, which a full copy would send", whole)}, nil
}
