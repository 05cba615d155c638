package dr

import (
	"fmt"
	"regexp"
	"strings"
)

var (
	namePattern   = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$`)
	stepIDPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,99}$`)
)

// CheckName says what is wrong with the name of a system, site, host, person
// or policy; kind is the word used in the sentence. Names are lower-case
// letters, digits and inner hyphens, at most 63 characters, so that no name
// can carry shell, SQL or workflow-ID metacharacters.
func CheckName(kind, name string) error {
	if name == "" {
		return fmt.Errorf("the %s has no name", kind)
	}
	if !namePattern.MatchString(name) {
		return fmt.Errorf("the %s name %q is not allowed: use lower-case letters, digits and inner hyphens, at most 63", kind, clip(name, 80))
	}
	return nil
}

// CheckStepID says what is wrong with a step's ID.
func CheckStepID(id string) error {
	if !stepIDPattern.MatchString(id) {
		return fmt.Errorf("the step ID %q is not allowed", clip(id, 120))
	}
	return nil
}

// workflowPrefix and watchPrefix make the IDs that are a system's locks.
const (
	workflowPrefix = "dr-"
	watchPrefix    = "drwatch-"
)

// WorkflowID is the workflow ID under which the one procedure of a system may
// run. Temporal keeps open workflow IDs unique: the ID is the system's lock.
func WorkflowID(system string) string { return workflowPrefix + system }

// WatchID is the workflow ID of the system's watch.
func WatchID(system string) string { return watchPrefix + system }

// SystemOfWorkflowID gives the system whose procedure has this workflow ID.
func SystemOfWorkflowID(id string) (string, bool) {
	s, ok := strings.CutPrefix(id, workflowPrefix)
	return s, ok && namePattern.MatchString(s)
}

// ShortID gives the last eight hex digits of a run ID, for the names of
// checkpoints, slots and backups. The first ones would not do: Temporal's run
// IDs begin with the time (UUID version 7), so that two runs within a minute
// would share them, and the leftovers of one would count as the other's work.
func ShortID(runID string) string {
	hex := strings.Map(func(r rune) rune {
		if strings.ContainsRune("0123456789abcdef", r) {
			return r
		}
		return -1
	}, strings.ToLower(runID))
	return hex[max(0, len(hex)-8):]
}

// Clip shortens a text to at most n runes and marks the cut.
func Clip(s string, n int) string { return clip(s, n) }

func clip(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	if n < 1 {
		return ""
	}
	return string(r[:n-1]) + "…"
}
