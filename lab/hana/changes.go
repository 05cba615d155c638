package hana

import (
	"os"
	"strings"
)

// Changes counts changing SQL statements of administrators from the trace of
// the host's database.
func (s *system) Changes(name string) (map[string]int, error) {
	counts, err := s.traced(name)
	for what, n := range s.own[name] {
		if counts[what] -= n; counts[what] <= 0 {
			delete(counts, what)
		}
	}
	return counts, err
}

// traced counts what the trace of a host's database has.
func (s *system) traced(name string) (map[string]int, error) {
	h, err := s.lab.Host(name)
	if err != nil {
		return nil, err
	}
	b, err := os.ReadFile(h.Path("usr/sap", s.set.sid, "HDB"+s.number, name, "trace", "nameserver_"+name+".00000.000.trc"))
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	counts := map[string]int{}
	for _, line := range strings.Split(string(b), "\n") {
		if _, what, ok := strings.Cut(line, " statement: "); ok {
			counts["SQL: "+what]++
		}
	}
	return counts, nil
}
