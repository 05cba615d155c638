package writer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// shop is a system whose answers a test decides.
type shop struct {
	mu     sync.Mutex
	answer func(number int64) error
	dials  int
	closed int
}

func (s *shop) dial(context.Context) (Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dials++
	if s.dials == 1 {
		return nil, errors.New("nobody listens yet")
	}
	return s, nil
}

func (s *shop) Commit(_ context.Context, number int64) error { return s.answer(number) }

func (s *shop) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed++
}

func TestAWriterNumbersItsWritesAndNeverUsesANumberTwice(t *testing.T) {
	record := filepath.Join(t.TempDir(), "writes.log")
	enough := make(chan struct{})
	s := &shop{answer: func(n int64) error {
		switch n {
		case 2:
			return errors.New("the connection was lost")
		case 4:
			return fmt.Errorf("%w: read-only", ErrRefused)
		case 6:
			close(enough)
		}
		return nil
	}}
	w, err := Start(Config{Dial: s.dial, Every: time.Millisecond, Record: record})
	require.NoError(t, err)
	<-enough
	require.NoError(t, w.Close())
	entries, err := ReadRecord(record)
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(entries), 6)
	want := []Outcome{Acknowledged, Unclear, Acknowledged, Refused, Acknowledged, Acknowledged}
	for i, o := range want {
		require.Equal(t, int64(i+1), entries[i].Number)
		require.Equal(t, o, entries[i].Outcome)
		require.False(t, i > 0 && entries[i].At.Before(entries[i-1].At))
	}
	require.Equal(t, 4, s.dials, "a session is not used again after a failure")
	require.Equal(t, 3, s.closed)
}

func TestAWriterStopsWaitingForACommitThatHangs(t *testing.T) {
	record := filepath.Join(t.TempDir(), "writes.log")
	s := &shop{dials: 1}
	hang := &hanging{shop: s}
	w, err := Start(Config{Dial: func(context.Context) (Session, error) { return hang, nil }, Every: time.Millisecond, Patience: 10 * time.Millisecond, Record: record})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		e, err := ReadRecord(record)
		return err == nil && len(e) > 1 && e[0].Outcome == Unclear
	}, 5*time.Second, time.Millisecond)
	require.NoError(t, w.Close())
}

type hanging struct{ *shop }

func (*hanging) Commit(ctx context.Context, _ int64) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestARecordWithAForeignLineIsNoRecordAndAnUnfinishedLineIsLeftOut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "writes.log")
	require.NoError(t, os.WriteFile(path, []byte("1 1000 acknowledged\n2 2000 unc"), 0o600))
	entries, err := ReadRecord(path)
	require.NoError(t, err)
	require.Equal(t, []Entry{{1, time.Unix(0, 1000), Acknowledged}}, entries)
	for _, foreign := range []string{"hello\n", "1 1000 perhaps\n", "1 1000\n", "1 1000 acknowledged more\n"} {
		require.NoError(t, os.WriteFile(path, []byte(foreign), 0o600))
		_, err = ReadRecord(path)
		require.ErrorContains(t, err, "has a line that is none", foreign)
	}
	_, err = ReadRecord(filepath.Join(t.TempDir(), "missing"))
	require.ErrorContains(t, err, "cannot be read")
}

func FuzzRecord(f *testing.F) {
	f.Add("1 1000 acknowledged\n")
	f.Add("-1 9223372036854775808 unclear\n\n")
	f.Fuzz(func(t *testing.T, text string) {
		entries, err := parseRecord(text)
		if err == nil {
			for _, e := range entries {
				require.Contains(t, []Outcome{Acknowledged, Unclear, Refused}, e.Outcome)
			}
		}
	})
}
