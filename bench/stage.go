package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/e2e"
	"github.com/switchback-dr/switchback/lab/labkit"
	"github.com/switchback-dr/switchback/lab/ledger"
	"github.com/switchback-dr/switchback/lab/writer"
)

// writeEvery is how often the client commits.
const writeEvery = 5 * time.Millisecond

// endLimit bounds every wait for a procedure.
const endLimit = 3 * time.Minute

// stage is a lab with a PostgreSQL pair and a writing client, a development
// server with its durable file, and a worker.
type stage struct {
	*scene
	dev       *e2e.Dev
	client    client.Client
	lab       labkit.Description
	worker    *e2e.Process
	inventory string
}

// newStage starts the lab and Temporal. The worker comes with startWorker, so
// that the inventory can be changed before.
func newStage(s *scene) *stage { return newStageWith(s, "--write-every", writeEvery.String()) }

// newStageWith starts the lab with further arguments.
func newStageWith(s *scene, args ...string) *stage {
	st := &stage{scene: s, dev: e2e.StartDev(s, e2e.DevOptions{})}
	lab := e2e.Start(s, e2e.Spec{
		Name: "lab", Path: e2e.Build(s, "lab"),
		Args: append([]string{"up", "postgres", "--dir", filepath.Join(s.TempDir(), "lab")}, args...),
	})
	line := lab.AwaitLine(s, time.Minute)
	if err := json.Unmarshal([]byte(line), &st.lab); err != nil {
		s.Fatalf("the lab printed %q: %v", line, err)
	}
	st.client, st.inventory = st.dev.Client(s), st.lab.Inventory
	return st
}

func (s *stage) startWorker() {
	s.worker = e2e.StartWorker(s, s.dev, s.inventory)
	e2e.AwaitPoller(s, s.client, dr.TaskQueue, s.worker)
}

// start starts a procedure as the Temporal UI does: one JSON document.
func (s *stage) start(p dr.Procedure, system string, input map[string]string) client.WorkflowRun {
	input["system"], input["reason"] = system, "benchmark"
	run, err := s.client.ExecuteWorkflow(s.ctx, client.StartWorkflowOptions{
		ID: dr.WorkflowID(system), TaskQueue: dr.TaskQueue,
		WorkflowIDConflictPolicy:                 enumspb.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
	}, p.WorkflowType(), input)
	if err != nil {
		s.Fatalf("%s does not start: %v", p, err)
	}
	return run
}

func query[T any](s *stage, system, name string) (T, error) {
	ctx, cancel := context.WithTimeout(s.ctx, 20*time.Second)
	defer cancel()
	var v T
	out, err := s.client.QueryWorkflow(ctx, dr.WorkflowID(system), "", name)
	if err == nil {
		err = out.Get(&v)
	}
	return v, err
}

// gate waits for the gate and gives the plan that is asked about.
func (s *stage) gate(system string, g dr.Gate) dr.Plan {
	e2e.Await(s, endLimit, "the gate "+string(g), func() (bool, string) {
		st, err := query[dr.Status](s, system, dr.QueryStatus)
		switch {
		case err != nil:
			return false, err.Error()
		case st.Hold != nil:
			s.Fatalf("on hold: %s", st.Hold.Text)
		case st.Ending != nil:
			s.Fatalf("ended: %s", st.Ending.Text)
		}
		return st.Gate != nil && st.Gate.Gate == g, st.Sentence
	})
	p, err := query[dr.Plan](s, system, dr.QueryPlan)
	if err != nil {
		s.Fatalf("the plan cannot be read: %v", err)
	}
	return p
}

func (s *stage) signal(system string, verb dr.Verb, body map[string]string) {
	body["person"] = "ana"
	if err := s.client.SignalWorkflow(s.ctx, dr.WorkflowID(system), "", string(verb), body); err != nil {
		s.Fatalf("%s was not delivered: %v", verb, err)
	}
}

// approve approves the plan of the open gate and tells when it did.
func (s *stage) approve(p dr.Plan) time.Time {
	at := time.Now()
	s.signal(p.System, dr.VerbApprove, map[string]string{"gate": string(p.Envelope.Gate), "digest": p.Digest})
	return at
}

func (s *stage) reject(p dr.Plan) {
	s.signal(p.System, dr.VerbReject, map[string]string{"gate": string(p.Envelope.Gate), "digest": p.Digest, "reason": "benchmark"})
}

// ended waits for the end of a run. A hold, and a gate that opens again, end
// the measurement: both mean that the run is not what was to be measured.
func (s *stage) ended(run client.WorkflowRun, system string, want dr.EndingKind) dr.Report {
	done := make(chan error, 1)
	var res dr.Result
	go func() {
		ctx, cancel := context.WithTimeout(s.ctx, endLimit)
		defer cancel()
		done <- run.Get(ctx, &res)
	}()
	for over := false; !over; {
		select {
		case err := <-done:
			if err != nil {
				s.Fatalf("the run failed: %v", err)
			}
			over = true
		case <-time.After(2 * time.Second):
			if st, err := query[dr.Status](s, system, dr.QueryStatus); err == nil && st.Hold != nil {
				s.Fatalf("on hold: %s", st.Hold.Text)
			} else if err == nil && st.Gate != nil && st.Gate.Again != "" {
				s.Fatalf("the gate opened again: %s", st.Gate.Again)
			}
		}
	}
	if res.Ending.Kind != want {
		s.Fatalf("ended %s: %s", res.Ending.Kind, res.Ending.Text)
	}
	rep, err := query[dr.Report](s, system, dr.QueryReport)
	if err != nil {
		s.Fatalf("the report cannot be read: %v", err)
	}
	return rep
}

// fault switches a fault of the lab.
func (s *stage) fault(on bool, name string, args ...string) {
	if _, err := labkit.Ask(s.lab.Dir, "fault", name, args, on); err != nil {
		s.Fatalf("the fault %s: %v", name, err)
	}
}

func (s *stage) ledger() ledger.Ledger {
	raw, err := labkit.Ask(s.lab.Dir, "ledger", "", nil, false)
	var l ledger.Ledger
	if err == nil {
		err = json.Unmarshal(raw, &l)
	}
	if err != nil {
		s.Fatalf("the ledger cannot be read: %v", err)
	}
	return l
}

// acknowledged gives when the client's writes were acknowledged.
func (s *stage) acknowledged() ([]time.Time, error) {
	all, err := writer.ReadRecord(filepath.Join(s.lab.Dir, "writes.log"))
	if err != nil {
		return nil, fmt.Errorf("what was written cannot be read: %w", err)
	}
	var at []time.Time
	for _, e := range all {
		if e.Outcome == writer.Acknowledged {
			at = append(at, e.At)
		}
	}
	return at, nil
}

var errNoWrites = errors.New("the client does not write")

// steady waits until the client writes again after since, and a little longer,
// so that an outage is measured from a client at work.
func (s *stage) steady(since time.Time) {
	e2e.Await(s, endLimit, "the client writes", func() (bool, string) {
		at, err := s.acknowledged()
		if err != nil || len(at) == 0 {
			return false, fmt.Sprint(errors.Join(err, errNoWrites))
		}
		n := 0
		for _, t := range at {
			if t.After(since) {
				n++
			}
		}
		return n >= 40, fmt.Sprintf("%d writes since", n)
	})
}

// outage gives the longest time without an acknowledged write since a moment,
// in milliseconds.
func (s *stage) outage(since time.Time) float64 {
	at, err := s.acknowledged()
	if err != nil {
		s.Fatal(err)
	}
	return longestGap(at, since)
}

// firstWrite waits for the first write acknowledged after a moment and gives
// how long after it was, in milliseconds.
func (s *stage) firstWrite(since time.Time) float64 {
	s.steady(since)
	at, err := s.acknowledged()
	if err != nil {
		s.Fatal(err)
	}
	for _, t := range at {
		if t.After(since) {
			return ms(t.Sub(since))
		}
	}
	s.Fatal(errNoWrites)
	return 0
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
