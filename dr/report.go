package dr

import "time"

// EventKind sorts the events of a report: time spent waiting for people is
// shown apart from time spent working.
type EventKind string

// The kinds of events.
const (
	EventWork   EventKind = "work"
	EventPeople EventKind = "people"
	EventNote   EventKind = "note"
)

// Event is one line of a report's timeline.
type Event struct {
	At    time.Time  `json:"at"`
	Until *time.Time `json:"until,omitempty"`
	Kind  EventKind  `json:"kind"`
	Phase Phase      `json:"phase,omitempty"`
	Step  string     `json:"step,omitempty"`
	// Attempt counts a step's attempts, from 1.
	Attempt  int       `json:"attempt,omitempty"`
	State    StepState `json:"state,omitempty"`
	Text     string    `json:"text"`
	Commands []string  `json:"commands,omitempty"`
	// Output is the redacted tail of what the commands printed.
	Output string `json:"output,omitempty"`
}

// ReportSchema is the schema number of Report that this release writes.
const ReportSchema = 1

// Report is the evidence of one run: what happened, minute by minute.
type Report struct {
	Schema      int       `json:"schema"`
	Workflow    string    `json:"workflow"`
	OriginalRun string    `json:"original_run"`
	Run         string    `json:"run"`
	System      string    `json:"system"`
	Product     string    `json:"product"`
	Procedure   Procedure `json:"procedure"`
	Mode        Mode      `json:"mode,omitempty"`
	From        string    `json:"from,omitempty"`
	To          string    `json:"to,omitempty"`
	Reason      string    `json:"reason"`
	// Requester is the person who signed the start; "unknown" otherwise.
	Requester string     `json:"requester"`
	StartedAt time.Time  `json:"started_at"`
	WrittenAt time.Time  `json:"written_at"`
	Status    Status     `json:"status"`
	Plans     []Plan     `json:"plans,omitempty"`
	Events    []Event    `json:"events"`
	Votes     []Vote     `json:"votes,omitempty"`
	Refused   []Refusal  `json:"refused,omitempty"`
	Estimated *Loss      `json:"estimated_loss,omitempty"`
	Measured  *LossFound `json:"measured_loss,omitempty"`
	// Outage are the parts of the outage, computed when the report is written.
	Outage   []OutagePart `json:"outage,omitempty"`
	Baseline *Baseline    `json:"baseline,omitempty"`
	// Evidence is what steps recorded for auditors (takeover history rows,
	// positions, checksums), by step.
	Evidence []Evidence `json:"evidence,omitempty"`
	Final    *Situation `json:"final_situation,omitempty"`
	Ending   *Ending    `json:"ending,omitempty"`
}

// Evidence is one thing that a step recorded.
type Evidence struct {
	Step string    `json:"step"`
	At   time.Time `json:"at"`
	Name string    `json:"name"`
	Text string    `json:"text"`
}

// LossFound is the loss as measured afterwards, for example from the old
// primary's own log.
type LossFound struct {
	Amount Amount `json:"amount"`
	// Items are the lost transactions that could be listed.
	Items []string `json:"items,omitempty"`
	// Kept says where a copy of what was lost is.
	Kept string `json:"kept,omitempty"`
	Text string `json:"text"`
}
