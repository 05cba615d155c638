package openedge

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// maxLines bounds what a tool or file may have printed.
const maxLines = 3000

// section is one tool, file or log of an observation with its lines.
type section struct {
	kind, arg string
	exit      int
	lines     []string
}

// frame splits the observation's output. Foreign lines begin with "| ", so
// that no text of a tool can pass for a line of ours; an output without its
// end is refused.
func frame(text string) ([]section, error) {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if len(lines) > maxLines || lines[0] != "switchback-openedge 1" || lines[len(lines)-1] != "end 1" {
		return nil, fmt.Errorf("the observation was not recognised, or is cut off: %q", dr.Clip(text, 120))
	}
	var out []section
	for _, l := range lines[1 : len(lines)-1] {
		if body, ok := strings.CutPrefix(l, "|"); ok {
			if len(out) == 0 {
				return nil, fmt.Errorf("a line belongs to nothing: %q", dr.Clip(l, 80))
			}
			last := &out[len(out)-1]
			last.lines = append(last.lines, strings.TrimPrefix(body, " "))
			continue
		}
		kind, arg, ok := strings.Cut(l, " ")
		if !ok || kind == "" {
			return nil, fmt.Errorf("the line %q was not recognised", dr.Clip(l, 80))
		}
		s := section{kind: kind, arg: arg}
		if kind == "tool" {
			name, code, _ := strings.Cut(arg, " ")
			n, err := strconv.Atoi(code)
			if err != nil || n < 0 || n > 255 {
				return nil, fmt.Errorf("the exit code of %q was not recognised", dr.Clip(name, 40))
			}
			s.arg, s.exit = name, n
		}
		out = append(out, s)
	}
	return out, nil
}

// ParseReading reads an observation. Tools that said nothing recognisable
// leave their part of the reading absent; a broken frame is an error.
func ParseReading(text string) (Reading, error) {
	secs, err := frame(text)
	if err != nil {
		return Reading{}, err
	}
	r := Reading{Holder: -1, Busy: -1, Status: Status{Exit: -1}}
	seen := map[string]bool{}
	for _, s := range secs {
		id := s.kind
		if s.kind == "tool" || s.kind == "file" || s.kind == "bytes" || s.kind == "proc" {
			id += " " + s.arg
		}
		if seen[id] && s.kind != "proc" {
			return Reading{}, fmt.Errorf("%q is there twice", dr.Clip(id, 80))
		}
		seen[id] = true
		if err := r.put(s); err != nil {
			return Reading{}, fmt.Errorf("%s: %w", dr.Clip(id, 80), err)
		}
	}
	if !seen["exists"] || !seen["fenced"] || !seen["lock"] || !seen["me"] || !seen["log"] {
		return Reading{}, fmt.Errorf("a part of the observation is missing")
	}
	return r, nil
}

var userName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,63}\$?$`)

// put takes one section.
func (r *Reading) put(s section) error {
	var err error
	yes := func(t *dr.Tri) { *t, err = kit.YesNo(s.arg) }
	number := func(n *int64) { *n, err = strconv.ParseInt(s.arg, 10, 64) }
	switch s.kind {
	case "exists":
		yes(&r.Exists)
	case "lock":
		yes(&r.Lock)
	case "fenced":
		yes(&r.Fenced)
	case "recovery_file":
		yes(&r.RecoveryFile)
	case "transition_file":
		yes(&r.TransitionFile)
	case "structure":
		yes(&r.StructureFile)
	case "fence_run":
		r.FenceRun = dr.Clip(s.arg, 40)
	case "restore":
		r.Restore = dr.Clip(s.arg, 100)
	case "me", "owner":
		if !userName.MatchString(s.arg) {
			return fmt.Errorf("no user name")
		}
		if r.Me == "" && s.kind == "me" {
			r.Me = s.arg
		} else {
			r.Owner = s.arg
		}
	case "proc":
		err = r.putProc(s.arg)
	case "tool":
		r.putTool(s)
	case "log":
		_, err = kit.YesNo(s.arg)
		r.Log = parseLog(s.lines)
	case "properties":
		r.putProperties(s)
	case "data_kb":
		number(&r.DataKB)
	case "data_free_kb":
		number(&r.DataFreeKB)
	case "spool_free_kb":
		number(&r.SpoolFree)
	case "file", "bytes":
		err = r.putFile(s)
	default:
		return fmt.Errorf("not recognised")
	}
	return err
}

func (r *Reading) putProc(arg string) error {
	name, id, _ := strings.Cut(arg, " ")
	pid, err := strconv.Atoi(id)
	if err != nil || pid < 1 || len(name) > 40 {
		return fmt.Errorf("not recognised")
	}
	r.Processes = append(r.Processes, Proc{Name: name, PID: pid})
	return nil
}

func (r *Reading) putFile(s section) error {
	what, name, _ := strings.Cut(s.arg, " ")
	if r.Files == nil {
		r.Files = map[string]FileEnd{}
	}
	f := r.Files[name]
	var err error
	if s.kind == "bytes" {
		f.Bytes, err = strconv.ParseInt(what, 10, 64)
	} else {
		var there dr.Tri
		there, err = kit.YesNo(what)
		f.Exists, f.Lines = there == dr.Yes, s.lines
	}
	r.Files[name] = f
	return err
}

// putTool takes a tool's output. Exit codes decide for holder, busy and
// status only; elsewhere the text must be recognised.
func (r *Reading) putTool(s section) {
	switch name, agent, _ := strings.Cut(s.arg, ":"); name {
	case "holder":
		r.Holder = s.exit
	case "busy":
		r.Busy = s.exit
	case "describe":
		r.Describe = parseDescribe(s.lines)
	case "status":
		r.Status = parseStatus(s.exit, s.lines)
	case "agent":
		if r.Agents == nil {
			r.Agents = map[string]Code{}
		}
		r.Agents[agent] = parseStatus(s.exit, s.lines).Code
	case "extents":
		r.Extents = parseExtents(s.lines)
	case "recovery_server":
		r.ServerInfo = parseRecovery(s.lines)
	case "recovery_agent":
		r.AgentInfo = parseRecovery(s.lines)
	}
}

func (r *Reading) putProperties(s section) {
	if s.arg != "yes" {
		return
	}
	p := parseProperties(s.lines)
	r.Properties = &p
}
