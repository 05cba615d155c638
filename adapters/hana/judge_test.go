package hana

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
)

func TestInSyncNeedsEverySourceAndEveryService(t *testing.T) {
	for name, c := range map[string]struct {
		f    func(*Reading)
		want dr.Tri
	}{
		"all active":                     {func(*Reading) {}, dr.Yes},
		"exit 15 but SQL says otherwise": {func(r *Reading) { r.SQL.Rows[0].Status = "ERROR" }, dr.No},
		"SQL active but the script not":  {func(r *Reading) { r.Status.Exit, r.Status.Overall = 11, "ERROR" }, dr.No},
		"the script is silent":           {func(r *Reading) { r.Status = nil }, dr.Unknown},
		"the secondary is away":          {func(r *Reading) { r.SQL.Rows[0].Active = "CONNECTION TIMEOUT" }, dr.No},
		"SQL lists nothing":              {func(r *Reading) { r.SQL.Rows = nil }, dr.Unknown},
		"one tenant did not answer":      {func(r *Reading) { r.SQL.Incomplete = "DRT does not answer" }, dr.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			p := onPaper(t, "primary", "secondary").mend("north", func(r *Reading) {
				r.Status.Rows = append([]Service{}, r.Status.Rows...)
				r.SQL.Rows = append([]Service{}, r.SQL.Rows...)
				c.f(r)
			})
			j := p.situation().Judgement
			require.Equal(t, c.want, j.InSync)
			require.Equal(t, c.want == dr.Yes, j.Proof != nil)
		})
	}
}

func TestOnlyTheFullSyncOptionMakesAProofComplete(t *testing.T) {
	p := onPaper(t, "primary", "secondary")
	require.False(t, p.situation().Judgement.Proof.Complete)
	full := p.mend("north", func(r *Reading) {
		for i := range r.SQL.Rows {
			r.SQL.Rows[i].FullSync = "ACTIVE"
		}
	})
	require.True(t, full.situation().Judgement.Proof.Complete)
	one := full.mend("north", func(r *Reading) { r.SQL.Rows[0].FullSync = "ENABLED" })
	require.False(t, one.situation().Judgement.Proof.Complete)
}

func TestAnAsynchronousSecondaryIsProvenOnlyUpToTheObservationBefore(t *testing.T) {
	p := onPaper(t, "primary", "secondary").mend("north", func(r *Reading) {
		for i := range r.SQL.Rows {
			r.SQL.Rows[i].Mode, r.SQL.Rows[i].ShippedPos = "ASYNC", "990"
		}
	})
	require.Equal(t, dr.Unknown, p.situation().Judgement.InSync)
	then := noon.Add(-time.Minute)
	p.memory = &dr.Memory{Primary: "north", PrimarySeen: &then, Positions: map[string]string{"SYSTEMDB:30001/1": "990", "DRT:30003/1": "985"}}
	j := p.situation().Judgement
	require.Equal(t, dr.Yes, j.InSync)
	require.Equal(t, then, j.Proof.At)
	p.memory.Positions["DRT:30003/1"] = "1001"
	require.Nil(t, p.situation().Judgement.Proof)
}

func TestToolsThatSayActiveWhileNothingIsShippedAreNotBelieved(t *testing.T) {
	p := onPaper(t, "primary", "secondary")
	then := noon.Add(-time.Minute)
	p.memory = &dr.Memory{Primary: "north", PrimarySeen: &then, Positions: map[string]string{"SYSTEMDB:30001/1": "1000", "DRT:30003/1": "1200"}}
	j := p.situation().Judgement
	require.Equal(t, dr.Unknown, j.InSync)
	require.Nil(t, j.Proof)
	require.Contains(t, strings.Join(j.Alarms, "\n"), "has not been shipped")
}

func fact(j dr.Judgement, name string) dr.Fact {
	for _, f := range j.Facts {
		if f.Name == "hana."+name {
			return f
		}
	}
	return dr.Fact{}
}

func TestTheGuidelineAnswersWithMemory(t *testing.T) {
	seen := noon.Add(-2 * time.Minute)
	proof := &dr.Proof{At: seen, Site: "south", Primary: "north"}
	dead := func(m *dr.Memory) dr.Judgement {
		p := onPaper(t, "stopped-primary", "secondary")
		p.memory = m
		return p.situation().Judgement
	}
	j := dead(&dr.Memory{Primary: "north", Proof: proof, InSyncSince: &seen})
	require.True(t, strings.HasPrefix(j.Recommendation, "takeover required"), j.Recommendation)
	require.Equal(t, dr.Unknown, fact(j, "guide_no_loss").Truth, "without full sync a fresh proof is a window")
	require.Equal(t, dr.Yes, fact(j, "guide_helps").Truth)
	full := *proof
	full.Complete = true
	require.Equal(t, dr.Yes, fact(dead(&dr.Memory{Primary: "north", Proof: &full, InSyncSince: &seen}), "guide_no_loss").Truth)
	j = dead(&dr.Memory{Primary: "north", Proof: proof, ClosedAt: &seen, ClosedWhy: "it said so"})
	require.True(t, strings.HasPrefix(j.Recommendation, "no takeover without accepting a loss"), j.Recommendation)
	require.Equal(t, dr.No, fact(j, "guide_no_loss").Truth)
	require.True(t, strings.HasPrefix(dead(nil).Recommendation, "not decidable"))
	well := onPaper(t, "primary", "secondary").situation().Judgement
	require.True(t, strings.HasPrefix(well.Recommendation, "takeover possible"), well.Recommendation)
	broken := onPaper(t, "primary", "secondary").mend("north", func(r *Reading) { r.Recommendation = "" }).situation().Judgement
	require.True(t, strings.HasPrefix(broken.Recommendation, "not decidable"), broken.Recommendation)
}

func TestTwoPrimariesAreAnAlarmAndNameTheNewerTakeover(t *testing.T) {
	p := onPaper(t, "primary", "primary").mend("south", func(r *Reading) {
		r.SQL.Takeovers = []Takeover{{Start: "2026-03-14 10:00:00.000000", Site: "SOUTH"}}
	})
	j := p.situation().Judgement
	require.Equal(t, dr.No, j.InSync)
	require.Contains(t, j.Alarms[0], "two primaries")
	require.Contains(t, j.Alarms[0], "SOUTH at 2026-03-14 10:00:00")
}

func TestAnOldPrimaryThatCouldStartIsAnAlarm(t *testing.T) {
	p := onPaper(t, "stopped-primary", "primary").mend("north", func(r *Reading) { r.Autostart["dba01"] = dr.Yes })
	require.Contains(t, strings.Join(p.situation().Judgement.Alarms, "\n"), "starts it at boot")
	p = onPaper(t, "suspended", "primary")
	require.Contains(t, strings.Join(p.situation().Judgement.Alarms, "\n"), "never resumed")
}

func TestTheLossIsNeverCalledZeroWithoutAProof(t *testing.T) {
	seen := noon.Add(-time.Minute)
	proof := &dr.Proof{At: seen, Site: "south", Primary: "north"}
	for name, c := range map[string]struct {
		m    *dr.Memory
		want dr.LossKind
	}{
		"no memory":         {nil, dr.LossUnknown},
		"another primary":   {&dr.Memory{Proof: &dr.Proof{At: seen, Site: "north", Primary: "south"}}, dr.LossUnknown},
		"in sync, no full":  {&dr.Memory{Proof: proof, InSyncSince: &seen}, dr.LossWindow},
		"not in sync since": {&dr.Memory{Proof: proof, ClosedAt: &seen}, dr.LossWindow},
		"full sync":         {&dr.Memory{Proof: &dr.Proof{At: seen, Site: "south", Primary: "north", Complete: true}, InSyncSince: &seen}, dr.LossNone},
		"full sync, closed": {&dr.Memory{Proof: &dr.Proof{At: seen, Site: "south", Primary: "north", Complete: true}, ClosedAt: &seen}, dr.LossWindow},
	} {
		t.Run(name, func(t *testing.T) {
			p := onPaper(t, "stopped-primary", "secondary")
			p.memory = c.m
			d, err := p.plan(toSouthLost, dr.GateDecide)
			require.NoError(t, err)
			require.Equal(t, c.want, d.Loss.Kind, d.Loss.Why)
		})
	}
}

func TestAStoppedOldPrimaryTakesNoWritesAndAnOnlineOneWithoutLoginIsUnknown(t *testing.T) {
	require.Equal(t, dr.No, readingOf(t, "stopped-primary", "NORTH", "SOUTH", "a", "b").AcceptsWrites())
	require.Equal(t, dr.No, readingOf(t, "secondary", "NORTH", "SOUTH", "a", "b").AcceptsWrites())
	require.Equal(t, dr.No, readingOf(t, "suspended", "NORTH", "SOUTH", "a", "b").AcceptsWrites())
	r := readingOf(t, "primary", "NORTH", "SOUTH", "a", "b")
	require.Equal(t, dr.Yes, r.AcceptsWrites())
	r.SQL.Login = dr.Unknown
	require.Equal(t, dr.Unknown, r.AcceptsWrites())
	r = readingOf(t, "primary", "NORTH", "SOUTH", "a", "b")
	r.Config.Mode = "sync"
	require.Equal(t, dr.Unknown, r.AcceptsWrites(), "files and topology contradict each other")
}
