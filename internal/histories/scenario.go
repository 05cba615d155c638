package histories

import (
	"slices"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/dr"
)

// Scenario is one run of one workflow, from its start to the ending that its
// name says.
type Scenario struct {
	// Workflow is the workflow's type; Name says how the run ends, in words
	// joined by hyphens. Together they are unique.
	Workflow, Name string
	// ID is the workflow ID; by default the system's lock.
	ID string
	// Input is the argument as typed, with $SYSTEM for the system's name; by
	// default a right one for the workflow.
	Input string
	// World is what the activities answer.
	World World
	// People is what people send, in order.
	People []Act
	// End is where the run must be when everything was sent.
	End End
	// Ran are the steps that must have been carried out, in order; nil asks
	// for no particular ones.
	Ran []string
}

// End is how a run ends, or where it stands open. One field is set.
type End struct {
	// Kind is the ending in the result.
	Kind dr.EndingKind
	// Fails is a part of the message of the failed run.
	Fails string
	// Open is a state in which the run must stand still.
	Open *Moment
	// Status is the server's word for a run without a result: "Canceled" or
	// "ContinuedAsNew".
	Status string
	// Remembers must hold for the memory of an open watch.
	Remembers *Remembers
}

// Remembers are facts about a watch's memory.
type Remembers struct {
	InSync, Baseline, Unprotected bool
	Alarms                        int
}

// Moment is a state of a run at which somebody acts. Every field that is set
// must match.
type Moment struct {
	Gate    dr.Gate
	Opening int
	// Votes is how many approvals the open gate has.
	Votes int
	// Hold is the step on hold, Attempt which attempt at it.
	Hold    string
	Attempt int
	State   dr.State
	// Refused is how many decisions were refused so far.
	Refused int
	// Working is a step that is being carried out: nobody waits until the run
	// stands still.
	Working string
	// Samples is how often the watch's activity was started.
	Samples int
}

// Act is one message that somebody sends.
type Act struct {
	When Moment
	// After is time that goes by first.
	After time.Duration
	Verb  dr.Verb
	By    string
	// Update sends an update, which is answered; else a signal.
	Update bool
	// Body replaces the right body; $DIGEST stands for the open plan's.
	Body string
	// Says is a part of the answer to an update, also to one that is refused.
	Says string
	// Cancel asks Temporal to cancel the run.
	Cancel bool
	// Told is for a watch; Garbled is a signal to it that cannot be decoded.
	Told    *dr.Told
	Garbled bool
}

// World is what the scripted activities answer.
type World struct {
	// Quorum of the gates; 1 by default.
	Quorum int
	// OpenFor and UsableFor are the clocks of the gates; an hour by default.
	OpenFor, UsableFor time.Duration
	// Expires is the one gate for which OpenFor holds; "" is every gate.
	Expires dr.Gate
	// ExcludeRequester asks for one more approver when the start is unsigned.
	ExcludeRequester bool
	Faults           []Fault
	// Stale is how many rechecks find that the plan does not stand.
	Stale int
	// Copy is the opening of the gate convert from which on a copy is needed.
	Copy int
	// Nothing makes the first plan say that there is nothing to do; Unchanging
	// makes plans without changes.
	Nothing, Unchanging bool
	// Unprotected makes takeovers leave the system without a second copy.
	Unprotected bool
	// Samples are what the watch's activity returns, one after the other; then
	// it observes until it is told to come back.
	Samples []Sample
}

// Fault makes an activity fail.
type Fault struct {
	// At is the ID of a step, or the name of an activity that is no step.
	At string
	// Times is how many attempts fail; 1 by default. A step fails only in the
	// first opening of its gate.
	Times int
	// With is what it fails with; a retry fails only the first attempt that
	// Temporal makes.
	With *dr.Error
	// Blocks makes the step run until it is interrupted.
	Blocks bool
}

// Sample is what one activity of the watch returns.
type Sample struct {
	InSync bool
	Alarms int
	// Bulk makes each alarm so many bytes long.
	Bulk int
	// After is how long the activity observes before it returns.
	After time.Duration
	// Fails ends the activity.
	Fails *dr.Error
}

// System is the name of the scenario's system, which is its own: scenarios run
// side by side on one server.
func (s Scenario) System() string { return strings.ToLower(s.Workflow) + "-" + s.Name }

// WorkflowID is the ID under which the scenario is started.
func (s Scenario) WorkflowID() string {
	switch {
	case s.ID != "":
		return s.ID
	case s.Workflow == dr.WorkflowWatch:
		return dr.WatchID(s.System())
	}
	return dr.WorkflowID(s.System())
}

// input is the argument as JSON text.
func (s Scenario) input() string {
	in := s.Input
	if in == "" {
		in = map[string]string{
			dr.WorkflowTakeover: `{"system":"$SYSTEM","mode":"planned","to":"west","reason":"move to west for maintenance"}`,
			dr.WorkflowFailback: `{"system":"$SYSTEM","reason":"east is back"}`,
			dr.WorkflowReseed:   `{"system":"$SYSTEM","to":"east","reason":"east lost its disks"}`,
			dr.WorkflowWatch:    `{"system":"$SYSTEM"}`,
		}[s.Workflow]
	}
	return strings.ReplaceAll(in, "$SYSTEM", s.System())
}

// All lists every scenario.
func All() []Scenario {
	return slices.Concat(takeovers(), takeoverHolds(), takeoverInputs(), failbacks(), reseeds(), watches())
}
