package srl

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func open(t *testing.T, path string, capacity int64) *Log {
	t.Helper()
	l, err := Open(path, capacity)
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func add(t *testing.T, l *Log, n int, text string) Record {
	t.Helper()
	r, err := l.Append(0, int64(n), []byte(text))
	require.NoError(t, err)
	return r
}

func TestTheLogGoesRoundItsFileAndKeepsTheOrder(t *testing.T) {
	l := open(t, filepath.Join(t.TempDir(), "srl"), 1000)
	var last []Record
	for n := range 200 {
		for {
			if _, err := l.Append(1, int64(n), bytes.Repeat([]byte{byte(n)}, 37+n%11)); err == nil {
				break
			}
			records, err := l.Read(l.Start(), 1)
			require.NoError(t, err)
			l.Release(records[0].Next)
		}
		var err error
		last, err = l.Read(l.Start(), 1<<20)
		require.NoError(t, err)
		require.Equal(t, int64(n), last[len(last)-1].Offset)
		for i := 1; i < len(last); i++ {
			require.Equal(t, last[i-1].Seq+1, last[i].Seq)
			require.Equal(t, last[i-1].Next, last[i].Pos)
		}
	}
	require.Equal(t, bytes.Repeat([]byte{199}, 37+199%11), last[len(last)-1].Data)
	require.LessOrEqual(t, l.End()-l.Start(), l.Capacity())
}

func TestAFullLogRefusesAndChangesNothing(t *testing.T) {
	l := open(t, filepath.Join(t.TempDir(), "srl"), 2*Cost(10))
	add(t, l, 1, "0123456789")
	add(t, l, 2, "0123456789")
	end := l.End()
	_, err := l.Append(0, 3, []byte("x"))
	require.ErrorIs(t, err, ErrFull)
	require.Equal(t, end, l.End())
	l.Release(Cost(10))
	add(t, l, 3, "x")
	_, err = l.Read(0, 1)
	require.ErrorContains(t, err, "has no position 0")
}

func TestWhatWasAppendedIsThereAgainAndHalfARecordIsNot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "srl")
	l := open(t, path, 1<<16)
	for n := range 5 {
		add(t, l, n, "whole")
	}
	torn := add(t, l, 5, "this one is only half on the disk")
	require.NoError(t, l.Close())
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	require.NoError(t, err)
	_, err = f.WriteAt(make([]byte, 10), headerSize+torn.Next-10)
	require.NoError(t, err)
	require.NoError(t, f.Close())

	again := open(t, path, 1<<16)
	require.Equal(t, torn.Pos, again.End())
	require.Equal(t, int64(5), again.Seq())
	next := add(t, again, 6, "after the crash")
	require.Equal(t, int64(6), next.Seq)
}

func TestRecordsOfAnEarlierHistoryAreNeverTakenForOnesOfThis(t *testing.T) {
	path := filepath.Join(t.TempDir(), "srl")
	l := open(t, path, 1<<16)
	for n := range 10 {
		add(t, l, n, "same size")
	}
	// The new history begins where the third record of the old one stands,
	// with the same numbers.
	require.NoError(t, l.Reset(2*Cost(9), 2))
	add(t, l, 0, "new story")
	require.NoError(t, l.Close())
	again := open(t, path, 1<<16)
	require.Equal(t, int64(3), again.Seq())
	records, err := again.Read(again.Start(), 1<<20)
	require.NoError(t, err)
	require.Len(t, records, 1)
	require.Equal(t, "new story", string(records[0].Data))
}

func TestTheLogIsRecoveredAlsoAfterItWentRoundOftenWithoutBeingSaved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "srl")
	l := open(t, path, 10*Cost(20))
	for n := range 1000 {
		if l.End()+Cost(20)-l.Start() > l.Capacity() {
			l.Release(l.Start() + 4*Cost(20))
		}
		add(t, l, n, "twenty bytes of data")
	}
	again := open(t, path, 10*Cost(20))
	require.Equal(t, l.End(), again.End())
	require.Equal(t, l.Seq(), again.Seq())
}

func TestAResizedLogKeepsWhatItHas(t *testing.T) {
	path := filepath.Join(t.TempDir(), "srl")
	l := open(t, path, 4*Cost(8))
	for n := range 6 {
		if n > 2 {
			l.Release(l.Start() + Cost(8))
		}
		add(t, l, n, "8 bytes!")
	}
	require.ErrorIs(t, l.Resize(Cost(8)), ErrFull)
	require.NoError(t, l.Resize(100*Cost(8)))
	add(t, l, 6, "8 bytes!")
	again := open(t, path, 4*Cost(8))
	require.Equal(t, 100*Cost(8), again.Capacity())
	records, err := again.Read(again.Start(), 1<<20)
	require.NoError(t, err)
	require.Equal(t, int64(6), records[len(records)-1].Offset)
	require.Equal(t, l.Seq(), again.Seq())
}

func TestABitmapRemembersItsBits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dcm")
	m, err := OpenBitmap(path, 19)
	require.NoError(t, err)
	for _, i := range []int{0, 7, 8, 18} {
		require.NoError(t, m.Set(i))
	}
	require.NoError(t, m.Clear(7))
	require.NoError(t, m.Close())
	m, err = OpenBitmap(path, 19)
	require.NoError(t, err)
	require.Equal(t, 3, m.Count())
	require.Equal(t, []int{0, 8, 8, 18, -1}, []int{m.Next(0), m.Next(1), m.Next(8), m.Next(9), m.Next(19)})
	require.NoError(t, m.Merge([]byte{0xff, 0, 0xff}))
	require.Equal(t, 12, m.Count(), "bits behind the end are no regions")
	require.NoError(t, m.Fill(true))
	require.Equal(t, 19, m.Count())
	require.NoError(t, m.Fill(false))
	require.Equal(t, -1, m.Next(0))
	require.NoError(t, m.Close())
}
