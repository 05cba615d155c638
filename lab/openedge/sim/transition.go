package sim

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// transition is one run of `dsrutil -C transition`.
type transition struct {
	*proc
	db     string
	props  properties
	before master // the control area before
	online bool
	lock   *lock
	e      *engine
	quiet  *peer // as long as it is open, no client comes in
}

// transition makes a target the source, or a source the target, by its state
// and by its properties (manual, "Transition command actions").
func (p *proc) transition(db, how string) error {
	m, err := p.open(db)
	if err != nil {
		return err
	}
	props, err := readProperties(db)
	if err != nil {
		return err
	}
	t := &transition{proc: p, db: db, props: props, before: *m, online: holder(db, p.cfg.Host) != ""}
	fmt.Fprintf(p.out, "Transitioning database %s\n%s\n", db, strings.Repeat("-", 63))
	switch {
	case how == "failover":
		err = t.failover()
	case how != "" && !strings.HasPrefix(how, "-"):
		err = say(msgUsage, "dsrutil db -C transition [failover]")
	case m.Role == roleTarget:
		err = t.toSource()
	default:
		err = t.toTarget()
	}
	t.tell(err)
	if err != nil {
		p.say(msgTransitionFailed)
		return err
	}
	fmt.Fprintln(p.out)
	p.say(msgTransitionDone)
	return nil
}

// step carries out one step and prints how it went. The lab's faults let it
// fail before, or kill the program after it.
func (t *transition) step(name string, work func() error) error {
	cfg := t.config()
	wait(cfg.Pace.slow(cfg.Pace.Step))
	var err error
	switch {
	case cfg.FailAt == name:
		err = say(msgStepFails, name)
	case work != nil:
		err = work()
	}
	word := "Succeeded"
	if err != nil {
		word = "Failed"
	}
	fmt.Fprintf(t.out, "%s %-41s: %s\n", time.Now().Format("15:04:05"), name, word)
	if cfg.CrashAfter == name {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	return err
}

// steps carries out steps until one fails.
func (t *transition) steps(all []step) error {
	for _, s := range all {
		if err := t.step(s.name, s.work); err != nil {
			return err
		}
	}
	return nil
}

type step struct {
	name string
	work func() error
}

// toSource makes a target the source, or an ordinary database, without its
// server: the unplanned form, and the first half of the controlled one.
func (t *transition) toSource() error {
	err := t.steps([]step{{"Opening database", t.openTarget}, {"Setting up transition", t.setUp}})
	if err != nil {
		return err
	}
	if t.online {
		if err := t.step("Shutting down database", func() error { return t.stopBroker(t.db, false) }); err != nil {
			return t.back(err)
		}
	}
	if err := t.take(); err != nil {
		return t.back(err)
	}
	err = t.steps([]step{
		{"Truncating BI", t.recoveryBackup},
		{"Target transition being performed", t.forget},
		{"Switching AI Extents", t.beginAI},
		{"Switching database role", t.becomeSource},
		{"Updating database master block", nil},
		{"Comparing databases", nil},
		{"Completing Target transition", nil},
		{"Backing up database", t.markBackedUp},
	})
	if err != nil {
		return t.back(err)
	}
	return t.finish("source-startup-arguments")
}

// openTarget refuses a target that talks to a server, and one that a
// transition made.
func (t *transition) openTarget() error {
	if !t.online {
		if t.before.ReplState.Fresh {
			return say(msgNewlyTransitioned, t.db)
		}
		return nil
	}
	code := t.cfg.agentState(t.db).Code
	if code == codePreTransition || code == codeTransitioned && os.Getenv(failoverEnv) != "" {
		return nil
	}
	return say(msgNotPreTransition, t.props.get("agent", "name", t.db))
}

// setUp reads what the new role needs, before anything is changed.
func (t *transition) setUp() error {
	if t.props["transition"] == nil {
		return say(msgNoSection, "transition")
	}
	if t.props.reverse() {
		if all := t.props.complaints(); len(all) > 0 {
			return say(text{0, strings.ReplaceAll(all[0], "%", "%%"), unconfirmed})
		}
	}
	return writeJSON(t.db+".transition.recovery", t.before)
}

// take opens the database for this program alone.
func (t *transition) take() error {
	var err error
	if t.lock, err = takeLock(t.db, t.cfg.Host, modeSingle); err != nil {
		return err
	}
	t.e, err = openEngine(t.db, t.config)
	if err == nil {
		t.before = *t.e.m
		t.before.AI.Extents = append([]aiState{}, t.e.m.AI.Extents...)
	}
	return err
}

// give closes it again.
func (t *transition) give() error {
	var err error
	if t.e != nil {
		err = t.e.close()
		t.e = nil
	}
	if t.lock != nil {
		t.lock.release()
		t.lock = nil
	}
	return err
}

// recoveryBackup keeps a backup where the properties name one: only with it
// there is a way back.
func (t *transition) recoveryBackup() error {
	device := t.recoveryDevice()
	if device == "" {
		return nil
	}
	s, err := t.e.snapshot(false)
	if err != nil {
		return err
	}
	q := t.quietly()
	_, err = (&backupJob{proc: q, db: t.db, device: device}).blocks(s)
	return err
}

func (t *transition) recoveryDevice() string {
	words := t.props.arguments("recovery-backup-arguments")
	if len(words) == 0 {
		return ""
	}
	return t.absolute(words[0])
}

// forget removes what the database remembers of its former partner.
func (t *transition) forget() error {
	if err := os.Remove(t.db + ".repl.recovery"); err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}

// beginAI turns after-imaging on for the new source.
func (t *transition) beginAI() error {
	if !t.props.reverse() || t.e.m.AI.On {
		return nil
	}
	if len(t.e.m.AI.Extents) == 0 && t.props.get("transition", "auto-add-ai-areas", "0") == "1" {
		st := filepath.Join(filepath.Dir(t.db), t.props.get("transition", "ai-structure-file", "addai.st"))
		if err := t.addAreas(t.db, st, t.e.m); err != nil {
			return err
		}
	}
	if t.props.get("transition", "auto-begin-ai", "0") != "1" {
		return say(msgSourceNeedsAI, t.db)
	}
	if t.props.get("transition", "backup-method", "mark") == "mark" {
		t.e.m.Marked = true
	}
	return t.e.beginAI()
}

// becomeSource is the point of no return: one write of the control area.
func (t *transition) becomeSource() error {
	t.e.mu.Lock()
	defer t.e.mu.Unlock()
	m := t.e.m
	m.Role, m.ReplState = roleNone, replState{}
	if t.props.reverse() {
		m.Role, m.ReplState = roleSource, replState{LockFrom: m.AI.Seq, Fresh: true}
	}
	m.Lineage = append(m.Lineage, line{newHistory(), t.e.trx})
	if err := t.newHistoryInAI(); err != nil {
		return err
	}
	lg(t.db, asUtility, 'I', msgRoleSwitched, roleWords(m.Role))
	t.e.dirty = true
	return t.e.checkpoint()
}

// newHistoryInAI begins an extent for the new history. Extents of a target of a
// set keep their notes, which the other target may need.
func (t *transition) newHistoryInAI() error {
	m := t.e.m
	i := m.busy()
	if !m.AI.On || i < 0 {
		return nil
	}
	if m.AI.Extents[i].First <= t.e.trx {
		m.ReplState.LockFrom = m.AI.Extents[i].Seq
		return t.e.switchAI(t.e.trx + 1)
	}
	m.AI.Seq--
	_ = t.e.ai.Close()
	if err := t.e.startExtent(i, t.e.trx+1); err != nil {
		return err
	}
	m.ReplState.LockFrom = m.AI.Seq
	return nil
}

func (t *transition) markBackedUp() error {
	return t.e.change(func(m *master) error {
		m.Marked = true
		return nil
	})
}
