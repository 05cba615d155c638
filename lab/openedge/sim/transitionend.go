package sim

import (
	"fmt"
	"path/filepath"
	"time"
)

// toTarget makes an offline source the target: the second half of the
// controlled form.
func (t *transition) toTarget() error {
	err := t.step("Opening database", func() error {
		switch {
		case t.online:
			return say(msgOnlyFailover, t.db)
		case t.before.ReplState.Fresh:
			return say(msgNewlyTransitioned, t.db)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := t.step("Setting up transition", t.setUp); err != nil {
		return err
	}
	if err := t.take(); err != nil {
		return t.back(err)
	}
	err = t.steps([]step{
		{"Truncating BI", t.recoveryBackup},
		{"Switching AI Extents", nil},
		{"Switching database role", t.becomeTarget},
		{"Updating database master block", t.endAI},
		{"Completing Source transition", nil},
		{"Backing up database", nil},
	})
	if err != nil {
		return t.back(err)
	}
	return t.finish("target-startup-arguments")
}

// becomeTarget turns a source around; its data are a beginning of the new
// source's.
func (t *transition) becomeTarget() error {
	return t.e.change(func(m *master) error {
		m.Role = roleNone
		if t.props.reverse() {
			m.Role = roleTarget
		}
		m.ReplState = replState{Synced: true, Fresh: true}
		lg(t.db, asUtility, 'I', msgRoleSwitched, roleWords(m.Role))
		return t.forget()
	})
}

func (t *transition) endAI() error { return t.e.endAI() }

// finish starts the database in its new role where the properties say so.
func (t *transition) finish(arguments string) error {
	if err := t.give(); err != nil {
		return err
	}
	restart := t.props.get("transition", "restart-after-transition", "0") == "1" || t.props.get("transition", "online-transition", "0") == "1" && t.online
	if !restart {
		return nil
	}
	return t.step("Starting database in New Role", func() error { return t.startWith(arguments) })
}

func (t *transition) startWith(arguments string) error {
	if !t.props.reverse() && arguments != "" {
		arguments = "normal-startup-arguments"
	}
	args, err := t.expandIn(t.props.arguments(arguments))
	if err != nil {
		return err
	}
	return t.startBroker(t.db, args)
}

// expandIn reads parameter files beside the database.
func (t *transition) expandIn(args []string) ([]string, error) {
	for i, a := range args {
		if i > 0 && args[i-1] == "-pf" && !filepath.IsAbs(a) {
			args[i] = filepath.Join(filepath.Dir(t.db), a)
		}
	}
	return t.expand(args)
}

// back brings a failed transition back to the state before, which needs a
// recovery backup; without one the database stays as it is.
func (t *transition) back(cause error) error {
	if t.lock == nil {
		return cause
	}
	if t.recoveryDevice() == "" || t.e == nil {
		_ = t.give()
		return cause
	}
	fmt.Fprintf(t.out, "%s %-41s: %s\n", time.Now().Format("15:04:05"), "Recovering database", "In progress")
	t.e.mu.Lock()
	t.e.closed = true
	t.e.closeFiles()
	t.e.mu.Unlock()
	t.e = nil
	err := t.before.write(t.db)
	if e := t.give(); err == nil {
		err = e
	}
	if err == nil && t.online {
		args := "target-startup-arguments"
		if t.before.Role == roleSource {
			args = "source-startup-arguments"
		}
		err = t.startWith(args)
	}
	word := "Succeeded"
	if err != nil {
		word = "Failed"
	}
	fmt.Fprintf(t.out, "%s %-41s: %s\n", time.Now().Format("15:04:05"), "Recovering database", word)
	return cause
}
