package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/e2e"
	"github.com/switchback-dr/switchback/lab/labkit"
)

// clientKind is a way by which clients find the primary.
type clientKind struct {
	name  string
	start func(testing.TB, labkit.Description) e2e.Front
}

func clientKinds() []clientKind {
	return []clientKind{
		{"the lab's own address", func(_ testing.TB, lab labkit.Description) e2e.Front { return e2e.OwnAddress(lab) }},
		{"a name of the DNS", e2e.StartDNS},
		{"HAProxy", e2e.StartHAProxy},
		{"PgBouncer", e2e.StartPgBouncer},
	}
}

// clientPatience is how long a client waits for an answer: longer than
// PgBouncer holds it back, shorter than anybody would.
const clientPatience = 30 * time.Second

// seen is what a client saw of the takeovers by one kind.
type seen struct {
	outages, errors []float64
	lost            float64
}

// measureKinds plays the same planned takeovers once by each kind.
func measureKinds(s *scene, kinds []clientKind, runs int) ([]Row, error) {
	var rows []Row
	var own []float64
	for i, k := range kinds {
		var v seen
		err := play(s.ctx, s.name, s.say, func(sub *scene) error {
			v = measureKind(sub, k, runs)
			return nil
		})
		if err != nil {
			return rows, err
		}
		if i == 0 {
			own = v.outages
		}
		outage := Row{Name: "planned takeover by " + k.name + ", outage", Unit: "ms", Values: v.outages}
		if i > 0 {
			outage = outage.beside("the same by the lab's own address, in this run", own)
		}
		failed := Row{Name: "... errors seen by one client that tries again every 5 ms", Unit: "count", Values: v.errors}
		if k.name == "PgBouncer" {
			failed = failed.aims("0", median(v.errors) == 0)
		}
		lost := Row{Name: "... acknowledged writes lost", Unit: "count", Values: []float64{v.lost}}
		rows = append(rows, outage, failed, lost.aims("0", v.lost == 0))
	}
	return rows, nil
}

func measureKind(s *scene, k clientKind, runs int) seen {
	st := newStageWith(s, "--no-writer")
	front := k.start(s, st.lab)
	if front.Client != nil {
		e2e.SetClients(s, st.lab, front)
	}
	st.startWorker()
	traffic := e2e.StartTraffic(s, front, writeEvery, clientPatience)
	var v seen
	to := "west"
	for i := -1; i < runs; i++ { // the first round warms up
		since, before := time.Now(), traffic.Errors(s)
		run := st.start(dr.ProcTakeover, st.lab.System, map[string]string{"mode": "planned", "to": to})
		to = map[string]string{"west": "east", "east": "west"}[to]
		st.approve(st.gate(st.lab.System, dr.GateDecide))
		st.ended(run, st.lab.System, dr.EndDone)
		awaitWrites(s, traffic, time.Now())
		outage, failed := longestGap(traffic.Acknowledged(s), since), traffic.Errors(s)-before
		s.Logf("%s, %d of %d: %.0f ms, %d errors", k.name, i+1, runs, outage, failed)
		if i >= 0 {
			v.outages, v.errors = append(v.outages, outage), append(v.errors, float64(failed))
		}
	}
	traffic.Close()
	l := traffic.Account(s)
	if l.Lost == nil {
		s.Fatalf("the client's writes could not be compared: %s", l.Complaint)
	}
	v.lost = float64(*l.Lost)
	return v
}

// awaitWrites waits until the client writes again.
func awaitWrites(s *scene, traffic *e2e.Traffic, since time.Time) {
	e2e.Await(s, endLimit, "the client writes", func() (bool, string) {
		n := 0
		for _, at := range traffic.Acknowledged(s) {
			if at.After(since) {
				n++
			}
		}
		return n >= 40, fmt.Sprintf("%d writes since", n)
	})
}

// longestGap gives the longest time between two acknowledged writes that ended
// after a moment, in milliseconds.
func longestGap(at []time.Time, since time.Time) float64 {
	longest, last := time.Duration(0), time.Time{}
	for _, t := range at {
		if !last.IsZero() && t.After(since) {
			longest = max(longest, t.Sub(last))
		}
		last = t
	}
	return ms(longest)
}
