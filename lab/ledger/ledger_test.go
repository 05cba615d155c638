package ledger

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/lab/writer"
)

var begin = time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)

func at(ms int) time.Time { return begin.Add(time.Duration(ms) * time.Millisecond) }

func TestAnAccountTellsLostDoubledAndUnclearWritesAndTheOutage(t *testing.T) {
	l := Account(at(1000), []writer.Entry{
		{Number: 1, At: at(0), Outcome: writer.Acknowledged},
		{Number: 2, At: at(20), Outcome: writer.Acknowledged},
		{Number: 3, At: at(30), Outcome: writer.Unclear},
		{Number: 4, At: at(40), Outcome: writer.Unclear},
		{Number: 5, At: at(50), Outcome: writer.Refused},
		{Number: 6, At: at(420), Outcome: writer.Acknowledged},
		{Number: 7, At: at(970), Outcome: writer.Acknowledged},
	}, Rows{1: 1, 3: 1, 6: 2, 7: 1})
	require.Equal(t, 4, l.Acknowledged)
	require.Equal(t, 2, l.Unclear)
	require.Equal(t, 1, l.UnclearPresent)
	require.Equal(t, 1, l.Refused)
	require.Equal(t, 1, *l.Lost)
	require.Equal(t, []int64{2}, l.LostNumbers)
	require.Equal(t, at(20), l.LostFrom)
	require.Equal(t, at(20), l.LostTo)
	require.Equal(t, 1, l.Doubled)
	require.Equal(t, []int64{6}, l.DoubledNumbers)
	require.InDelta(t, 550, l.OutageMS, 0)
	require.Equal(t, []Gap{{From: at(20), To: at(420), MS: 400}, {From: at(420), To: at(970), MS: 550}}, l.Gaps)
}

func TestAnOutageThatLastsIsCountedUpToNow(t *testing.T) {
	l := Account(at(3000), []writer.Entry{{Number: 1, At: at(0), Outcome: writer.Acknowledged}}, Rows{1: 1})
	require.InDelta(t, 3000, l.OutageMS, 0)
	require.True(t, l.Gaps[0].Open)
}

func TestWithoutAPrimaryToAskNothingIsCalledLostOrSafe(t *testing.T) {
	l := Account(at(10), []writer.Entry{{Number: 1, At: at(0), Outcome: writer.Acknowledged}}, nil)
	require.Nil(t, l.Lost)
}

func TestListsAreBoundedAndCountsAreNot(t *testing.T) {
	var record []writer.Entry
	for i := range 500 {
		record = append(record, writer.Entry{Number: int64(i), At: at(i * 200), Outcome: writer.Acknowledged})
	}
	l := Account(at(100000), record, Rows{})
	require.Equal(t, 500, *l.Lost)
	require.Len(t, l.LostNumbers, listed)
	require.Len(t, l.Gaps, listed)
}

func TestSamplesWithTwoYesMakeOneMomentUntilOneSaysNo(t *testing.T) {
	p := &Primaries{names: []string{"east", "west"}}
	p.add(at(0), []bool{true, false})
	require.Empty(t, p.Moments())
	p.add(at(20), []bool{true, true})
	p.add(at(40), []bool{true, true})
	p.add(at(60), []bool{false, true})
	p.add(at(80), []bool{true, true})
	both := []string{"east", "west"}
	require.Equal(t, []Moment{{From: at(20), To: at(40), Sites: both}, {From: at(80), To: at(80), Sites: both}}, p.Moments())
}

func TestTheWatchAsksEverySiteUntilItIsClosed(t *testing.T) {
	var west atomic.Bool
	p := Watch([]string{"east", "west"}, map[string]Writable{
		"east": func(context.Context) bool { return true },
		"west": func(context.Context) bool { return west.Load() },
	}, time.Millisecond)
	require.Eventually(t, func() bool { _, n := p.Now(); return n > 3 }, 5*time.Second, time.Millisecond)
	require.Empty(t, p.Moments())
	west.Store(true)
	require.Eventually(t, func() bool { return len(p.Moments()) == 1 }, 5*time.Second, time.Millisecond)
	p.Close()
	_, n := p.Now()
	time.Sleep(20 * time.Millisecond)
	_, after := p.Now()
	require.Equal(t, n, after)
}
