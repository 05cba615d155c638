package render_test

import (
	"encoding/json"
	"time"

	"github.com/switchback-dr/switchback/dr"
)

// t0 is the beginning of every fixture.
var t0 = time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC)

func at(d time.Duration) time.Time     { return t0.Add(d) }
func until(d time.Duration) *time.Time { t := t0.Add(d); return &t }

func step(id, title, host string, kind dr.Kind, commands ...string) dr.Step {
	return dr.Step{
		ID: id, Action: "postgres." + id, Title: title, Site: "west", Host: host, Args: json.RawMessage(`{}`),
		Commands: commands, Kind: kind, Timeout: dr.Duration(2 * time.Minute), Skip: dr.SkipNever,
		Proof: "pg_controldata says so", Guard: "east is the only primary",
	}
}

func situation() dr.Situation {
	return dr.Situation{
		System: "orders", Product: "postgres", At: at(-12 * time.Second), Took: dr.Duration(340 * time.Millisecond),
		Sites: []dr.SiteSituation{
			{
				Site: "east", Reachable: dr.Yes, Role: dr.RolePrimary, AcceptsWrites: dr.Yes, At: at(-11 * time.Second),
				Summary: "PostgreSQL 15.6 runs as primary on timeline 4 with one streaming standby.",
				Facts: []dr.Fact{
					{Name: "postgres.in_recovery", Truth: dr.No, Text: "pg_is_in_recovery() is false", At: at(-11 * time.Second), Source: "SQL on pg-east-1", Safety: true, Want: dr.No},
					{Name: "postgres.managed", Truth: dr.No, Text: "no cluster manager was found", At: at(-11 * time.Second), Safety: true, Want: dr.No},
				},
			},
			{
				Site: "west", Reachable: dr.Yes, Role: dr.RoleSecondary, AcceptsWrites: dr.No, At: at(-11 * time.Second),
				Summary: "PostgreSQL 15.6 streams from east.",
				Facts: []dr.Fact{
					{Name: "postgres.streaming", Truth: dr.Yes, Text: "the WAL receiver streams at 0/5A001F8", At: at(-11 * time.Second), Source: "pg_stat_wal_receiver", Safety: true, Want: dr.Yes},
					{Name: "postgres.disk", Truth: dr.Unknown, Text: "df printed an unrecognised line", At: at(-40 * time.Second)},
				},
			},
		},
		Judgement:  dr.Judgement{InSync: dr.Yes, Lag: &dr.Amount{Bytes: 0, Transactions: -1, Millis: -1}},
		MemoryText: "last sample 9 s old, in sync since 2026-02-27 11:02:45 UTC",
	}
}

func planned() dr.Plan {
	fence := step("isolate.fence-clients", "Close east to clients", "pg-east-1", dr.KindChange, `pg-east-1> ALTER SYSTEM SET default_transaction_read_only = on`)
	fence.StopsClients = true
	fence.Why = "No client may commit between the stop and the promotion."
	undo := step("isolate.open-clients", "Open east to clients again", "pg-east-1", dr.KindChange, `pg-east-1> ALTER SYSTEM RESET default_transaction_read_only`)
	fence.Undo = &undo
	promote := step("promote.promote-west", "Promote west", "pg-west-1", dr.KindIrreversible, `pg-west-1$ /usr/lib/postgresql/15/bin/pg_ctl promote -D /srv/pg/orders -w -t 60`)
	unbind := step("redirect.address", "Point orders-db at west", "router-1", dr.KindChange, `router-1$ /usr/local/bin/point orders-db 10.0.2.10`)
	unbind.Skip = dr.SkipDecision
	p := dr.Plan{
		Schema:    1,
		Envelope:  dr.Envelope{Workflow: "dr-orders", OriginalRun: "7d1f0a52-51ac-4e1e-9a0c-2f2f70b0c001", Run: "7d1f0a52-51ac-4e1e-9a0c-2f2f70b0c001", Gate: dr.GateDecide, Occurrence: 1, Request: "r-1"},
		Procedure: dr.ProcTakeover, System: "orders", Product: "postgres", Mode: dr.ModePlanned, From: "east", To: "west",
		Reason: "move to west for the power work in east",
		Phases: []dr.PhasePlan{
			{Phase: dr.PhasePrepare, Steps: []dr.Step{step("prepare.checkpoint", "Write a checkpoint on east", "pg-east-1", dr.KindChange, `pg-east-1> CHECKPOINT`)}},
			{Phase: dr.PhaseIsolate, Steps: []dr.Step{
				fence,
				step("isolate.stop", "Stop PostgreSQL on east", "pg-east-1", dr.KindChange, `pg-east-1$ sudo systemctl stop postgresql@15-orders`),
				step("isolate.proof", "Prove that west holds the shutdown checkpoint", "pg-west-1", dr.KindRead, `pg-west-1$ pg_waldump -p /srv/pg/orders/pg_wal -s 0/5A001F8 -n 1`),
			}},
			{Phase: dr.PhasePromote, Steps: []dr.Step{promote}},
			{Phase: dr.PhaseRedirect, Steps: []dr.Step{unbind}},
			{Phase: dr.PhaseVerify, Steps: []dr.Step{step("verify.write", "Write a row through orders-db", "pg-west-1", dr.KindRead, `pg-west-1> SELECT pg_is_in_recovery(), pg_current_wal_lsn()`)}},
			{Phase: dr.PhaseProtect, Empty: "east is stopped and cannot follow yet"},
		},
		Pins:            []dr.HostPin{{Name: "pg-east-1", Address: "10.0.1.10", Port: 22, User: "switchback", Fingerprint: "SHA256:Jk3vbH1R8s"}, {Name: "pg-west-1", Address: "10.0.2.10", Port: 22, User: "switchback", Fingerprint: "SHA256:9qUe1ZtYfA"}},
		InventoryDigest: "b77a2f0c1d9e",
		Loss:            dr.Loss{Kind: dr.LossNone, Certain: dr.UnknownAmount(), Why: "east is stopped in order and its shutdown checkpoint is proven on west before the promotion"},
		Consequences:    []string{"Clients cannot write from the fence until orders-db points at west.", "After the promotion east cannot come back without a failback."},
		Situation:       situation(), Outage: "1 to 3 s", MadeAt: at(0),
	}
	p.Digest, _ = p.ComputeDigest()
	return p
}

func unplanned() dr.Plan {
	p := planned()
	p.Mode, p.Reason = dr.ModeUnplanned, "east is gone"
	p.Loss = dr.Loss{
		Kind: dr.LossWindow, Certain: dr.Bytes(1_200_000), Why: "east cannot be read",
		Proof: &dr.Proof{At: at(-95 * time.Second), Site: "west", Primary: "east", Source: "the watch's last sample"},
	}
	p.Waivers = []dr.Waiver{{ID: "fence:east", Text: "I state that PostgreSQL on pg-east-1 takes no writes and will not start again by itself."}}
	p.Phases[0] = dr.PhasePlan{Phase: dr.PhasePrepare, Empty: "the primary is gone"}
	east := &p.Situation.Sites[0]
	east.Reachable, east.Role, east.AcceptsWrites, east.Summary = dr.Unknown, dr.RoleUnknown, dr.Unknown, "No host of east answered within 20 s."
	for i := range east.Facts {
		east.Facts[i].Truth, east.Facts[i].Text = dr.Unknown, "not read: no answer"
	}
	p.Situation.Judgement = dr.Judgement{InSync: dr.Unknown, Alarms: []string{"east does not answer"}}
	p.Digest, _ = p.ComputeDigest()
	return p
}

func votes() []dr.Vote {
	return []dr.Vote{
		{Verb: dr.VerbApprove, Person: "maria", Channel: "starter", At: at(4*time.Minute + 10*time.Second), Signed: true, Reason: "checked with the shop", Text: "counts: role dba"},
		{Verb: dr.VerbApprove, Person: "tom", Channel: "slack", At: at(6*time.Minute + 12*time.Second), Signed: true, Text: "counts: quorum of 2 reached"},
		{Verb: dr.VerbRetry, Person: "maria", Channel: "starter", At: at(9*time.Minute + 5*time.Second), Signed: true, Reason: "router agent restarted", Text: "counts"},
	}
}

func refusals() []dr.Refusal {
	return []dr.Refusal{
		{Verb: dr.VerbApprove, Person: "requester-1", At: at(2 * time.Minute), Why: "the person who started the run does not count at this gate"},
		{Verb: dr.VerbApprove, At: at(3 * time.Minute), Why: "the approve cannot be read: unknown field \"digset\""},
	}
}

func event(from, to time.Duration, kind dr.EventKind, ph dr.Phase, id string, state dr.StepState, text string) dr.Event {
	return dr.Event{At: at(from), Until: until(to), Kind: kind, Phase: ph, Step: id, Attempt: 1, State: state, Text: text}
}

func doneReport() dr.Report {
	p := planned()
	s, m := time.Second, time.Minute
	g := 6*m + 12*s
	ms := time.Millisecond
	events := []dr.Event{
		{At: at(0), Until: until(900 * ms), Kind: dr.EventWork, Text: "Observe both sites and plan"},
		event(s, g, dr.EventPeople, "", "", "", "Gate decide: waited for 2 approvals"),
		event(g, g+800*ms, dr.EventWork, "", "", "", "Recheck: the approved plan stands"),
		event(g+800*ms, g+2200*ms, dr.EventWork, dr.PhasePrepare, "prepare.checkpoint", dr.StepDone, "A checkpoint was written on east"),
		event(g+2200*ms, g+2900*ms, dr.EventWork, dr.PhaseIsolate, "isolate.fence-clients", dr.StepDone, "east is closed to clients"),
		event(g+2900*ms, g+4300*ms, dr.EventWork, dr.PhaseIsolate, "isolate.stop", dr.StepDone, "PostgreSQL on east is stopped"),
		event(g+4300*ms, g+4700*ms, dr.EventWork, dr.PhaseIsolate, "isolate.proof", dr.StepDone, "west holds the shutdown checkpoint record at 0/5A001F8"),
		event(g+4700*ms, g+6100*ms, dr.EventWork, dr.PhasePromote, "promote.promote-west", dr.StepDone, "west is primary on timeline 5"),
		event(g+6100*ms, g+9100*ms, dr.EventWork, dr.PhaseRedirect, "redirect.address", dr.StepHeld, "The router's agent did not answer; nothing was sent"),
		event(g+9100*ms, 9*m+5*s, dr.EventPeople, dr.PhaseRedirect, "redirect.address", dr.StepHeld, "On hold: Point orders-db at west"),
		event(9*m+5*s, 9*m+7*s, dr.EventWork, dr.PhaseRedirect, "redirect.address", dr.StepDone, "orders-db points at west"),
		event(9*m+7*s, 9*m+8*s, dr.EventWork, dr.PhaseVerify, "verify.write", dr.StepDone, "A row was written through orders-db and read on west"),
		{At: at(9*m + 8*s), Kind: dr.EventNote, Phase: dr.PhaseVerify, Text: "Service announced as restored"},
	}
	for i := range events {
		if pl, ok := stepOf(p, events[i].Step); ok && events[i].Kind == dr.EventWork {
			events[i].Commands = pl.Commands
		}
	}
	events[7].Output = "waiting for server to promote.... done\nserver promoted"
	events[10].Attempt = 2
	un := &dr.Unprotected{Since: at(g + 2900*ms), Next: "failback", Why: "east is stopped and does not follow west"}
	roles := []dr.SiteRole{{Site: "east", Role: dr.RoleUnknown, Text: "stopped in order, fenced"}, {Site: "west", Role: dr.RolePrimary, Text: "timeline 5, takes writes"}}
	final := situation()
	final.At = at(9*m + 8*s)
	final.Sites[0].Role, final.Sites[0].AcceptsWrites, final.Sites[0].Summary = dr.RoleUnknown, dr.No, "PostgreSQL is stopped."
	final.Sites[1].Role, final.Sites[1].AcceptsWrites, final.Sites[1].Summary = dr.RolePrimary, dr.Yes, "PostgreSQL 15.6 runs as primary on timeline 5."
	final.Judgement = dr.Judgement{InSync: dr.No}
	end := dr.Ending{Kind: dr.EndDone, Text: "west is primary and serves clients; east waits for a failback.", At: at(9*m + 9*s), Roles: roles, Unprotected: un}
	return dr.Report{
		Schema: 1, Workflow: "dr-orders", OriginalRun: p.Envelope.OriginalRun, Run: p.Envelope.Run, System: "orders", Product: "postgres",
		Procedure: dr.ProcTakeover, Mode: dr.ModePlanned, From: "east", To: "west", Reason: p.Reason, Requester: "requester-1",
		StartedAt: t0, WrittenAt: at(9*m + 10*s), Plans: []dr.Plan{p}, Events: events, Votes: votes(), Refused: refusals(),
		Status:    dr.Status{State: dr.StateEnded, Sentence: end.Text, RestoredAt: until(9*m + 8*s), RefusedMore: 3, Ending: &end},
		Estimated: &p.Loss, Measured: &dr.LossFound{Amount: dr.Amount{Bytes: 0, Transactions: 0, Millis: -1}, Text: "The shutdown checkpoint of east was replayed on west before the promotion."},
		Baseline: &dr.Baseline{Run: p.Envelope.OriginalRun, At: t0, Primary: "east"},
		Evidence: []dr.Evidence{
			{Step: "isolate.proof", At: at(g + 4700*ms), Name: "shutdown checkpoint", Text: "rmgr: XLOG lsn: 0/05A001F8 desc: CHECKPOINT_SHUTDOWN redo 0/5A001F8; tli 4"},
			{Step: "promote.promote-west", At: at(g + 6100*ms), Name: "timeline history", Text: "5\t0/5A00270\tno recovery target specified"},
		},
		Final: &final, Ending: &end,
	}
}

func stepOf(p dr.Plan, id string) (dr.Step, bool) {
	for _, ph := range p.Phases {
		for _, s := range ph.Steps {
			if s.ID == id {
				return s, true
			}
		}
	}
	return dr.Step{}, false
}
