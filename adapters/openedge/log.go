package openedge

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/dr"
)

// Message numbers of the database log that decisions rest on. Words changed
// between releases, numbers did not.
const (
	msgSessionBegin   = 333
	msgSessionEnd     = 334
	msgFullStart      = 1362
	msgFullDone       = 1364
	msgIncrementStart = 1361
	msgRestoreStart   = 1368
	msgRestoreDone    = 1369
	msgEmergency      = 5316
	msgSynchronised   = 10436
	msgTargetsInStep  = 20257
	msgAllSent        = 20258
)

// LogLine is one line of the database log with a message number.
type LogLine struct {
	At     time.Time `json:"at"`
	PID    int       `json:"pid"`
	Number int       `json:"number"`
	Text   string    `json:"text,omitempty"`
}

// logLine is the layout of the database log: fixed width but for the text.
// Manual: "OpenEdge database log file".
var logLine = regexp.MustCompile(`^\[(\d{4}/\d\d/\d\d@\d\d:\d\d:\d\d\.\d{3}[+-]\d{4})\] P-(\d{1,9})\s+T-\S+\s+[IWF]\s+[A-Za-z]+\s*\d*\s*:\s+\((\d{1,6}|-----)\)\s?(.*)$`)

// parseLog reads lines of the log and leaves out what is none.
func parseLog(lines []string) []LogLine {
	var out []LogLine
	for _, l := range lines {
		m := logLine.FindStringSubmatch(strings.TrimRight(l, "\r"))
		if m == nil {
			continue
		}
		at := parseLogTime(m[1])
		pid, _ := strconv.Atoi(m[2])
		n, _ := strconv.Atoi(m[3])
		if at.IsZero() {
			continue
		}
		out = append(out, LogLine{At: at, PID: pid, Number: n, Text: dr.Clip(m[4], 120)})
	}
	return out
}

// logLines is a part of the log.
type logLines []LogLine

// session gives the lines since the last begin of a multi-user session.
func (r Reading) session() logLines {
	for i := len(r.Log) - 1; i >= 0; i-- {
		if r.Log[i].Number == msgSessionBegin {
			return r.Log[i:]
		}
	}
	return nil
}

// has says whether a number is among the lines.
func (l logLines) has(number int) bool { return l.last(number) >= 0 }

// last gives the index of the last line with a number, or -1.
func (l logLines) last(number int) int {
	for i := len(l) - 1; i >= 0; i-- {
		if l[i].Number == number {
			return i
		}
	}
	return -1
}

// whole says whether a start of a process was followed by its own end.
func (l logLines) whole(start, end int) bool {
	i, j := l.last(start), l.last(end)
	return i >= 0 && j > i && l[i].PID == l[j].PID
}
