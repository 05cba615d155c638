package dr

import (
	"encoding/json"
	"fmt"
	"time"
)

// Role is what a site is now.
type Role string

// The three roles. A site whose role was not read is RoleUnknown; products'
// own words (target, standby, RVG secondary) stay in their adapters.
const (
	RolePrimary   Role = "primary"
	RoleSecondary Role = "secondary"
	RoleUnknown   Role = "unknown"
)

// Fact is one thing that was read, or could not be read, with its time.
type Fact struct {
	// Name is stable and dotted, for example "postgres.streaming".
	Name string `json:"name"`
	// Truth is what was found; Unknown when it could not be read or not
	// recognised.
	Truth Tri `json:"truth"`
	// Text is one sentence for people, with the value that was read.
	Text string `json:"text"`
	// At is when it was read, by the worker's clock.
	At time.Time `json:"at"`
	// Source names what said so: a tool, view or file, and the host.
	Source string `json:"source,omitempty"`
	// Safety facts are compared by every recheck: an approval is void when
	// one of them got worse than it was when people approved.
	Safety bool `json:"safety,omitempty"`
	// Want is the value that is good, for a safety fact. A change from Want
	// to anything else is "worse".
	Want Tri `json:"want,omitempty"`
}

// String writes "name: yes — text".
func (f Fact) String() string { return fmt.Sprintf("%s: %s — %s", f.Name, f.Truth, f.Text) }

// SiteSituation is what was observed at one site.
type SiteSituation struct {
	Site string `json:"site"`
	// Reachable says whether the site's hosts answered within the deadline.
	Reachable Tri `json:"reachable"`
	// Role is what the site's own state says it is.
	Role Role `json:"role"`
	// AcceptsWrites says whether clients could commit there now. It is what
	// "two primaries" is decided on.
	AcceptsWrites Tri `json:"accepts_writes"`
	// Summary is one sentence about the site.
	Summary string `json:"summary"`
	// Facts in the adapter's order.
	Facts []Fact `json:"facts,omitempty"`
	// Managed names the cluster manager in charge of the site and unpaused
	// (Pacemaker, VCS, Patroni ...); empty when none was found.
	Managed string `json:"managed,omitempty"`
	// Jobs are commands of other runs still running on the site's hosts.
	Jobs []ForeignJob `json:"jobs,omitempty"`
	// Refusal is why nothing can be read there until somebody mends the
	// inventory or the login: an unknown or changed host key, a missing
	// credential, a refused login. A host that is lost has none.
	Refusal *Error `json:"refusal,omitempty"`
	// At is when the observation of the site ended.
	At time.Time `json:"at"`
	// Detail is the adapter's own reading; only the adapter looks into it.
	Detail json.RawMessage `json:"detail,omitempty"`
}

// Fact finds a fact by name; the zero Fact (Unknown) when it was not read.
func (s SiteSituation) Fact(name string) Fact {
	for _, f := range s.Facts {
		if f.Name == name {
			return f
		}
	}
	return Fact{Name: name, Text: "not read"}
}

// ForeignJob is a command of an earlier or other run found on a host.
type ForeignJob struct {
	Host  string `json:"host"`
	Dir   string `json:"dir"`
	State string `json:"state"`
	Text  string `json:"text"`
}

// Situation is everything observed about one system at one time.
type Situation struct {
	System  string `json:"system"`
	Product string `json:"product"`
	// At is when the observation began; Took is how long it lasted.
	At   time.Time `json:"at"`
	Took Duration  `json:"took"`
	// Sites in the inventory's order.
	Sites []SiteSituation `json:"sites"`
	// Judgement is what the adapter concludes from all sites together.
	Judgement Judgement `json:"judgement"`
	// Memory is what the watch remembers; nil when there is none.
	Memory *Memory `json:"memory,omitempty"`
	// MemoryText says how old the memory is, or why there is none.
	MemoryText string `json:"memory_text,omitempty"`
	// Baseline is the record of the system before the takeover, where one
	// was found; a failback needs it.
	Baseline *Baseline `json:"baseline,omitempty"`
}

// Site finds a site by name; ok is false when there is none.
func (s Situation) Site(name string) (SiteSituation, bool) {
	for _, v := range s.Sites {
		if v.Site == name {
			return v, true
		}
	}
	return SiteSituation{Site: name, Role: RoleUnknown}, false
}

// Primaries lists the sites that accept writes now.
func (s Situation) Primaries() []string {
	var p []string
	for _, v := range s.Sites {
		if v.AcceptsWrites == Yes {
			p = append(p, v.Site)
		}
	}
	return p
}

// Judgement is an adapter's conclusion over all sites, a pure function of
// what was observed at each.
type Judgement struct {
	// InSync says whether every copy that the next takeover could use holds
	// everything that was acknowledged, as far as it can be told now.
	InSync Tri `json:"in_sync"`
	// Proof is set when the observation is a proof of being in sync.
	Proof *Proof `json:"proof,omitempty"`
	// Positions are the primary's own write positions as read in this
	// observation, by name. Everything acknowledged before the observation
	// began lies at or before them. A later observation in which a copy holds
	// these positions proves that copy up to this observation's beginning:
	// that is how a system that is never idle is proven to be in sync.
	Positions map[string]string `json:"positions,omitempty"`
	// Lag is how far the best copy was behind, where it could be read.
	Lag *Amount `json:"lag,omitempty"`
	// Facts about the system as a whole.
	Facts []Fact `json:"facts,omitempty"`
	// Alarms are sentences that a person must see now: two primaries, an old
	// primary that came back, retained log that fills a disk.
	Alarms []string `json:"alarms,omitempty"`
	// Recommendation is the product's own guide's answer, where it has one.
	Recommendation string `json:"recommendation,omitempty"`
}

// Proof is a time at which a copy was proven to hold everything that the
// primary had acknowledged, with the positions read then.
type Proof struct {
	At time.Time `json:"at"`
	// Site is the copy that held it.
	Site string `json:"site"`
	// Primary is the site whose writes it held.
	Primary string `json:"primary"`
	// Positions are the product's log positions, by name, as text.
	Positions map[string]string `json:"positions,omitempty"`
	// Source says what proved it.
	Source string `json:"source"`
	// Complete is true only for a completed handshake, a shutdown proof or a
	// mode in which the primary cannot acknowledge alone: nothing can have
	// been acknowledged after it.
	Complete bool `json:"complete,omitempty"`
}

// Memory is what a watch remembers of one system. Schema is raised when its
// meaning changes.
type Memory struct {
	Schema int    `json:"schema"`
	System string `json:"system"`
	// At is the time of the last sample that went into it.
	At time.Time `json:"at"`
	// Proof is the last proof of being in sync; an unreachable primary never
	// erases it.
	Proof *Proof `json:"proof,omitempty"`
	// InSyncSince is set while an in-sync interval is open.
	InSyncSince *time.Time `json:"in_sync_since,omitempty"`
	// ClosedAt and ClosedWhy tell when and why the last interval was closed:
	// a reachable primary said that it was not in sync.
	ClosedAt  *time.Time `json:"closed_at,omitempty"`
	ClosedWhy string     `json:"closed_why,omitempty"`
	// Primary is the site that was last seen accepting writes.
	Primary string `json:"primary,omitempty"`
	// PrimarySeen is when: the beginning of that observation.
	PrimarySeen *time.Time `json:"primary_seen,omitempty"`
	// Positions are the primary's write positions as read then
	// (Judgement.Positions).
	Positions map[string]string `json:"positions,omitempty"`
	// Baseline is kept for the next failback.
	Baseline *Baseline `json:"baseline,omitempty"`
	// Unprotected is set after a takeover that left no secondary.
	Unprotected *Unprotected `json:"unprotected,omitempty"`
	// Alarms open now.
	Alarms []string `json:"alarms,omitempty"`
	// FollowUps are broken glasses, acknowledged or not, oldest first.
	FollowUps []FollowUp `json:"follow_ups,omitempty"`
}

// MaxFollowUps bounds the follow-ups that a watch remembers.
const MaxFollowUps = 20

// MemorySchema is the schema number of Memory that this release writes.
const MemorySchema = 1

// Unprotected says since when a system has no usable second copy.
type Unprotected struct {
	Since time.Time `json:"since"`
	// Next names the procedure that ends it: "failback" or "reseed".
	Next string `json:"next"`
	Why  string `json:"why"`
}

// Baseline is the record of how a system was before its takeover: what a
// failback has to restore. It is kept before the first change.
type Baseline struct {
	// Run is the takeover's original run ID.
	Run string    `json:"run"`
	At  time.Time `json:"at"`
	// Primary is the original primary site.
	Primary string `json:"primary"`
	// Sites are the sites that took part, with what the adapter needs to
	// give each its former place again (modes, names, upstreams).
	Sites []BaselineSite `json:"sites"`
	// From says where the baseline was read: watch, report or inventory.
	From string `json:"from,omitempty"`
}

// BaselineSite is one site of a Baseline.
type BaselineSite struct {
	Site     string            `json:"site"`
	Role     Role              `json:"role"`
	Upstream string            `json:"upstream,omitempty"`
	Settings map[string]string `json:"settings,omitempty"`
}
