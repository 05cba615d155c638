package workflows

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/switchback-dr/switchback/dr"
)

// finish ends a run: it reads the roles once more, tells the watch what stays
// unprotected, writes the report and gives the result.
func (r *run) finish(err error) dr.Result {
	kind, text := dr.EndDone, r.doneSentence()
	var s *stop
	if errors.As(err, &s) {
		kind, text = s.kind, s.text
	} else if err != nil {
		// Not foreseen: say so, change nothing more.
		kind, text = dr.EndAbandoned, "the run cannot go on: "+err.Error()
	}
	r.readRoles(kind)
	r.end(kind, text)
	r.tellProtection(kind)
	w := r.report()
	return dr.Result{Schema: dr.StatusSchema, Ending: *r.status.Ending, Report: w.Path, ReportDigest: w.SHA256}
}

func (r *run) doneSentence() string {
	switch r.req.Procedure {
	case dr.ProcReseed:
		return fmt.Sprintf("%s was reseeded from %s and is in sync", r.plan.To, r.plan.From)
	case dr.ProcFailback:
		return fmt.Sprintf("%s is primary again", r.plan.To)
	case dr.ProcTakeover:
	}
	return fmt.Sprintf("%s is primary", r.plan.To)
}

// end sets the ending, once.
func (r *run) end(kind dr.EndingKind, text string) {
	now := workflow.Now(r.ctx)
	e := &dr.Ending{Kind: kind, Text: text, At: now}
	if r.final != nil {
		for _, site := range r.final.Sites {
			e.Roles = append(e.Roles, dr.SiteRole{Site: site.Site, Role: roleNow(site), Text: site.Summary})
			for _, j := range site.Jobs {
				e.RunningJobs = append(e.RunningJobs, j.Host+": "+j.Text)
			}
		}
	}
	if u := r.unprotected(kind); u != nil {
		e.Unprotected = u
		e.Text += fmt.Sprintf("; unprotected since %s, next: %s", u.Since.UTC().Format(time.RFC3339), u.Next)
	}
	r.status.Ending, r.status.Unprotected = e, e.Unprotected
	r.status.Phase, r.status.NoReturn = "", false
	r.note("ended: %s: %s", kind, e.Text)
	r.say(dr.StateEnded, e.Text)
	r.attributes()
}

// roleNow: a stopped server whose files would make it a primary is none now. A
// report that called two sites primary would be read as two primaries.
func roleNow(s dr.SiteSituation) dr.Role {
	if s.Role == dr.RolePrimary && s.AcceptsWrites == dr.No {
		return dr.RoleUnknown
	}
	return s.Role
}

// unprotected is set when the plan that was carried out leaves the system
// without a second copy.
func (r *run) unprotected(kind dr.EndingKind) *dr.Unprotected {
	if r.plan.Leaves == nil || kind != dr.EndDone && !r.noReturn {
		return nil
	}
	u := *r.plan.Leaves
	if r.status.RestoredAt != nil {
		u.Since = *r.status.RestoredAt
	} else {
		u.Since = workflow.Now(r.ctx)
	}
	return &u
}

// readRoles observes once more for the report. It waits for no site: what does
// not answer is unknown.
func (r *run) readRoles(kind dr.EndingKind) {
	if kind == dr.EndRejected || kind == dr.EndExpired || kind == dr.EndNothing {
		s := r.plan.Situation
		r.final = &s
		return
	}
	from := workflow.Now(r.ctx)
	options := workflow.GetActivityOptions(shortCall(r.ctx, "read the roles once more"))
	options.ScheduleToCloseTimeout = 5 * time.Minute
	var s dr.Situation
	err := workflow.ExecuteActivity(workflow.WithActivityOptions(r.ctx, options), dr.ActObserve, dr.ObserveCall{System: r.req.System}).Get(r.ctx, &s)
	if err != nil {
		r.note("the roles could not be read at the end: %s", asError(err).Error())
		return
	}
	r.took(from, "", "read the roles once more")
	r.final = &s
}

// startBaseline begins to record, before the first change of a takeover, how
// the system was: with the watch, and by the report. It runs beside the recheck,
// because clients may be waiting; keepBaseline waits for its end.
func (r *run) startBaseline() {
	if r.req.Procedure != dr.ProcTakeover || r.baseline == nil || r.baselineKept || r.baselineTold != nil {
		return
	}
	r.baselineTold = r.tellBaseline()
}

func (r *run) tellBaseline() workflow.Future {
	return workflow.ExecuteActivity(shortCall(r.ctx, "keep the baseline"), dr.ActTellWatch, dr.Told{System: r.req.System, Baseline: r.baseline})
}

// keepBaseline sees that the baseline is recorded before anything is changed.
func (r *run) keepBaseline() error {
	for attempt := 1; r.baselineTold != nil; attempt++ {
		err := r.baselineTold.Get(r.ctx, nil)
		if err == nil {
			r.baselineKept, r.baselineTold = true, nil
			return nil
		}
		h := holdOf("baseline", "Keep the baseline for the failback", attempt, asError(err), dr.SkipDecision)
		if err := r.holdOn(h); err != nil {
			return err
		}
		if h.skipped {
			r.baselineKept, r.baselineTold = true, nil
			return nil
		}
		r.baselineTold = r.tellBaseline()
	}
	return nil
}

// tellProtection tells the watch whether the system is protected now.
func (r *run) tellProtection(kind dr.EndingKind) {
	if kind != dr.EndDone && r.status.Unprotected == nil {
		return
	}
	options := workflow.GetActivityOptions(shortCall(r.ctx, "tell the watch"))
	options.ScheduleToCloseTimeout = 5 * time.Minute
	call := dr.Told{System: r.req.System, Protection: true, Unprotected: r.status.Unprotected}
	err := workflow.ExecuteActivity(workflow.WithActivityOptions(r.ctx, options), dr.ActTellWatch, call).Get(r.ctx, nil)
	if err != nil {
		r.note("the watch could not be told: %s", asError(err).Error())
	}
}
