package remote

import (
	"fmt"
	"regexp"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

var runPattern = regexp.MustCompile(`^[0-9a-f][0-9a-f-]{0,63}$`)

// dir gives a job's directory, quoted for sh. Nothing but plain names can
// become a part of it.
func (h *host) dir(key kit.JobKey) (string, error) {
	if err := checkWorkflow(key.Workflow); err != nil {
		return "", err
	}
	if !runPattern.MatchString(key.OriginalRun) {
		return "", badKey("run ID", key.OriginalRun)
	}
	if dr.CheckName("gate", string(key.Gate)) != nil {
		return "", badKey("gate", string(key.Gate))
	}
	if dr.CheckStepID(key.Step) != nil {
		return "", badKey("step ID", key.Step)
	}
	if key.Occurrence < 0 || key.Attempt < 0 {
		return "", dr.Refuse("job_key", "a job's occurrence and attempt are not negative")
	}
	return dr.Quote(fmt.Sprintf("%s/%s/%s/%s-%d/%s-%d", h.ep.JobDir, key.Workflow, key.OriginalRun,
		key.Gate, key.Occurrence, key.Step, key.Attempt)), nil
}

func checkWorkflow(id string) error {
	if _, ok := dr.SystemOfWorkflowID(id); ok || dr.CheckName("workflow", id) == nil {
		return nil
	}
	return badKey("workflow ID", id)
}

func badKey(what, value string) error {
	return dr.Refuse("job_key", "the %s %q cannot name a job", what, dr.Clip(value, 80))
}
