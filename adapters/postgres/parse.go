package postgres

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// ParseReading reads the output of the observation script. An output that is
// cut off, or holds a line that is not recognised, is an error: the server's
// state is then unknown, never guessed from the rest.
func ParseReading(out string) (Reading, error) {
	var r Reading
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	if len(lines) < 2 || lines[0] != "begin 1" || lines[len(lines)-1] != "end ok" {
		return Reading{}, fmt.Errorf("the observation's output is not complete")
	}
	for _, l := range lines[1 : len(lines)-1] {
		tag, rest, _ := strings.Cut(l, " ")
		if err := r.line(tag, rest); err != nil {
			return Reading{}, fmt.Errorf("the observation printed a line that is not recognised (%s): %w", dr.Clip(l, 120), err)
		}
	}
	if r.Server != nil && r.SQLError != "" {
		return Reading{}, fmt.Errorf("psql printed both an answer and a complaint: %s", r.SQLError)
	}
	return r, nil
}

func (r *Reading) line(tag, rest string) (err error) {
	switch tag {
	case "data":
		r.DataExists, err = kit.YesNo(rest)
	case "owner":
		if rest != "no" {
			return fmt.Errorf("unknown owner")
		}
		r.NotOwner = true
	case "running":
		r.Running, err = kit.YesNo(rest)
	case "version":
		r.Major, err = word(rest)
	case "file":
		switch rest {
		case "standby.signal":
			r.StandbySignal = true
		case "backup_label":
			r.BackupLabel = true
		case "promote":
			r.PromoteAsked = true
		case "recovery.signal":
			r.RecoverySignal = true
		default:
			return fmt.Errorf("unknown file")
		}
	case "fence":
		r.Fenced, r.Fence = true, dr.Clip(rest, 80)
	case "fence_broken":
		r.FenceBroken = true
	case "rewind":
		r.Rewind = dr.Clip(rest, 200)
	case "control":
		return r.Control.line(rest)
	case "sql":
		return r.sql(rest)
	case "sqlerror":
		if r.SQLError == "" {
			r.SQLError = dr.Clip(rest, 200)
		}
	default:
		return r.fullLine(tag, rest)
	}
	return err
}

// fullLine reads the lines that only a full observation prints.
func (r *Reading) fullLine(tag, rest string) (err error) {
	switch tag {
	case "history_file":
		if r.HistoryTimeline = timelineOf(rest); r.HistoryTimeline == 0 {
			return fmt.Errorf("no history file")
		}
	case "history":
		a, b, _ := strings.Cut(rest, " ")
		n, err1 := strconv.ParseUint(a, 10, 32)
		p, err2 := ParseLSN(b)
		if err1 != nil || err2 != nil {
			return fmt.Errorf("no history entry")
		}
		r.History = append(r.History, HistoryEntry{Timeline: uint32(n), Switch: p})
	case "disk":
		_, err = fmt.Sscanf(rest, "%d %d", &r.DiskFreeKB, &r.DiskTotalKB)
	case "start_conf":
		r.StartConf = dr.Clip(strings.TrimSpace(rest), 40)
	case "wal_timeline":
		if r.WALTimeline = timelineOf(rest); r.WALTimeline == 0 {
			return fmt.Errorf("no timeline")
		}
	case "wal_end":
		_, r.WALEndText, _ = strings.Cut(rest, " ")
		r.WALEnd, r.WALReached = walEnd(r.WALEndText), walReached(r.WALEndText)
		r.WALEndText = dr.Clip(r.WALEndText, 200)
	case "manager":
		rest, err = word(rest)
		r.Managers = append(r.Managers, rest)
	case "manager_file":
		rest, err = word(rest)
		r.ManagerFiles = append(r.ManagerFiles, rest)
	case "paused":
		rest, err = word(rest)
		r.Paused = append(r.Paused, rest)
	default:
		return fmt.Errorf("unknown tag")
	}
	return err
}

func (r *Reading) sql(rest string) error {
	kind, raw, _ := strings.Cut(rest, " ")
	switch kind {
	case "server":
		if r.Server != nil {
			return fmt.Errorf("printed twice")
		}
		r.Server = &Server{}
		if err := dr.DecodeStrict([]byte(raw), r.Server); err != nil {
			return err
		}
		if r.Server.Recovery == nil || r.Server.System == "" {
			return fmt.Errorf("the server's role is missing")
		}
		return nil
	case "repl":
		return appendJSON(raw, &r.Repl)
	case "slot":
		return appendJSON(raw, &r.Slots)
	case "receiver":
		r.Receiver = &Receiver{}
		return dr.DecodeStrict([]byte(raw), r.Receiver)
	}
	return fmt.Errorf("unknown row")
}

func appendJSON[T any](raw string, to *[]T) error {
	var v T
	if err := dr.DecodeStrict(json.RawMessage(raw), &v); err != nil {
		return err
	}
	*to = append(*to, v)
	return nil
}

func (c *Control) line(l string) (err error) {
	key, value, ok := strings.Cut(l, ":")
	value = strings.TrimSpace(value)
	if !ok {
		return fmt.Errorf("no colon")
	}
	number := func(to *uint32) error {
		n, err := strconv.ParseUint(value, 10, 32)
		*to = uint32(n)
		return err
	}
	switch key {
	case "Database cluster state":
		c.State = value
	case "Database system identifier":
		if _, err := strconv.ParseUint(value, 10, 64); err != nil {
			return err
		}
		c.System = value
	case "Latest checkpoint location":
		c.Checkpoint, err = ParseLSN(value)
	case "Latest checkpoint's REDO location":
		c.Redo, err = ParseLSN(value)
	case "Latest checkpoint's TimeLineID":
		err = number(&c.Timeline)
	case "Minimum recovery ending location":
		c.MinRecovery, err = ParseLSN(value)
	case "Min recovery ending loc's timeline":
		err = number(&c.MinRecoveryTLI)
	case "Bytes per WAL segment":
		err = number(&c.SegmentSize)
	case "wal_log_hints setting":
		c.Hints = value == "on"
	case "Data page checksum version":
		c.Checksums = value != "0"
	default:
		return fmt.Errorf("unknown field")
	}
	return err
}

var cleanEnd = regexp.MustCompile(`^pg_waldump: error: error in WAL record at [0-9A-F]+/[0-9A-F]+: invalid record length at ([0-9A-F]+/[0-9A-F]+): (?:wanted|expected at least) [0-9]+, got 0$`)

// walEnd gives the end of a server's own log from pg_waldump's last line. Only
// the message of a clean end counts; a torn record or other text gives 0.
func walEnd(line string) LSN { return positionIn(cleanEnd, line) }

var brokenEnd = regexp.MustCompile(`^pg_waldump: error: error in WAL record at ([0-9A-F]+/[0-9A-F]+): \S`)

// walReached gives where the last record begins that pg_waldump could read,
// whatever ended it: a torn record or a clean end. Other text gives 0.
func walReached(line string) LSN { return positionIn(brokenEnd, line) }

func positionIn(message *regexp.Regexp, line string) LSN {
	m := message.FindStringSubmatch(strings.TrimSpace(line))
	if m == nil {
		return 0
	}
	return lsnOr(m[1])
}

func word(s string) (string, error) {
	if s == "" || len(s) > 60 || strings.ContainsAny(s, " \t") {
		return "", fmt.Errorf("no word")
	}
	return s, nil
}
