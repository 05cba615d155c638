package sim

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// newEngine makes an open database with small after-image extents.
func newEngine(t *testing.T) *engine {
	t.Helper()
	db := filepath.Join(t.TempDir(), "depot")
	areas, err := parseStructure("b depot.b1\nd \"Schema Area\":6,32;1 depot.d1\nd \"Order Data\":7,64;8 depot_7.d1 f 8\nd \"Order Data\":7,64;8 depot_7.d2\na depot.a1 f 2\na depot.a2 f 2\na depot.a3\n", db)
	require.NoError(t, err)
	m := &master{Release: "12.8", BlockSize: 4096, State: stateGood, Areas: areas, Marked: true, Created: time.Now(), Lineage: []line{{"first", 0}}}
	m.syncAI()
	for _, a := range areas {
		require.NoError(t, m.file(a).create())
	}
	require.NoError(t, m.write(db))
	return open(t, db)
}

func open(t *testing.T, db string) *engine {
	t.Helper()
	e, err := openEngine(db, func() Config { return Config{} })
	require.NoError(t, err)
	return e
}

// kill drops an engine as a kill does: nothing is written any more.
func kill(e *engine) { e.closeFiles() }

// numbers are the records in the data extents, after a checkpoint.
func numbers(t *testing.T, e *engine) map[int64]int {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	require.NoError(t, e.checkpoint())
	all := map[int64]int{}
	a := e.m.data()
	f := e.m.file(a)
	count, _, err := f.blocks()
	require.NoError(t, err)
	for n := range count {
		b, _, err := f.read(n)
		require.NoError(t, err)
		records, _, err := readBlock(b, a.Number, n)
		require.NoError(t, err)
		for _, r := range records {
			all[r.Number]++
		}
	}
	return all
}

func requireOnce(t *testing.T, e *engine, upTo int64) {
	t.Helper()
	all := numbers(t, e)
	require.Len(t, all, int(upTo))
	for n, times := range all {
		require.Equal(t, 1, times, "record %d", n)
	}
}

func commitUpTo(t *testing.T, e *engine, from, to int64) {
	t.Helper()
	for n := from; n <= to; n++ {
		require.NoError(t, e.commit(kindRecord, n))
	}
}

func TestEveryCommittedRecordSurvivesAKillExactlyOnce(t *testing.T) {
	e := newEngine(t)
	last := int64(0)
	for round := range 6 {
		commitUpTo(t, e, last+1, last+77)
		last += 77
		e.mu.Lock()
		switch round % 3 {
		case 1: // killed between the data and the control area
			require.NoError(t, e.flush())
		case 2: // killed between the control area and the before-image file
			require.NoError(t, e.flush())
			e.m.Trx = e.trx
			require.NoError(t, e.m.write(e.db))
		}
		e.mu.Unlock()
		kill(e)
		e = open(t, e.db)
		require.Equal(t, uint64(last), e.trx)
		requireOnce(t, e, last)
	}
}

func TestANoteThatAKillKeptFromTheAfterImageIsAddedWhenTheDatabaseOpens(t *testing.T) {
	e := newEngine(t)
	require.NoError(t, e.beginAI())
	commitUpTo(t, e, 1, 10)
	kill(e)
	path := e.m.AI.Extents[e.m.busy()].Path
	require.NoError(t, os.Truncate(path, HeaderSize+8*NoteSize+17))
	e = open(t, e.db)
	commitUpTo(t, e, 11, 12)
	r := reader{refresh: func() (*master, error) { return e.m, nil }}
	notes, _, err := r.next(0, 100)
	require.NoError(t, err)
	require.Len(t, notes, 12)
	for i, n := range notes {
		require.Equal(t, uint64(i+1), n.Trx)
	}
}

func TestAReaderFollowsTheNotesAcrossExtents(t *testing.T) {
	e := newEngine(t)
	require.NoError(t, e.beginAI())
	commitUpTo(t, e, 1, 90) // an extent of 2 KB has room for 32
	require.Equal(t, 3, e.m.AI.Seq)
	r := reader{refresh: func() (*master, error) { return e.m, nil }}
	var got uint64
	var at position
	for got < 90 {
		notes, pos, err := r.next(got, 7)
		require.NoError(t, err)
		require.NotEmpty(t, notes)
		require.Equal(t, got+1, notes[0].Trx)
		got, at = notes[len(notes)-1].Trx, pos
	}
	require.Equal(t, 3, at.Seq)
	notes, _, err := r.next(got, 7)
	require.NoError(t, err)
	require.Empty(t, notes)
	gone := reader{refresh: r.refresh}
	e.m.AI.Extents[0].Status = aiEmpty
	_, _, err = gone.next(0, 7)
	require.ErrorContains(t, err, "are gone")
}

func TestATargetTakesNotesOnceAndOnlyInOrder(t *testing.T) {
	e := newEngine(t)
	var notes []note
	for n := range uint64(20) {
		notes = append(notes, note{Kind: kindRecord, Trx: n + 1, Number: int64(n + 1)})
	}
	_, err := e.apply(notes[:10])
	require.NoError(t, err)
	_, err = e.apply(notes[12:])
	require.ErrorContains(t, err, "next transaction is 11")
	trx, err := e.apply(notes[5:])
	require.NoError(t, err)
	require.Equal(t, uint64(20), trx)
	requireOnce(t, e, 20)
}

func TestADatabaseStallsWithoutAnEmptyExtentAndGoesOn(t *testing.T) {
	e := newEngine(t)
	e.m.Areas = e.m.Areas[:len(e.m.Areas)-1] // without the variable one
	e.m.syncAI()
	require.NoError(t, e.beginAI())
	require.NoError(t, e.change(func(m *master) error {
		m.Role, m.ReplState.LockFrom = roleSource, 1
		return nil
	}))
	done := make(chan error, 1)
	go func() { done <- e.commit(kindRecord, make([]int64, 100)...) }()
	require.Eventually(t, func() bool {
		e.mu.Lock()
		defer e.mu.Unlock()
		return e.stalled
	}, 5*time.Second, time.Millisecond)
	require.ErrorContains(t, e.emptyExtent(1), "LOCKED")
	require.NoError(t, e.change(func(m *master) error {
		m.ReplState.LockFrom = 2
		e.lockExtents()
		return nil
	}))
	require.NoError(t, e.emptyExtent(0))
	require.Eventually(t, func() bool {
		e.mu.Lock()
		defer e.mu.Unlock()
		return e.trx > 64
	}, 5*time.Second, time.Millisecond)
	require.NoError(t, e.close())
	require.ErrorContains(t, <-done, "shutting down")
}

func TestAfterImagingNeedsABackupFirst(t *testing.T) {
	e := newEngine(t)
	e.m.Marked = false
	require.ErrorContains(t, e.beginAI(), "must be backed up")
	require.NoError(t, changeMaster(e, call{Op: "marked"}))
	require.NoError(t, e.beginAI())
	require.ErrorContains(t, e.beginAI(), "already")
}

func TestAFullAreaIsToldAndNotOverrun(t *testing.T) {
	f := areaFile{area: area{Number: 7, Extents: []extent{{Path: filepath.Join(t.TempDir(), "x"), SizeKB: 8}}}, size: 4096}
	require.Equal(t, 2, f.capacity())
	block := makeBlock(4096, 7, 0, nil)
	require.NoError(t, f.write(0, block))
	require.NoError(t, f.write(1, makeBlock(4096, 7, 1, nil)))
	require.ErrorContains(t, f.write(2, block), "(6743)")
}

func TestAWaitEndsAlsoWhenItsTimeIsOverBeforeItBegins(t *testing.T) {
	e := newEngine(t)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for range 2000 {
			e.waitBeyond(1<<62, 20*time.Microsecond)
		}
	}()
	require.Eventually(t, func() bool {
		select {
		case <-ended:
			return true
		default:
			return false
		}
	}, time.Minute, time.Millisecond)
}
