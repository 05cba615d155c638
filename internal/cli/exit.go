package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/switchback-dr/switchback/dr"
)

// The exit codes. They are a public contract: a number never gets another
// meaning.
const (
	ExitDone        = 0
	ExitFailure     = 1
	ExitUsage       = 2
	ExitRefused     = 3
	ExitNotApproved = 4
	ExitSafeStop    = 5
	ExitAborted     = 6
	ExitAbandoned   = 7
	ExitWaits       = 8
	ExitUnreachable = 9
	ExitUnhealthy   = 10
	ExitRunning     = 11
	ExitNoRun       = 12
	ExitInterrupted = 130
)

// exitCode is one row of the page about exit codes.
type exitCode struct {
	code int
	what string
}

// exitCodes lists every code with its meaning; the documentation is made from
// it.
var exitCodes = []exitCode{
	{ExitDone, "done, or nothing to do"},
	{ExitFailure, "the program itself failed, or something unexpected happened; what was started goes on"},
	{ExitUsage, "bad usage, bad input, a bad inventory, an unknown system or site, a key that cannot be used; nothing was changed"},
	{ExitRefused, "refused: by the procedure, by the state of the system, or a decision that does not count"},
	{ExitNotApproved, "the run ended because its gate was rejected or nobody decided in time; nothing was changed"},
	{ExitSafeStop, "the run ended at cutover: in sync, not handed back"},
	{ExitAborted, "the run was aborted and what it had done was undone"},
	{ExitAbandoned, "the run was abandoned, or terminated in Temporal: look at the system"},
	{ExitWaits, "the run waits for people: a gate is open, a step is on hold, or it is paused (with --no-wait or status --exit-code)"},
	{ExitUnreachable, "Temporal or the worker does not answer, or the namespace is wrong"},
	{ExitUnhealthy, "assess: the system is not proven healthy (not in sync, or something is unknown)"},
	{ExitRunning, "the run is working (with status --exit-code)"},
	{ExitNoRun, "there is no such run, or no report of one"},
	{ExitInterrupted, "interrupted at the keyboard; a run that was started goes on"},
}

// exitCodesText is the page `starter help exit-codes`.
func exitCodesText() string {
	var b strings.Builder
	b.WriteString("Exit codes of starter. A number never gets another meaning.\n\n")
	for _, c := range exitCodes {
		fmt.Fprintf(&b, "%5d  %s\n", c.code, c.what)
	}
	return b.String()
}

// usageCodes are the codes of refusals that blame what was typed or the
// inventory, not the state of the system.
var usageCodes = map[string]bool{
	"usage": true, "input": true, "inventory": true, "unknown_system": true, "unknown_site": true, "unknown_person": true,
	"unknown_host": true, "credential": true, "signing_key": true, "endpoint": true, "reports": true,
}

// codeOf gives the exit code of an error.
func codeOf(err error) int {
	var e *dr.Error
	if !errors.As(err, &e) {
		return ExitFailure
	}
	switch {
	case usageCodes[e.Code]:
		return ExitUsage
	case e.Code == "temporal" || e.Code == "no_worker":
		return ExitUnreachable
	case e.Code == "no_run":
		return ExitNoRun
	case e.Code == "terminated":
		return ExitAbandoned
	case e.Code == "internal":
		return ExitFailure
	case e.Class == dr.ClassRefuse || e.Class == dr.ClassHold:
		return ExitRefused
	}
	return ExitFailure
}

// codeOfEnding gives the exit code of how a run ended.
func codeOfEnding(k dr.EndingKind) int {
	switch k {
	case dr.EndDone, dr.EndNothing:
		return ExitDone
	case dr.EndRejected, dr.EndExpired:
		return ExitNotApproved
	case dr.EndSafeStop:
		return ExitSafeStop
	case dr.EndAborted:
		return ExitAborted
	case dr.EndAbandoned:
		return ExitAbandoned
	case dr.EndRefused:
		return ExitRefused
	}
	return ExitFailure
}

// codeOfStatus gives the exit code of a run as it stands.
func codeOfStatus(s dr.Status) int {
	switch {
	case s.Ending != nil:
		return codeOfEnding(s.Ending.Kind)
	case waitsForPeople(s):
		return ExitWaits
	}
	return ExitRunning
}

func waitsForPeople(s dr.Status) bool {
	return s.Gate != nil || s.Hold != nil || s.State == dr.StatePaused
}

func badUsage(format string, v ...any) *dr.Error { return dr.Refuse("usage", format, v...) }
