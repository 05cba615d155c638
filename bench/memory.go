package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/e2e"
)

// parked is how many procedures wait at a gate.
const parked = 1000

// measureMemory parks procedures of as many systems, all of them the lab's
// pair under other names, at their first gate.
func measureMemory(s *scene, _ int) ([]Row, error) {
	st := newStage(s)
	if err := st.multiply(parked); err != nil {
		return nil, err
	}
	st.worker = e2e.StartWorker(s, st.dev, st.inventory, "--no-watch")
	e2e.AwaitPoller(s, st.client, dr.TaskQueue, st.worker)
	idle, err := resident(st.worker.PID)
	if err != nil {
		return nil, err
	}
	const together = 4
	for i := 0; i < parked; i += together {
		for k := range together {
			st.start(dr.ProcTakeover, systemName(i+k), map[string]string{"mode": "planned", "to": "west"})
		}
		for k := range together {
			st.gate(systemName(i+k), dr.GateDecide)
		}
		if i%100 == 0 {
			now, _ := resident(st.worker.PID)
			s.Logf("%d parked, %.0f MB", i+together, now)
		}
	}
	time.Sleep(5 * time.Second) // what the last ones left is collected
	full, err := resident(st.worker.PID)
	if err != nil {
		return nil, err
	}
	r := Row{Name: fmt.Sprintf("worker's memory, %d procedures at a gate", parked), Unit: "MB", Values: []float64{full}}
	return []Row{r.beside("the same worker before the first procedure", []float64{idle})}, nil
}

func systemName(i int) string { return fmt.Sprintf("orders-%04d", i) }

// multiply gives the lab's system many names.
func (s *stage) multiply(n int) error {
	raw, err := os.ReadFile(s.lab.Inventory)
	if err != nil {
		return fmt.Errorf("the inventory cannot be read: %w", err)
	}
	doc := map[string]any{}
	if err := yaml.Unmarshal(raw, &doc); err != nil {
		return fmt.Errorf("the inventory cannot be read: %w", err)
	}
	systems := section(doc, "systems")
	one := section(systems, s.lab.System)
	// An inventory may have 1 MB: what a plan can do without is left out.
	delete(one, "clients")
	for name := range section(one, "sites") {
		site := section(section(one, "sites"), name)
		site["backup_dir"] = "/b"
		delete(site, "start_conf")
	}
	for i := range n {
		systems[systemName(i)] = one
	}
	delete(systems, s.lab.System)
	out, err := json.Marshal(doc) // which is YAML too, and shorter
	if err != nil {
		return fmt.Errorf("the inventory cannot be written: %w", err)
	}
	s.inventory = filepath.Join(s.TempDir(), "systems.yaml")
	if err := os.WriteFile(s.inventory, out, 0o644); err != nil {
		return fmt.Errorf("the inventory cannot be written: %w", err)
	}
	return nil
}

var rss = regexp.MustCompile(`(?m)^VmRSS:\s+([0-9]+) kB$`)

// resident gives a process's resident memory, in MB.
func resident(pid int) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("the worker's memory cannot be read: %w", err)
	}
	m := rss.FindSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("the worker's memory cannot be read: no VmRSS")
	}
	kb, err := strconv.ParseFloat(string(m[1]), 64)
	return kb / 1000, err
}
