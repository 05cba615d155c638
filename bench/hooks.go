package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.yaml.in/yaml/v3"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/remote/remotetest"
)

// stepCount is the length of the procedure that is compared with scripts.
const stepCount = 12

// benchHost is the name of the host whose commands are measured: Debian's own
// OpenSSH server.
const benchHost = "bench-host"

// hooked is a stage whose takeover begins with twelve steps that each make a
// file: the remote commands cost next to nothing, so what is left is ours.
type hooked struct {
	*stage
	sshd  *remotetest.Server
	login login
	files string // directory on the host
}

// step gives the four remote commands of step i: probe, guard, act, probe.
func (h *hooked) step(i int) []string {
	file := dr.Quote(filepath.Join(h.files, fmt.Sprint(i)))
	test := "test -e " + file
	// A hook's command has a time limit on its host; so has the reference's.
	return []string{test, test, "timeout -k 5 120 touch " + file, test}
}

func newHooked(s *scene) *hooked {
	// Start files of whoever runs the benchmark must not be measured: shells
	// find none in an empty home.
	// No client writes meanwhile: its commits would share the disk with the
	// server's, and the reference does not touch that disk.
	h := &hooked{stage: newStageWith(s, "--no-writer"), sshd: remotetest.Start(s, "SetEnv HOME="+s.TempDir()), files: s.TempDir()}
	end := h.sshd.Endpoint(s, benchHost)
	h.login = login{h.sshd.Address(), end.User, h.sshd.KeyFile, h.sshd.KnownHosts}
	raw, err := os.ReadFile(h.lab.Inventory)
	if err != nil {
		s.Fatal(err)
	}
	doc := map[string]any{}
	if err := yaml.Unmarshal(raw, &doc); err != nil {
		s.Fatal(err)
	}
	section(doc, "hosts")[benchHost] = map[string]any{
		"address": end.Address, "port": end.Port, "user": end.User, "keys": end.KeyFiles, "known_hosts": end.KnownHosts, "job_dir": end.JobDir,
	}
	var hooks []any
	for i := range stepCount {
		file := filepath.Join(h.files, fmt.Sprint(i))
		hooks = append(hooks, map[string]any{
			"name": fmt.Sprintf("file-%02d", i), "phase": "prepare", "when": "before", "host": benchHost,
			"run": []string{"touch", file}, "check": []string{"test", "-e", file},
		})
	}
	section(section(doc, "systems"), h.lab.System)["hooks"] = hooks
	out, err := yaml.Marshal(doc)
	if err != nil {
		s.Fatal(err)
	}
	h.inventory = filepath.Join(s.TempDir(), "systems.yaml")
	if err := os.WriteFile(h.inventory, out, 0o644); err != nil {
		s.Fatal(err)
	}
	h.startWorker()
	return h
}

func section(doc map[string]any, name string) map[string]any {
	m, _ := doc[name].(map[string]any)
	return m
}

// clean takes the steps' effects away.
func (h *hooked) clean() {
	for i := range stepCount {
		if err := os.Remove(filepath.Join(h.files, fmt.Sprint(i))); err != nil && !os.IsNotExist(err) {
			h.Fatal(err)
		}
	}
}

// walked are the times of one procedure.
type walked struct {
	steps []float64 // each step, from its scheduling to the next one's
	whole float64   // from the approval to the end of the last step
	// parts are where the time of a step goes.
	parts spans
	bare  float64 // from the first step's scheduling to the end of the last
}

// walk runs the procedure up to its last hook, then aborts it: the takeover
// itself is measured elsewhere.
func (h *hooked) walk() walked {
	h.clean()
	run := h.start(dr.ProcTakeover, h.lab.System, map[string]string{"mode": "planned", "to": "west"})
	p := h.gate(h.lab.System, dr.GateDecide)
	at := h.approve(p)
	last := filepath.Join(h.files, fmt.Sprint(stepCount-1))
	for deadline := time.Now().Add(endLimit); ; time.Sleep(time.Millisecond) {
		if _, err := os.Stat(last); err == nil {
			break
		}
		if time.Now().After(deadline) {
			h.Fatalf("the procedure did not end within %s", endLimit)
		}
	}
	h.signal(h.lab.System, dr.VerbAbort, map[string]string{"reason": "benchmark"})
	h.ended(run, h.lab.System, dr.EndAborted)
	return h.times(run.GetRunID(), at)
}

// times reads a procedure's times from its history: the server's clock is this
// machine's.
func (h *hooked) times(run string, approved time.Time) walked {
	var scheduled []time.Time
	started, ended := map[int64]time.Time{}, map[int64]time.Time{}
	ids := map[int64]bool{}
	ctx, cancel := context.WithTimeout(h.ctx, time.Minute)
	defer cancel()
	var order []int64
	for it := h.client.GetWorkflowHistory(ctx, dr.WorkflowID(h.lab.System), run, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT); it.HasNext(); {
		e, err := it.Next()
		if err != nil {
			h.Fatal(err)
		}
		if a := e.GetActivityTaskScheduledEventAttributes(); a.GetActivityType().GetName() == "hook.run" {
			ids[e.GetEventId()] = true
			order = append(order, e.GetEventId())
			scheduled = append(scheduled, e.GetEventTime().AsTime())
		}
		if a := e.GetActivityTaskStartedEventAttributes(); ids[a.GetScheduledEventId()] {
			started[a.GetScheduledEventId()] = e.GetEventTime().AsTime()
		}
		if a := e.GetActivityTaskCompletedEventAttributes(); ids[a.GetScheduledEventId()] {
			ended[a.GetScheduledEventId()] = e.GetEventTime().AsTime()
		}
	}
	if len(order) != stepCount || len(ended) != stepCount {
		h.Fatalf("the history has %d steps, %d of them ended, not %d", len(order), len(ended), stepCount)
	}
	end := ended[order[stepCount-1]]
	w := walked{whole: ms(end.Sub(approved)), bare: ms(end.Sub(scheduled[0]))}
	for i := range stepCount - 1 {
		w.steps = append(w.steps, ms(scheduled[i+1].Sub(scheduled[i])))
		w.parts.add("until a worker has it", started[order[i]].Sub(scheduled[i]))
		w.parts.add("in the activity", ended[order[i]].Sub(started[order[i]]))
		w.parts.add("until the next is scheduled", scheduled[i+1].Sub(ended[order[i]]))
	}
	return w
}

// sender is a way to send one command.
type sender interface {
	run(command string) (string, error)
}

// bareSteps sends the same commands on one kept connection and gives each
// step's time.
func (h *hooked) bareSteps(b sender) []float64 {
	h.clean()
	var all []float64
	for i := range stepCount {
		began := time.Now()
		for n, c := range h.step(i) {
			// The first probe and the guard say no: that is their answer.
			if out, err := b.run(c); err != nil && n > 1 {
				h.Fatalf("%v %s", err, out)
			}
		}
		all = append(all, ms(time.Since(began)))
	}
	return all
}

func measureSteps(s *scene, runs int) ([]Row, error) {
	h := newHooked(s)
	sessions, shell := dialBare(s, h.login), openShell(s, dialBare(s, h.login))
	h.walk() // caches, plans and connections are warm afterwards
	h.bareSteps(sessions)
	r := Row{Name: "durable step", Unit: "ms"}
	var bySession, byShell []float64
	var parts spans
	for i := range runs {
		w := h.walk()
		r.Values = append(r.Values, w.steps...)
		parts.join(w.parts)
		bySession = append(bySession, h.bareSteps(sessions)...)
		byShell = append(byShell, h.bareSteps(shell)...)
		s.Logf("%d of %d: step %.1f ms, sessions %.1f ms, shell %.1f ms", i+1, runs, median(r.Values), median(bySession), median(byShell))
	}
	s.Logf("a step: %s", parts.String())
	a := r.beside("probe, guard, act, probe as four sessions on one kept connection (Debian's OpenSSH server)", bySession)
	b := r.beside("the same written one after the other into one shell that is kept open on that connection", byShell)
	b.Name += ", against a kept shell"
	return []Row{a.aims("at most 10 ms over", a.Over <= 10), b}, nil
}
