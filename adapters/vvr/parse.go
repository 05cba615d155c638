package vvr

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/switchback-dr/switchback/dr"
)

// section is what one or more calls of a tool printed.
type section struct {
	// calls are the outputs, each with its exit code.
	calls []call
}

type call struct {
	lines []string
	exit  int
}

// message is VxVM's own form of telling something; it is never data.
var message = regexp.MustCompile(`^(VxVM |Message from )`)

// data gives the lines that are no messages, and the messages.
func (c call) data() (lines, messages []string) {
	for _, l := range c.lines {
		if message.MatchString(strings.TrimSpace(l)) {
			messages = append(messages, strings.TrimSpace(l))
		} else {
			lines = append(lines, l)
		}
	}
	return lines, messages
}

var sections = map[string]bool{
	"dg": true, "rvg": true, "rlink": true, "status": true, "cp": true, "rds": true, "rep": true, "vol": true, "updates": true,
	"vcs": true, "group": true, "frozen": true,
}

// ParseReading reads the output of the observation script. An output that is
// cut off, or holds a line of no known section, is an error: the host's state
// is then unknown. A section that is not recognised is nil, with its reason.
func ParseReading(out, dg, rvg string) (Reading, error) {
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	if len(lines) < 2 || lines[0] != "begin 1" || lines[len(lines)-1] != "end ok" {
		return Reading{}, fmt.Errorf("the observation's output is not complete")
	}
	r := Reading{Text: map[string]string{}}
	read := map[string]*section{}
	open := map[string][]string{}
	for _, l := range lines[1 : len(lines)-1] {
		l = strings.TrimSuffix(l, "\r")
		tag, rest, _ := strings.Cut(l, " ")
		switch {
		case tag == "rc":
			name, code, _ := strings.Cut(rest, " ")
			n, err := strconv.Atoi(code)
			if err != nil || !sections[name] {
				return Reading{}, fmt.Errorf("the observation printed a line that is not recognised: %s", dr.Clip(l, 120))
			}
			if read[name] == nil {
				read[name] = &section{}
			}
			read[name].calls = append(read[name].calls, call{open[name], n})
			open[name] = nil
		case sections[tag]:
			open[tag] = append(open[tag], rest)
		case tag == "holder":
			r.Holders = appendUpTo(r.Holders, dr.Clip(rest, 120), 20)
		case tag == "mark":
			name, text, _ := strings.Cut(rest, " ")
			r.Marks = append(r.Marks, Mark{Name: dr.Clip(name, 100), Text: dr.Clip(strings.TrimSpace(text), 300)})
		default:
			return Reading{}, fmt.Errorf("the observation printed a line that is not recognised: %s", dr.Clip(l, 120))
		}
	}
	for _, name := range []string{"dg", "rvg", "rlink"} {
		if read[name] == nil {
			return Reading{}, fmt.Errorf("the observation has no section %s", name)
		}
	}
	r.fill(read, dg, rvg)
	if len(r.Text) == 0 {
		r.Text = nil
	}
	return r, nil
}

func appendUpTo(list []string, s string, n int) []string {
	if len(list) >= n {
		return list
	}
	return append(list, s)
}

// fill reads the sections. A section's error stays with its section.
func (r *Reading) fill(read map[string]*section, dg, rvg string) {
	each := func(name string, f func(c call) error) {
		s := read[name]
		if s == nil {
			return
		}
		for _, c := range s.calls {
			err := f(c)
			if c.exit != 0 && err == nil {
				err = fmt.Errorf("it ended with exit code %d: %s", c.exit, firstLine(c.lines))
			}
			if err != nil && r.Text[name] == "" {
				r.Text[name] = dr.Clip(err.Error(), 300)
			}
		}
	}
	r.Imported = dr.Unknown
	each("dg", func(c call) error { return r.diskGroup(c, dg) })
	each("rvg", func(c call) error { return r.group(c, rvg) })
	each("rlink", func(c call) error { return r.rlinks(c, rvg) })
	each("status", r.link)
	each("cp", r.checkpoints)
	each("rds", r.rds)
	each("rep", r.rep)
	each("vol", r.volumes)
	each("updates", func(c call) error {
		if c.exit == 0 {
			r.Updates = appendUpTo(r.Updates, dr.Clip(strings.Join(c.lines, " / "), 200), 10)
		}
		return nil
	})
	r.vcs(read)
}

func firstLine(lines []string) string {
	for _, l := range lines {
		if strings.TrimSpace(l) != "" {
			return dr.Clip(strings.TrimSpace(l), 200)
		}
	}
	return "it printed nothing"
}

// diskGroup finds the disk group in vxdg -q list: name, state, ID.
func (r *Reading) diskGroup(c call, dg string) error {
	if c.exit != 0 {
		return nil
	}
	lines, _ := c.data()
	found := dr.No
	for _, l := range lines {
		f := strings.Fields(l)
		if len(f) == 0 {
			continue
		}
		if len(f) < 3 {
			return fmt.Errorf("vxdg printed a line that is not recognised: %s", dr.Clip(l, 100))
		}
		if f[0] == dg {
			found = dr.TriOf(f[1] == "enabled" || strings.HasPrefix(f[1], "enabled,"))
		}
	}
	r.Imported = found
	return nil
}

var recordLine = regexp.MustCompile(`^([A-Z]?[a-z_ ]+): *(.*)$`)

// record is one record of vxprint -l: fields by name, and NAME=value pairs. A
// line without a name belongs to the field before it.
type record struct {
	fields map[string]string
	pairs  map[string]string
}

// records cuts vxprint -l's output into records that begin with the given field.
func records(lines []string, first string) ([]record, error) {
	var out []record
	field := ""
	for _, l := range lines {
		if strings.TrimSpace(l) == "" || strings.HasPrefix(l, "Disk group:") {
			continue
		}
		value := strings.TrimSpace(l)
		if m := recordLine.FindStringSubmatch(l); m != nil {
			field, value = m[1], strings.TrimSpace(m[2])
			if field == first {
				out = append(out, record{map[string]string{}, map[string]string{}})
			}
		} else if l == value {
			return nil, fmt.Errorf("a line is not recognised: %s", dr.Clip(l, 100))
		}
		if len(out) == 0 || field == "" {
			return nil, fmt.Errorf("a line stands before %s: %s", first, dr.Clip(l, 100))
		}
		rec := out[len(out)-1]
		rec.fields[field] = strings.TrimSpace(rec.fields[field] + " " + value)
		for _, w := range strings.Fields(value) {
			if k, v, ok := strings.Cut(w, "="); ok {
				if _, twice := rec.pairs[k]; !twice {
					rec.pairs[k] = v
				}
			}
		}
	}
	return out, nil
}

// group reads the RVG's record. On the line flags: the first word is open or
// closed and the second the role; that is how the vendor's own installer
// reads it.
func (r *Reading) group(c call, rvg string) error {
	lines, messages := c.data()
	if c.exit != 0 {
		return fmt.Errorf("vxprint shows no RVG %s: %s", rvg, firstLine(append(messages, lines...)))
	}
	recs, err := records(lines, "Rvg")
	if err != nil {
		return err
	}
	if len(recs) != 1 || recs[0].fields["Rvg"] != rvg {
		return fmt.Errorf("vxprint shows no record of the RVG %s", rvg)
	}
	rec := recs[0]
	flags := strings.Fields(rec.fields["flags"])
	if len(flags) < 2 || (flags[0] != "open" && flags[0] != "closed") || (flags[1] != rolePrimary && flags[1] != roleSecondary) {
		return fmt.Errorf("the flags of the RVG %s are not recognised: %s", rvg, dr.Clip(rec.fields["flags"], 100))
	}
	if rec.pairs["kernel"] == "" {
		return fmt.Errorf("the state of the RVG %s is not recognised: %s", rvg, dr.Clip(rec.fields["state"], 100))
	}
	r.RVG = &RVG{
		Role: flags[1], Open: flags[0] == "open", Kernel: rec.pairs["kernel"], State: rec.pairs["state"], Flags: flags[2:],
		Volumes: commaList(rec.pairs["datavols"]), SRL: rec.pairs["srl"],
	}
	return nil
}

// commaList splits VxVM's lists; "-" is none.
func commaList(s string) []string {
	if s == "" || s == "-" {
		return nil
	}
	return strings.Split(s, ",")
}

func (r *Reading) rlinks(c call, rvg string) error {
	lines, messages := c.data()
	if c.exit != 0 {
		return fmt.Errorf("vxprint shows no RLINKs: %s", firstLine(append(messages, lines...)))
	}
	recs, err := records(lines, "Rlink")
	if err != nil {
		return err
	}
	var all []RLink
	for _, rec := range recs {
		if owner := rec.pairs["rvg"]; owner != rvg {
			continue
		}
		l := RLink{
			Name: rec.fields["Rlink"], Remote: rec.pairs["remote_host"], Local: rec.pairs["local_host"], RemoteDG: rec.pairs["remote_dg"],
			State: rec.pairs["state"], SRLProt: rec.pairs["srlprot"], Flags: strings.Fields(rec.fields["flags"]),
		}
		if l.Has(flagAttached) == l.Has("detached") || l.Remote == "" {
			return fmt.Errorf("the record of the RLINK %s is not recognised", dr.Clip(l.Name, 60))
		}
		all = append(all, l)
	}
	r.RLinks = all
	return nil
}

var (
	upToDate    = regexp.MustCompile(`^Rlink (\S+) is up to date\.?$`)
	outstanding = regexp.MustCompile(`^Rlink (\S+) has ([0-9]{1,15}) outstanding writes?, occupying ([0-9]{1,15}) Kbytes \(([0-9]{1,6})%\) on the SRL\.?$`)
	autosync    = regexp.MustCompile(`^Rlink (\S+) is in AUTOSYNC\. ([0-9]{1,15}) Kbytes remaining\.?$`)
	dcmInUse    = regexp.MustCompile(`^DCM is in use on Rlink (\S+)\. DCM contains ([0-9]{1,15}) Kbytes(?: \(([0-9]{1,6})%\))?\.?$`)
	vxrlinkInfo = regexp.MustCompile(`^VxVM VVR vxrlink INFO V-5-[0-9]+-[0-9]+ +(.*)$`)
)

// link reads one answer of vxrlink status. A sentence that is not one of the
// four known ones leaves the RLINK's status unknown.
func (r *Reading) link(c call) error {
	if c.exit != 0 {
		return nil
	}
	var found []LinkStatus
	for _, l := range c.lines {
		l = strings.TrimSpace(l)
		if l == "" {
			continue
		}
		m := vxrlinkInfo.FindStringSubmatch(l)
		if m == nil {
			return fmt.Errorf("vxrlink status is not recognised: %s", dr.Clip(l, 150))
		}
		s, ok := parseLink(strings.TrimSpace(m[1]))
		if !ok {
			return fmt.Errorf("vxrlink status is not recognised: %s", dr.Clip(l, 150))
		}
		found = append(found, s)
	}
	if len(found) != 1 {
		return fmt.Errorf("vxrlink status gave %d answers", len(found))
	}
	r.Links = append(r.Links, found[0])
	return nil
}

func parseLink(s string) (LinkStatus, bool) {
	num := func(t string) int64 {
		n, err := strconv.ParseInt(t, 10, 64)
		if err != nil {
			return -1
		}
		return n
	}
	if m := upToDate.FindStringSubmatch(s); m != nil {
		return LinkStatus{m[1], linkUpToDate, 0, 0, 0}, true
	}
	if m := outstanding.FindStringSubmatch(s); m != nil {
		return LinkStatus{m[1], linkOutstanding, num(m[2]), num(m[3]), num(m[4])}, true
	}
	if m := autosync.FindStringSubmatch(s); m != nil {
		return LinkStatus{m[1], linkAutosync, -1, num(m[2]), -1}, true
	}
	if m := dcmInUse.FindStringSubmatch(s); m != nil {
		return LinkStatus{m[1], linkDCM, -1, num(m[2]), -1}, true
	}
	return LinkStatus{}, false
}
