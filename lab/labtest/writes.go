package labtest

import (
	"path/filepath"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/lab/labkit"
	"github.com/switchback-dr/switchback/lab/ledger"
	"github.com/switchback-dr/switchback/lab/writer"
)

// Point leads the client address to a site, or to none, and gives what the
// program answered.
func (b Bench) Point(site string) string {
	b.T.Helper()
	out, code := b.Shell(labkit.Edge, "-c", "client-address point "+site)
	require.Zero(b.T, code, out)
	return strings.TrimSpace(out)
}

// Writable says whether all these sites take writes.
func (b Bench) Writable(sites ...string) bool {
	for _, s := range sites {
		if !b.System.Writable(b.T.Context(), s) {
			return false
		}
	}
	return true
}

// Acknowledged is how many of the client's writes were acknowledged.
func (b Bench) Acknowledged() int {
	record, err := writer.ReadRecord(filepath.Join(b.Dir, "writes.log"))
	require.NoError(b.T, err)
	n := 0
	for _, e := range record {
		if e.Outcome == writer.Acknowledged {
			n++
		}
	}
	return n
}

// MoreWrites waits until ten more writes are acknowledged.
func (b Bench) MoreWrites() {
	b.T.Helper()
	before := b.Acknowledged()
	b.Until("ten more writes", func() bool { return b.Acknowledged() >= before+10 })
}

// FirstWrites waits for the first writes, where a client writes at all.
func (b Bench) FirstWrites() {
	b.T.Helper()
	if b.Options.WriteEvery > 0 {
		b.MoreWrites()
	}
}

// Ledger is what the lab has cost until now.
func (b Bench) Ledger() ledger.Ledger {
	b.T.Helper()
	l, err := b.Lab.Ledger(b.T.Context())
	require.NoError(b.T, err)
	return l
}

// Lossless says that nothing acknowledged is missing or twice there, and that
// there never were two primaries.
func (b Bench) Lossless() ledger.Ledger {
	b.T.Helper()
	l := b.Ledger()
	require.NotNil(b.T, l.Lost, l.Complaint)
	require.Zero(b.T, *l.Lost, l.LostNumbers)
	require.Zero(b.T, l.Doubled)
	require.Empty(b.T, l.TwoPrimaries)
	return l
}
