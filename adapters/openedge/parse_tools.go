package openedge

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// Description is the part of proutil -C describe that decisions rest on.
// Manual: Database Management, "PROUTIL DESCRIBE qualifier".
type Description struct {
	Name    string `json:"name,omitempty"`
	Version string `json:"version,omitempty"`
	// BlockSize is in bytes.
	BlockSize int64 `json:"block_size,omitempty"`
	// LastFull and LastIncremental are the last backups' dates as the tool
	// writes them.
	LastFull        string `json:"last_full,omitempty"`
	LastIncremental string `json:"last_incremental,omitempty"`
	// AIFile is the current after-image file's number; AIOn that
	// after-imaging is on.
	AIFile int64  `json:"ai_file,omitempty"`
	AIOn   dr.Tri `json:"ai_on"`
	// Role is source, target or none; "" when the description has no list
	// of features.
	Role string `json:"role,omitempty"`
}

// roleLine is the feature's line. The product was Site, then Fathom, then
// OpenEdge Replication.
var roleLine = regexp.MustCompile(`^\s*\d+\s+(?:Site |Fathom |OpenEdge )?Replication\s+(Yes|No)\b\s*(Source database|Target database)?`)

// parseDescribe reads a description; what it has not is absent.
func parseDescribe(lines []string) Description {
	d := Description{}
	features := false
	for _, l := range lines {
		label, value, ok := strings.Cut(l, ":")
		label, value = strings.TrimSpace(label), dr.Clip(strings.TrimSpace(value), 80)
		switch {
		case strings.HasPrefix(strings.TrimSpace(l), "Database Features"):
			features = true
		case features && roleLine.MatchString(l):
			d.Role = roleOfLine(roleLine.FindStringSubmatch(l), d.Role)
		case !ok:
		case label == "Database Name":
			d.Name = value
		case label == "Version":
			d.Version = value
		case label == "Block Size":
			d.BlockSize = leadingNumber(value)
		case label == "Last Full Backup Date":
			d.LastFull = value
		case label == "Last Incremental Backup":
			d.LastIncremental = value
		case label == "Current File Number":
			d.AIFile = leadingNumber(value)
			d.AIOn = dr.TriOf(d.AIFile > 0)
		}
	}
	if features && d.Name != "" && d.Role == "" {
		d.Role = roleNone
	}
	if d.Role == "?" || !features {
		d.Role = ""
	}
	return d
}

// roleOfLine gives a role, or "?" for a line that says something else.
func roleOfLine(m []string, before string) string {
	switch {
	case before != "":
		return "?"
	case m[1] == "Yes" && m[2] == "Source database":
		return roleSource
	case m[1] == "Yes" && m[2] == "Target database":
		return roleTarget
	case m[1] == "No":
		return roleNone
	}
	return "?"
}

var leading = regexp.MustCompile(`^[0-9]{1,15}`)

func leadingNumber(s string) int64 {
	n, err := strconv.ParseInt(leading.FindString(s), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

var statusLine = regexp.MustCompile(`^\s*([0-9]{4})(?:$|[^0-9])`)

// parseStatus reads dsrutil -C status -detail. The command prints one number,
// perhaps behind the release's banner; documents differ on what follows it.
func parseStatus(exit int, lines []string) Status {
	s := Status{Exit: exit}
	if exit != 0 && exit != 2 && exit != 3 {
		return Status{Exit: -1}
	}
	found := 0
	for _, l := range lines {
		if m := statusLine.FindStringSubmatch(l); m != nil && exit == 0 {
			n, _ := strconv.Atoi(m[1])
			s.Code = Code(n)
			found++
		}
	}
	if found > 1 || (exit == 0 && found == 0) {
		return Status{Exit: -1}
	}
	return s
}

// AIExtent is one after-image extent.
type AIExtent struct {
	Number int64  `json:"number"`
	Path   string `json:"path"`
	// Status is EMPTY, BUSY, FULL, LOCKED or ARCHIVED.
	Status string `json:"status"`
	SizeKB int64  `json:"size_kb,omitempty"`
	UsedKB int64  `json:"used_kb,omitempty"`
	// Sequence is the after-image file's number where the release tells it.
	Sequence int64 `json:"sequence,omitempty"`
}

var extentStatus = regexp.MustCompile(`^(EMPTY|BUSY|FULL|LOCKED|ARCHIVED)\b`)

// parseExtents reads rfutil -C aimage extent list: blocks of "label: value"
// that begin with the extent's number. A block without a status that is known
// makes the whole list unknown. Manual: "RFUTIL AIMAGE EXTENT LIST qualifier".
func parseExtents(lines []string) []AIExtent {
	var out []AIExtent
	for _, l := range lines {
		label, value, ok := strings.Cut(l, ":")
		if !ok {
			continue
		}
		label, value = strings.ToLower(strings.TrimSpace(label)), strings.TrimSpace(value)
		if label == "extent" {
			out = append(out, AIExtent{Number: leadingNumber(value)})
			continue
		}
		if len(out) == 0 {
			continue
		}
		e := &out[len(out)-1]
		switch label {
		case "status":
			e.Status = extentStatus.FindString(strings.ToUpper(value))
		case "path":
			e.Path = value
		case "size":
			e.SizeKB = leadingNumber(value)
		case "used":
			e.UsedKB = leadingNumber(value)
		case "seqno", "sequence":
			e.Sequence = leadingNumber(value)
		}
	}
	for _, e := range out {
		if e.Number == 0 || e.Status == "" || !kit.PlainPath(e.Path) || len(out) > 500 {
			return nil
		}
	}
	return out
}

// Acknowledged is the last after-image block that an agent has acknowledged.
type Acknowledged struct {
	Area   int64 `json:"area"`
	Seq    int64 `json:"seq"`
	Loc    int64 `json:"loc"`
	Offset int64 `json:"offset"`
	// Time is the acknowledgement's as the tool writes it.
	Time string `json:"time,omitempty"`
}

// String writes the block's place and time.
func (a Acknowledged) String() string {
	s := "AI file " + strconv.FormatInt(a.Seq, 10) + ", loc " + strconv.FormatInt(a.Loc, 10) + ", offset " + strconv.FormatInt(a.Offset, 10)
	if a.Time != "" {
		s += ", acknowledged " + a.Time
	}
	return s
}

// key is the block's place, for comparison in proofs.
func (a Acknowledged) key() string {
	return strconv.FormatInt(a.Seq, 10) + "/" + strconv.FormatInt(a.Loc, 10) + "/" + strconv.FormatInt(a.Offset, 10)
}

var (
	ackBlock = regexp.MustCompile(`Last AI block acknowledged:\s*area:\s*(\d{1,9}),\s*seq:\s*(\d{1,15}),\s*loc:\s*(\d{1,18}),\s*offset:\s*(\d{1,9})\s*$`)
	ackTime  = regexp.MustCompile(`Last AI block ACK time:\s*(\S.*)$`)
	plain    = regexp.MustCompile(`^[A-Za-z0-9 :./+-]{1,60}$`)
)

// parseRecovery reads dsrutil -C recovery server or agent. Manual: "DSRUTIL
// recovery qualifier".
func parseRecovery(lines []string) []Acknowledged {
	var out []Acknowledged
	for _, l := range lines {
		if m := ackBlock.FindStringSubmatch(l); m != nil {
			out = append(out, Acknowledged{Area: leadingNumber(m[1]), Seq: leadingNumber(m[2]), Loc: leadingNumber(m[3]), Offset: leadingNumber(m[4])})
		} else if m := ackTime.FindStringSubmatch(l); m != nil && len(out) > 0 {
			if v := strings.TrimSpace(m[1]); plain.MatchString(v) {
				out[len(out)-1].Time = v
			}
		}
	}
	return out
}

// logTime is the layout of the database log's times.
const logTime = "2006/01/02@15:04:05.000-0700"

// parseLogTime gives zero for what is no time.
func parseLogTime(s string) time.Time {
	t, err := time.Parse(logTime, s)
	if err != nil {
		return time.Time{}
	}
	return t
}
