package sim

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

// The exit codes of PROUTIL BUSY and HOLDER, the only ones of the database
// utilities to which the vendor gives a meaning.
const (
	busyFree, busyUsed, busyStarting       = 0, 6, 64
	holderFree, holderSingle, holderServer = 0, 14, 16
	holderError                            = 1
)

// proutil db -C qualifier (manual, PROUTIL utility). Qualifiers are not case
// sensitive.
func proutil(p *proc) int {
	if len(p.args) < 3 || p.args[1] != "-C" {
		p.banner()
		return p.fail(msgUsage, "proutil db -C qualifier")
	}
	qualifier := strings.ToLower(p.args[2])
	if qualifier == "busy" || qualifier == "holder" {
		return p.asked(qualifier)
	}
	p.banner()
	db, err := p.existing(p.args[0])
	if err != nil {
		return p.failed(err)
	}
	rest := p.args[3:]
	switch qualifier {
	case "describe":
		err = p.describe(db)
	case "enablesitereplication":
		err = p.enable(db, rest)
	case "disablesitereplication":
		err = p.disable(db, rest)
	case "truncate":
		err = p.truncate(db)
	case "aimage":
		return rfutil(p)
	default:
		err = say(msgUsage, "proutil db -C "+p.args[2])
	}
	if err != nil {
		return p.failed(err)
	}
	return 0
}

// asked answers busy and holder: without a word when the database is free.
func (p *proc) asked(qualifier string) int {
	db, err := p.existing(p.args[0])
	if err != nil {
		p.say(msgNoDatabase, p.args[0])
		return holderError
	}
	mode := holder(db, p.cfg.Host)
	free, used := holderFree, holderServer
	if mode == modeSingle {
		used = holderSingle
	}
	if qualifier == "busy" {
		free, used = busyFree, busyUsed
		if mode == modeStarting {
			used = busyStarting
		}
	}
	if mode == "" {
		return free
	}
	p.say(inUse(db, mode).(*messageError).text, db) //nolint:errorlint // it is one
	return used
}

// describe prints the state of a database (manual, PROUTIL DESCRIBE).
func (p *proc) describe(db string) error {
	m, err := readMaster(db)
	if err != nil {
		return err
	}
	if err := m.usable(db); err != nil {
		return err
	}
	when := func(t time.Time) string {
		if t.IsZero() {
			return "*** Not yet performed ***"
		}
		return ctime(t)
	}
	out := func(format string, a ...any) { fmt.Fprintf(p.out, format+"\n", a...) }
	out("")
	out("OpenEdge Database Description")
	out("")
	out("Database Name : %s", filepath.Base(db))
	out("Version : %s", "410.0")
	out("Block Size : %d", m.BlockSize)
	out("Create Date : %s", ctime(m.Created))
	out("")
	out("Before Imaging information")
	out("  Block Size : %d", 8192)
	out("")
	out("After Imaging Information")
	if m.AI.On {
		busy := m.AI.Extents[m.busy()]
		out("  Begin Date : %s", ctime(m.AI.Begun))
		out("  Last AIMAGE NEW : %s", ctime(m.AI.Switched))
		out("  Currently Busy Area : %d", busy.Area)
		out("  Current File Number : %d", busy.Seq)
	} else {
		out("  Begin Date : *** Not enabled ***")
	}
	out("")
	out("Backup Information")
	out("  Last Full Backup Date : %s", when(m.LastFull))
	out("  Last Incremental Backup : %s", when(m.LastIncr))
	out("")
	out("Database Features")
	out("    ID Feature                            Active Details")
	out("  ---- ---------------------------------- ------ -------")
	switch m.Role {
	case roleSource:
		out("%6d %-35s%s %s", 1, "OpenEdge Replication", "Yes", "Source database")
	case roleTarget:
		out("%6d %-35s%s %s", 1, "OpenEdge Replication", "Yes", "Target database")
	}
	if m.AI.Archiver {
		out("%6d %-35s%s", 5, "After Image Management/Archiver", "Yes")
	}
	out("%6d %-35s%s", 9, "64 Bit DBKEYS", "Yes")
	out("%6d %-35s%s", 10, "Large Keys", "Yes")
	return nil
}

// offline opens a database for a utility and closes it again.
func (p *proc) offline(db string, work func(e *engine) error) error {
	l, err := takeLock(db, p.cfg.Host, modeSingle)
	if err != nil {
		return err
	}
	defer l.release()
	e, err := openEngine(db, p.config)
	if err != nil {
		return err
	}
	err = work(e)
	if e := e.close(); err == nil {
		err = e
	}
	return err
}

func role(rest []string) string {
	if len(rest) != 1 {
		return ""
	}
	switch strings.ToLower(rest[0]) {
	case roleSource:
		return roleSource
	case roleTarget:
		return roleTarget
	}
	return ""
}

// enable makes a database a source or a target. It must not be in use; a
// source needs after-imaging.
func (p *proc) enable(db string, rest []string) error {
	as := role(rest)
	if as == "" {
		return say(msgUsage, "proutil db -C enableSiteReplication source|target")
	}
	err := p.offline(db, func(e *engine) error {
		return e.change(func(m *master) error {
			switch {
			case m.Role != roleNone:
				return say(msgEnabledAlready, filepath.Base(db), m.Role)
			case as == roleSource && !m.AI.On:
				return say(msgSourceNeedsAI, db)
			}
			m.Role = as
			if as == roleSource {
				m.ReplState = replState{LockFrom: m.AI.Seq, Fresh: true}
			}
			return nil
		})
	})
	if err == nil {
		p.say(msgEnabled, filepath.Base(db), as)
	}
	return err
}

// disable is the offline form; dsrutil's works online too.
func (p *proc) disable(db string, rest []string) error {
	as := role(rest)
	if as == "" {
		return say(msgUsage, "proutil db -C disableSiteReplication source|target")
	}
	err := p.offline(db, func(e *engine) error { return e.disable(as) })
	if err == nil {
		p.say(msgDisabled, filepath.Base(db), as)
	}
	return err
}

func (e *engine) disable(as string) error {
	return e.change(func(m *master) error {
		if m.Role != as {
			return say(msgNotEnabled, filepath.Base(e.db), as)
		}
		m.Role, m.ReplState = roleNone, replState{}
		e.lockExtents()
		return nil
	})
}

func (p *proc) truncate(db string) error {
	return p.offline(db, func(e *engine) error {
		return e.change(func(m *master) error {
			m.BITruncate = true
			return nil
		})
	})
}
