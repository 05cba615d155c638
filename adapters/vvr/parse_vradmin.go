package vvr

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/switchback-dr/switchback/dr"
)

// checkpoints reads vxrvg cplist: name, size, per cent of the SRL, state. At
// 100 % a checkpoint is overflowed and of no use. The order of the columns is
// known from the guide's example, not its exact layout, so a row is matched by
// meaning: its first word, its last number before the state, and the state.
func (r *Reading) checkpoints(c call) error {
	lines, _ := c.data()
	if c.exit != 0 {
		return nil
	}
	list := []Checkpoint{}
	for _, l := range lines {
		f := strings.Fields(l)
		if len(f) == 0 || isRuler(l) {
			continue
		}
		lower := strings.ToLower(l)
		if f[0] == "Name" && strings.Contains(lower, "log") {
			continue
		}
		cp := Checkpoint{Name: f[0], Percent: -1, State: cpOther}
		switch {
		case strings.Contains(lower, "overflow"):
			cp.State, cp.Percent = cpOverflowed, 100
		case strings.HasSuffix(lower, "completed"):
			cp.State = cpCompleted
		case strings.HasSuffix(lower, "started"):
			cp.State = cpStarted
		}
		for _, w := range f[1:] {
			if n, err := strconv.ParseFloat(strings.TrimSuffix(w, "%"), 64); err == nil && n >= 0 && n < 1e6 && cp.State != cpOverflowed {
				cp.Percent = int64(n)
			}
		}
		if !object.MatchString(cp.Name) || cp.State != cpOverflowed && (len(f) < 4 || cp.Percent < 0) {
			return fmt.Errorf("cplist printed a row that is not recognised: %s", dr.Clip(l, 100))
		}
		if cp.Percent >= 100 {
			cp.State = cpOverflowed
		}
		list = append(list, cp)
	}
	r.Checkpoints = &list
	return nil
}

// isRuler: a line that only underlines a header.
func isRuler(l string) bool { return strings.Trim(l, "-= \t") == "" }

var (
	daemonDown = regexp.MustCompile(`(?i)vradmind.*(not running|not be running|cannot connect)|cannot connect to vradmind`)
	blockTitle = regexp.MustCompile(`^(Primary|Secondary|Bunker)(?: \(([^()]*)\))?:$`)
	errorBoth  = regexp.MustCompile(`^\s+(\S+):\s+(\S.*)$`)
)

// rds reads vradmin printrvg, long or short.
func (r *Reading) rds(c call) error {
	lines, messages := c.data()
	if c.exit != 0 {
		all := strings.Join(append(messages, lines...), "\n")
		if daemonDown.MatchString(all) {
			r.Vradmind = dr.No
		}
		return fmt.Errorf("vradmin printrvg gave no answer: %s", firstLine(c.lines))
	}
	d, err := parseRDS(lines)
	if err != nil {
		return err
	}
	r.RDS, r.Vradmind = &d, dr.Yes
	return nil
}

func parseRDS(lines []string) (RDS, error) {
	var d RDS
	const none, host, bunker, errs = 0, 1, 2, 3
	in, sets := none, 0
	for _, l := range lines {
		t := strings.TrimSpace(l)
		top := l == strings.TrimLeft(l, " \t")
		switch {
		case t == "":
		case top && strings.HasPrefix(t, "Replicated Data Set:"):
			sets++
			in = none
		case top && t == "Config Errors:":
			in = errs
		case top:
			m := blockTitle.FindStringSubmatch(t)
			if m == nil {
				return d, fmt.Errorf("printrvg printed a line that is not recognised: %s", dr.Clip(t, 100))
			}
			if m[1] == "Bunker" || strings.Contains(strings.ToLower(m[2]), "bunker") {
				d.Bunker, in = true, bunker
				continue
			}
			in = host
			d.Hosts = append(d.Hosts, RDSHost{Primary: m[1] == "Primary", Unreachable: strings.EqualFold(m[2], "unreachable")})
		case in == errs:
			m := errorBoth.FindStringSubmatch(l)
			if m == nil {
				return d, fmt.Errorf("a configuration error is not recognised: %s", dr.Clip(t, 100))
			}
			d.Errors = append(d.Errors, ConfigError{Host: m[1], Text: dr.Clip(m[2], 200)})
		case in == host:
			d.Hosts[len(d.Hosts)-1].field(t)
		case in == none:
			return d, fmt.Errorf("printrvg printed a line that is not recognised: %s", dr.Clip(t, 100))
		}
	}
	if sets != 1 || len(d.Hosts) == 0 {
		return d, fmt.Errorf("printrvg shows no replicated data set")
	}
	for _, h := range d.Hosts {
		if !hostName.MatchString(h.Name) {
			return d, fmt.Errorf("printrvg shows a host without a name")
		}
	}
	return d, nil
}

// field reads one line of a host's block; lines that nobody needs are passed.
func (h *RDSHost) field(t string) {
	k, v, ok := strings.Cut(t, ":")
	if !ok {
		return
	}
	f := strings.Fields(v)
	if len(f) == 0 {
		return
	}
	switch k {
	case "HostName":
		h.Name = f[0]
		h.Local = len(f) > 1 && f[1] == "<localhost>"
	case "RvgName":
		h.RVG = f[0]
	case "DgName":
		h.DG = f[0]
	}
}

// rep reads vradmin repstatus; every value belongs to the host of its block.
func (r *Reading) rep(c call) error {
	lines, _ := c.data()
	if c.exit != 0 {
		return nil
	}
	var list []RepStatus
	secondary := false
	for _, l := range lines {
		t := strings.TrimSpace(l)
		if m := blockTitle.FindStringSubmatch(t); m != nil {
			if secondary = m[1] == "Secondary"; secondary {
				list = append(list, RepStatus{})
			}
			continue
		}
		if t == "Config Errors:" {
			secondary = false
		}
		k, v, ok := strings.Cut(t, ":")
		if !secondary || !ok {
			continue
		}
		v = dr.Clip(strings.TrimSpace(v), 120)
		s := &list[len(list)-1]
		switch k {
		case "Host name":
			s.Host = v
		case "Data status":
			s.Data = v
		case "Replication status":
			s.Replication = v
		case "Logging to":
			s.Logging = v
		case "Timestamp Information":
			s.Timestamp = v
		}
	}
	r.Rep = list
	return nil
}

// volumes reads vradmin printvol: one column for the Primary and one for each
// Secondary that is named, line types h, dg, rv, and for every volume v, sz, pn,
// fl. How several Secondaries are laid out is not known from the guides: more
// columns, or a block for each, are both read. "-" is not told.
func (r *Reading) volumes(c call) error {
	lines, _ := c.data()
	if c.exit != 0 {
		return nil
	}
	list := []VolumeRow{}
	var hosts []string
	for _, l := range lines {
		f := strings.Fields(l)
		if len(f) == 0 || strings.HasPrefix(l, "Replicated Data Set:") || strings.HasPrefix(l, "TY ") || f[0] == "PRIMARY" {
			continue
		}
		values, last := f[1:], len(list)-1
		switch {
		case f[0] == "h" && len(values) > 0:
			hosts = values
		case f[0] == "dg" || f[0] == "rv" || f[0] == "pn":
		case f[0] == "v" && len(values) == len(hosts) && len(hosts) > 0:
			list = append(list, VolumeRow{Hosts: hosts, Names: values, DCM: make([]bool, len(hosts))})
		case f[0] == "sz" && last >= 0 && len(values) == len(hosts):
			for _, w := range values {
				n, err := strconv.ParseInt(w, 10, 64)
				if w == "-" {
					n, err = -1, nil
				}
				if err != nil {
					return fmt.Errorf("printvol printed a size that is not recognised: %s", dr.Clip(l, 100))
				}
				list[last].Sizes = append(list[last].Sizes, n)
			}
		case f[0] == "fl" && last >= 0 && len(values) == len(hosts):
			for i, w := range values {
				list[last].DCM[i] = strings.Contains(w, "DCM")
			}
		case f[0] == "fl" && last >= 0:
			// Fewer words than columns: which host has none cannot be told.
		default:
			return fmt.Errorf("printvol printed a line that is not recognised: %s", dr.Clip(l, 100))
		}
	}
	for _, v := range list {
		if len(v.Sizes) != len(v.Names) {
			return fmt.Errorf("printvol shows no sizes of %s", dr.Clip(v.Names[0], 60))
		}
	}
	r.Volumes = &list
	return nil
}

var vcsDown = regexp.MustCompile(`(?i)(cannot connect to|not running).*`)

// vcs finds RVGPrimary resources whose group is not frozen. VCS whose engine
// does not run is in charge of nothing now; any other answer counts as in
// charge.
func (r *Reading) vcs(read map[string]*section) {
	s := read["vcs"]
	if s == nil || len(s.calls) == 0 {
		return
	}
	c := s.calls[0]
	if c.exit != 0 {
		if !vcsDown.MatchString(strings.Join(c.lines, " ")) {
			r.Managed = []string{"VCS (its answer was not recognised: " + firstLine(c.lines) + ")"}
		}
		return
	}
	seen := map[string]bool{}
	var names []string
	for _, l := range c.lines {
		if f := strings.Fields(l); len(f) > 0 && !seen[f[0]] {
			seen[f[0]] = true
			names = append(names, f[0])
		}
	}
	slices.Sort(names) // as the script asks for their groups
	frozen := read["frozen"]
	for i, n := range names {
		ok := false
		for k := 2 * i; frozen != nil && k < 2*i+2 && k < len(frozen.calls); k++ {
			f := frozen.calls[k]
			ok = ok || f.exit == 0 && strings.TrimSpace(strings.Join(f.lines, " ")) == "1"
		}
		if !ok {
			r.Managed = append(r.Managed, "VCS resource "+dr.Clip(n, 60))
		}
	}
}
