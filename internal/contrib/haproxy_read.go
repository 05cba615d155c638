package contrib

import (
	"encoding/csv"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// haServer is one server of a backend, as HAProxy's runtime API tells it.
type haServer struct {
	// Admin is srv_admin_state, Op srv_op_state (Management Guide, "show
	// servers state").
	Admin, Op int
	// Sessions are those at work now (scur of "show stat").
	Sessions int
}

// Bits of srv_admin_state that matter here: forced, inherited and
// resolution's maintenance; forced and inherited drain. The bit of the
// configuration's "disabled" stays when the server was made ready.
const (
	haMaint = 0x01 | 0x02 | 0x20
	haDrain = 0x08 | 0x10
	haKnown = 0x7f
	// haRunning is srv_op_state SRV_ST_RUNNING.
	haRunning = 2
)

func (s haServer) closed() bool { return s.Admin&haMaint != 0 }
func (s haServer) open() bool   { return s.Admin&(haMaint|haDrain) == 0 }

// haproxyRefusals are complete answers that say why there is no other.
var haproxyRefusals = []string{"Can't find backend.", "No such server.", "No such backend.", "Permission denied"}

// haRefused finds such an answer.
func haRefused(text string) (string, bool) {
	for line := range strings.Lines(text) {
		if r := strings.TrimSpace(line); slices.Contains(haproxyRefusals, r) {
			return r, true
		}
	}
	return "", false
}

// parseHAProxy reads the answers to "show servers state B" and "show stat B 4
// -1", one after the other. Every line must be understood: a server that is
// overlooked might take clients.
func parseHAProxy(backend, text string) (map[string]haServer, error) {
	state, stat, ok := strings.Cut(text, "\n# pxname,")
	if !ok {
		return nil, fmt.Errorf("there is no table of sessions in the answer")
	}
	all, err := haStates(backend, state)
	if err != nil {
		return nil, err
	}
	return all, haSessions(backend, "# pxname,"+stat, all)
}

// haStates reads the table of states, format 1.
func haStates(backend, text string) (map[string]haServer, error) {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(lines) < 2 || lines[0] != "1" || !strings.HasPrefix(lines[1], "# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state ") {
		return nil, fmt.Errorf("the table of servers has not the format 1")
	}
	columns := len(strings.Fields(lines[1])) - 1
	all := map[string]haServer{}
	for _, line := range lines[2:] {
		f := strings.Fields(line)
		// A newer release may add columns at the end, but not in one line only.
		if len(f) != columns || f[1] != backend {
			return nil, fmt.Errorf("the table of servers has a line that is none of %s", backend)
		}
		op, err1 := strconv.Atoi(f[5])
		admin, err2 := strconv.Atoi(f[6])
		if err1 != nil || err2 != nil || op < 0 || op > 3 || admin < 0 || admin > haKnown {
			return nil, fmt.Errorf("the state of the server %s is not understood", f[3])
		}
		if _, twice := all[f[3]]; twice {
			return nil, fmt.Errorf("the server %s stands twice in the table", f[3])
		}
		all[f[3]] = haServer{Admin: admin, Op: op}
	}
	return all, nil
}

// haSessions adds the sessions at work.
func haSessions(backend, text string, all map[string]haServer) error {
	r := csv.NewReader(strings.NewReader(strings.TrimSpace(strings.TrimPrefix(text, "# "))))
	r.LazyQuotes = false
	rows, err := r.ReadAll()
	if err != nil || len(rows) == 0 {
		return fmt.Errorf("the table of sessions is not understood")
	}
	if h := rows[0]; len(h) < 5 || h[0] != "pxname" || h[1] != "svname" || h[4] != "scur" {
		return fmt.Errorf("the table of sessions has other columns")
	}
	seen := map[string]bool{}
	for _, row := range rows[1:] {
		s, known := all[row[1]]
		n, err := strconv.Atoi(row[4])
		if row[0] != backend || !known || seen[row[1]] || err != nil || n < 0 {
			return fmt.Errorf("the table of sessions has a line that fits no server of %s", backend)
		}
		s.Sessions = n
		all[row[1]], seen[row[1]] = s, true
	}
	if len(seen) != len(all) {
		return fmt.Errorf("the table of sessions has %d servers of %d", len(seen), len(all))
	}
	return nil
}
