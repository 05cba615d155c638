package labkit

import (
	"context"
	"errors"
	"maps"
	"sync"

	"github.com/switchback-dr/switchback/lab/ledger"
	"github.com/switchback-dr/switchback/lab/writer"
)

// toy is a product whose sites are maps in memory: what a lab needs of a
// product, and nothing that is PostgreSQL's.
type toy struct {
	missing, broken error
}

func (toy) Name() string       { return "toy" }
func (toy) Accounts() []string { return nil }
func (p toy) Check() error     { return p.missing }

func (p toy) Start(_ context.Context, l *Lab) (System, error) {
	s := &toySystem{lab: l, rows: map[string]ledger.Rows{}, primary: map[string]bool{l.Sites[0]: true}}
	for _, site := range l.Sites {
		s.rows[site] = ledger.Rows{}
		h, err := l.Host(site)
		if err != nil {
			return nil, err
		}
		// A process of the product, to be found and ended by whoever claims
		// to leave none.
		if _, _, err := h.Run("/bin/sh", "-c", "setsid sleep 3600 >/dev/null 2>&1 </dev/null &"); err != nil {
			return nil, err
		}
	}
	return s, p.broken
}

type toySystem struct {
	lab *Lab

	mu      sync.Mutex
	rows    map[string]ledger.Rows
	primary map[string]bool
}

func (s *toySystem) Entry() Entry {
	e := Entry{System: "toys", Sites: map[string]map[string]any{}, Product: map[string]any{"color": "red"}}
	for _, site := range s.lab.Sites {
		e.Sites[site] = map[string]any{"shelf": site}
	}
	return e
}

func (s *toySystem) Endpoints() map[string]string { return map[string]string{"toy": "toy://"} }
func (s *toySystem) Target(site string) string    { return s.lab.Inner(site) }

func (s *toySystem) Dial(context.Context, string) (writer.Session, error) {
	if name, _ := s.lab.client.Pointed(); s.lab.hosts[name] != nil {
		return &toySession{s, name}, nil
	}
	return nil, errors.New("the address points nowhere")
}

type toySession struct {
	system *toySystem
	site   string
}

func (t *toySession) Close() {}

func (t *toySession) Commit(_ context.Context, number int64) error {
	t.system.mu.Lock()
	defer t.system.mu.Unlock()
	if !t.system.primary[t.site] {
		return writer.ErrRefused
	}
	t.system.rows[t.site][number]++
	return nil
}

func (s *toySystem) Writable(_ context.Context, site string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.primary[site]
}

func (s *toySystem) Rows(_ context.Context, site string) (ledger.Rows, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.rows[site]), nil
}

func (s *toySystem) Changes(string) (map[string]int, error) { return nil, nil }
func (s *toySystem) Changing(argv []string) string          { return argv[0] }
func (s *toySystem) Faults() []Fault                        { return nil }
func (s *toySystem) Close()                                 {}
