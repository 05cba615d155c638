// Package hana_test runs the procedures of SAP HANA for real: the embedded
// Temporal server, worker processes, SSH, the SQL wire protocol and the lab's
// simulated hosts. It breaks them and asks the lab's ledger what that cost.
package hana_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/e2e"
)

// limit bounds what is waited for, with room for a loaded machine.
const limit = 3 * time.Minute

const (
	planned   = `{"system":"erp","mode":"planned","to":"west","reason":"maintenance"}`
	unplanned = `{"system":"erp","mode":"unplanned","to":"west","reason":"east is dead"}`
	failback  = `{"system":"erp","reason":"east is back"}`
	seedEast  = `{"system":"erp","to":"east","reason":"new disks"}`
	seedWest  = `{"system":"erp","to":"west","reason":"new disks"}`
)

// inSync waits until the watch has seen the pair in sync.
func inSync(s *e2e.Stage) dr.Memory {
	s.T.Helper()
	var m dr.Memory
	e2e.Await(s.T, limit, "the watch has a proof of being in sync", func() (bool, string) {
		v, err := s.Client.QueryWorkflow(s.T.Context(), dr.WatchID("erp"), "", dr.QueryMemory)
		if err != nil {
			return false, err.Error()
		}
		m = dr.Memory{}
		return v.Get(&m) == nil && m.Proof != nil, m.ClosedWhy
	})
	return m
}

// TestAPlannedTakeoverAndAFailbackLoseNothing goes there and back with the
// handshake: the roles and names end as they began.
func TestAPlannedTakeoverAndAFailbackLoseNothing(t *testing.T) {
	t.Parallel()
	s := e2e.NewStage(t, "hana")
	run := s.Start(dr.ProcTakeover, planned)
	s.Approve(dr.GateDecide)
	res := s.Ended(run, dr.EndDone)
	l := s.Clean()
	t.Logf("takeover: %s, outage %.0f ms, acknowledged %d, commands %v", res.Ending.Text, l.OutageMS, l.Acknowledged, l.Commands)
	s.Once("west", "hdbnsutil -sr_takeover")
	s.Once("east", "hdbnsutil -sr_register")
	rep := s.Report()
	require.Equal(t, dr.LossNone, rep.Estimated.Kind)
	require.Equal(t, dr.RoleSecondary, site(rep.Final, "east").Role)
	require.Contains(t, evidence(rep), "takeover history")
	// East is in sync already: nothing is behind the gate convert, so it is not
	// asked.
	run = s.Start(dr.ProcFailback, failback)
	s.Approve(dr.GateCutover)
	s.Ended(run, dr.EndDone)
	s.Clean()
	s.Once("east", "hdbnsutil -sr_takeover")
	s.Once("west", "hdbnsutil -sr_register")
	rep = s.Report()
	require.Equal(t, dr.RolePrimary, site(rep.Final, "east").Role)
	require.Equal(t, dr.RoleSecondary, site(rep.Final, "west").Role)
	require.Equal(t, dr.Yes, rep.Final.Judgement.InSync)
	require.Equal(t, "EAST", s.Shell("east", `sh -lc "hdbnsutil -sr_stateConfiguration --sapcontrol=1" | sed -n "s/^site name=//p" | tr -d "\n"`))
}

func site(s *dr.Situation, name string) dr.SiteSituation {
	if s == nil {
		return dr.SiteSituation{}
	}
	v, _ := s.Site(name)
	return v
}

func evidence(r dr.Report) string {
	var b strings.Builder
	for _, e := range r.Evidence {
		b.WriteString(e.Name + ": " + e.Text + "\n")
	}
	return b.String()
}

// refusal starts a procedure that must be refused and gives the sentence.
func refusal(s *e2e.Stage, p dr.Procedure, input string) string {
	s.T.Helper()
	ctx, cancel := context.WithTimeout(s.T.Context(), limit)
	defer cancel()
	err := s.Start(p, input).Get(ctx, nil)
	require.ErrorContains(s.T, err, "Refuse")
	s.T.Log(err)
	return err.Error()
}

func steps(r dr.Report) string {
	var b strings.Builder
	for _, e := range r.Events {
		b.WriteString(e.Step + " ")
	}
	return b.String()
}

// TestALostSiteIsTakenOverComesBackAndIsReseeded loses the primary's power while
// its link was cut: writes are lost, never more than was said. Then the site
// comes back, is registered again and gets its role back.
func TestALostSiteIsTakenOverComesBackAndIsReseeded(t *testing.T) {
	t.Parallel()
	s := e2e.NewStage(t, "hana", e2e.Settings("autostart=false")...)
	inSync(s)
	s.Writes(10)
	s.Fault("link-cut", "east")
	s.Writes(5)
	s.Fault("host-down", "east")
	run := s.Start(dr.ProcTakeover, unplanned)
	st := s.Gate(dr.GateDecide)
	t.Log(st.Gate.Loss)
	s.Approve(dr.GateDecide)
	res := s.Ended(run, dr.EndDone)
	require.NotNil(t, res.Ending.Unprotected, res.Ending.Text)
	l := s.LossWithin()
	t.Logf("outage %.0f ms, commands %v", l.OutageMS, l.Commands)
	require.Empty(t, l.TwoPrimaries)
	rep := s.Report()
	require.Equal(t, dr.LossWindow, rep.Estimated.Kind, "without the full sync option never none")
	s.Once("west", "hdbnsutil -sr_takeover")
	lost := *l.Lost

	s.Unfault("link-cut", "east")
	s.Fault("host-up", "east")
	s.Fault("ssfs-differs", "east")
	run = s.Start(dr.ProcFailback, failback)
	s.Approve(dr.GateConvert)
	s.Approve(dr.GateCutover)
	s.Ended(run, dr.EndDone)
	l = s.Ledger()
	require.Equal(t, lost, *l.Lost, "the failback itself loses nothing")
	require.Contains(t, steps(s.Report()), "convert.copy-ssfs-east")
	require.Empty(t, l.TwoPrimaries)
	s.Once("east", "hdbnsutil -sr_register", "hdbnsutil -sr_takeover")

	run = s.Start(dr.ProcReseed, seedWest)
	s.Approve(dr.GateOverwrite)
	s.Ended(run, dr.EndDone)
	require.Contains(t, evidence(s.Report()), "full replica was shipped")
	require.Empty(t, s.Ledger().TwoPrimaries)
}

// TestAnOldPrimaryThatReturnsIsNeverResolvedAutomatically: it starts at boot
// after the takeover, as a second primary.
func TestAnOldPrimaryThatReturnsIsNeverResolvedAutomatically(t *testing.T) {
	t.Parallel()
	s := e2e.NewStage(t, "hana")
	inSync(s)
	s.Fault("host-down", "east")
	run := s.Start(dr.ProcTakeover, unplanned)
	s.Approve(dr.GateDecide)
	s.AwaitStepIn(dr.PhaseVerify)
	s.Fault("old-primary-returns", "east")
	s.Ended(run, dr.EndDone)
	e2e.Await(t, limit, "the watch's alarm", func() (bool, string) {
		v, err := s.Client.QueryWorkflow(t.Context(), dr.WatchID("erp"), "", dr.QueryMemory)
		if err != nil {
			return false, err.Error()
		}
		var m dr.Memory
		alarms := ""
		if v.Get(&m) == nil {
			alarms = strings.Join(m.Alarms, "; ")
		}
		return strings.Contains(alarms, "two primaries"), alarms
	})
	before := s.Ledger().Commands
	require.Contains(t, refusal(s, dr.ProcFailback, failback), "two primaries")
	require.Equal(t, before, s.Ledger().Commands, "nothing was resolved automatically")
}
