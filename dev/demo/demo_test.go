package demo

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/lab/labkit"
	"github.com/switchback-dr/switchback/lab/ledger"
)

// absent is a product that is not installed.
type absent struct{ labkit.Product }

func (absent) Check() error      { return errors.New("apt-get install absent") }
func (absent) Tale() labkit.Tale { return labkit.Tale{} }

func TestAMissingProductIsOneLineBeforeAnythingElse(t *testing.T) {
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	require.NoError(t, err)
	defer func() { require.NoError(t, out.Close()) }()
	err = perform(context.Background(), absent{}, Options{Stdin: os.Stdin, Stdout: out, Getenv: func(string) string { return "" }})
	require.EqualError(t, err, "apt-get install absent")
	printed, err := os.ReadFile(out.Name())
	require.NoError(t, err)
	require.Empty(t, printed)
}

func number(n int) *int { return &n }

// ended is an act that kept its promise.
func ended(a act) played {
	return played{
		act: a, result: dr.Result{Ending: dr.Ending{Kind: dr.EndDone}},
		before: ledger.Ledger{Lost: number(0)}, after: ledger.Ledger{Lost: number(0)},
	}
}

func TestABrokenPromiseIsSeen(t *testing.T) {
	acts := (&demo{tale: labkit.Tale{Lists: true}}).acts()
	planned, lost, back := acts[0], acts[1], acts[2]
	good := ended(planned)
	require.Empty(t, good.broken())
	for name, spoil := range map[string]func(p *played){
		"rejected":      func(p *played) { p.result.Ending.Kind = dr.EndRejected },
		"two primaries": func(p *played) { p.after.TwoPrimaries = []ledger.Moment{{From: time.Now()}} },
		"doubled":       func(p *played) { p.after.Doubled = 1 },
		"a lost write":  func(p *played) { p.after.Lost = number(1) },
	} {
		p := ended(planned)
		spoil(&p)
		require.NotEmpty(t, p.broken(), name)
	}

	p := ended(lost)
	require.Contains(t, p.broken(), "no write was lost")
	p.after.Lost = number(25)
	p.report.Estimated = &dr.Loss{Kind: dr.LossNone}
	require.Contains(t, p.broken(), "expected none")
	p.report.Estimated.Kind = dr.LossUnknown
	require.Empty(t, p.broken())

	p = ended(back)
	p.before.Lost, p.after.Lost = number(25), number(25)
	require.Contains(t, p.broken(), "did not find them all")
	p.report.Measured = &dr.LossFound{Amount: dr.Amount{Transactions: 24}}
	require.Contains(t, p.broken(), "did not find them all")
	p.report.Measured.Amount.Transactions = 25
	require.Empty(t, p.broken())
	p.after.Lost = number(26)
	require.Contains(t, p.broken(), "1 further")
}

func TestThePauseOfAnActIsTheLongestSinceItBegan(t *testing.T) {
	at := func(ms int) time.Time { return time.UnixMilli(int64(ms)) }
	l := ledger.Ledger{Gaps: []ledger.Gap{{From: at(0), To: at(900)}, {From: at(2000), To: at(2300)}, {From: at(3000), To: at(3120)}}}
	require.Equal(t, 300*time.Millisecond, longestGap(l, at(1000)))
	require.Equal(t, 900*time.Millisecond, longestGap(l, at(500)))
	require.Zero(t, longestGap(l, at(4000)))
}

func TestLinesAreWrappedAndCutToTheScreen(t *testing.T) {
	s := &screen{width: 30}
	require.Equal(t, "  one two three four five six\n  seven eight", s.wrap("  ", "  ", "one two three four five six seven eight"))
	require.Equal(t, "one two…", clip("one two three", 8))
	require.Equal(t, "one\\x1b[2J", s.wrap("", "", "one\x1b[2J"), "foreign text sends no escapes to the terminal")
}
