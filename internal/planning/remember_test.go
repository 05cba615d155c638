package planning_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/planning"
)

func sample(inSync dr.Tri, east, west dr.Tri, at time.Time) dr.Situation {
	s := dr.Situation{System: "orders", At: at, Sites: []dr.SiteSituation{{Site: "east", AcceptsWrites: east}, {Site: "west", AcceptsWrites: west}}}
	s.Judgement.InSync = inSync
	if inSync == dr.Yes {
		s.Judgement.Proof = &dr.Proof{At: at, Primary: "east", Site: "west", Source: "pg_stat_replication", Positions: map[string]string{"lsn": "0/1"}}
	}
	return s
}

func TestAnUnreachablePrimaryNeverErasesTheLastProof(t *testing.T) {
	t0 := time.Unix(1000, 0)
	m, news := planning.Remember(dr.Memory{}, sample(dr.Yes, dr.Yes, dr.No, t0), t0)
	require.Len(t, news, 1, "an interval opened")
	for i := 1; i < 5; i++ {
		at := t0.Add(time.Duration(i) * time.Minute)
		m, news = planning.Remember(m, sample(dr.Unknown, dr.Unknown, dr.No, at), at)
		require.Empty(t, news)
	}
	require.Equal(t, t0, m.Proof.At)
	require.NotNil(t, m.InSyncSince)
	require.Equal(t, "east", m.Primary)
	require.Equal(t, t0, *m.PrimarySeen)
}

func TestAReachablePrimaryThatIsNotInSyncClosesTheInterval(t *testing.T) {
	t0 := time.Unix(1000, 0)
	m, _ := planning.Remember(dr.Memory{}, sample(dr.Yes, dr.Yes, dr.No, t0), t0)
	t1 := t0.Add(time.Minute)
	m, news := planning.Remember(m, sample(dr.No, dr.Yes, dr.No, t1), t1)
	require.Len(t, news, 1)
	require.Nil(t, m.InSyncSince)
	require.Equal(t, t1, *m.ClosedAt)
	require.Contains(t, m.ClosedWhy, "east")
	require.Equal(t, t0, m.Proof.At, "the proof itself stays: it is what the loss is counted from")
}

func TestNoPrimaryThatSaysNotInSyncClosesNothing(t *testing.T) {
	t0 := time.Unix(1000, 0)
	m, _ := planning.Remember(dr.Memory{}, sample(dr.Yes, dr.Yes, dr.No, t0), t0)
	m, news := planning.Remember(m, sample(dr.No, dr.Unknown, dr.No, t0.Add(time.Minute)), t0.Add(time.Minute))
	require.Empty(t, news)
	require.NotNil(t, m.InSyncSince, "only a reachable primary may close it")
}

func TestTwoPrimariesAndAReturningOldPrimaryAreAlarms(t *testing.T) {
	t0 := time.Unix(1000, 0)
	m := dr.Memory{Primary: "west", Baseline: &dr.Baseline{Primary: "east"}, Unprotected: &dr.Unprotected{Since: t0}}
	m, news := planning.Remember(m, sample(dr.Unknown, dr.Yes, dr.Yes, t0), t0)
	require.Len(t, m.Alarms, 2)
	require.Len(t, news, 2)
	_, news = planning.Remember(m, sample(dr.Unknown, dr.Yes, dr.Yes, t0.Add(time.Second)), t0.Add(time.Second))
	require.Empty(t, news, "an alarm is news once")
}
