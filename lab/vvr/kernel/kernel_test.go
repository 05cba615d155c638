package kernel

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/lab/vvr/wire"
)

func TestWritesReachEverySecondaryInOrder(t *testing.T) {
	w := newWorld(t, 3, nil)
	w.put("a", 1, 0, 1, 2, 3)
	w.put("a", 2, 3, 4)
	w.current("a", "b")
	w.current("a", "c")
	w.same("a", "b", "c")
	require.Equal(t, int64(6), w.view("b").Ends[0].Applied)
}

func TestOnlyAStartedPrimaryTakesWritesAndOnlyToOpenVolumes(t *testing.T) {
	w := newWorld(t, 2, nil)
	w.refused("write-secondary", "b", "open", []string{"v1"})
	w.refused("no-volume", "a", "open", []string{"v9"})
	w.refused("write-closed", "a", "write", Write{Volume: "v1", Data: []byte("x")})
	w.must("a", "start", Switch{On: false})
	w.refused("write-stopped", "a", "open", []string{"v1"})
	w.must("a", "start", Switch{On: true})
	w.must("a", "deport", Switch{On: true})
	w.refused("no-dg", "a", "open", []string{"v1"})
	w.must("a", "deport", Switch{On: false})
	w.must("a", "open", []string{"v1"})
	require.Equal(t, os.Getpid(), w.view("a").Open[0].PID)
	w.refused("write-range", "a", "write", Write{Volume: "v1", Offset: volumeSize, Data: []byte("x")})
	w.refused("volumes-open", "a", "start", Switch{On: false})
	w.refused("volumes-open", "a", "deport", Switch{On: true})
}

func TestAKilledPrimaryRecoversItsVolumesAndGoesOn(t *testing.T) {
	w := newWorld(t, 2, nil)
	w.put("a", 1, 0, 1)
	w.current("a", "b")
	w.kill("b")
	w.put("a", 2, 1, 2, 3)
	w.kill("a")
	// What is only in the SRL: the volume has lost its last write.
	path := DevicePath(w.roots["a"], "dg", "v2")
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	clear(b[3*blockSize/2/4096*4096:])
	require.NoError(t, os.WriteFile(path, b, 0o644))
	w.boot("a")
	w.boot("b")
	w.current("a", "b")
	w.same("a", "b")
	b, err = os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, byte(2), b[3*blockSize/2/4096*4096])
}

func TestAKilledSecondaryCatchesUp(t *testing.T) {
	w := newWorld(t, 2, nil)
	w.put("a", 1, 0, 1)
	w.kill("b")
	w.until("the RLINK must disconnect", func() bool { e, _ := w.end("a", "b"); return !e.Connected })
	w.put("a", 2, 2, 3, 4)
	e, _ := w.end("a", "b")
	require.GreaterOrEqual(t, e.Writes, int64(3))
	w.boot("b")
	w.current("a", "b")
	w.same("a", "b")
}

func TestCheckpointsHaveTheirLimitsAndTheirLife(t *testing.T) {
	w := newWorld(t, 2, nil)
	w.refused("not-primary", "b", "checkstart", Check{"x"})
	w.refused("cp-long", "a", "checkstart", Check{"a2345678901234567890"})
	w.refused("cp-none-open", "a", "checkend", nil)
	w.refused("cp-missing", "a", "checkdelete", Check{"x"})
	w.must("a", "checkstart", Check{"a234567890123456789"})
	w.refused("cp-exists", "a", "checkstart", Check{"a234567890123456789"})
	w.must("a", "checkend", nil)
	for n := len(w.view("a").Checkpoints); n < MaxCheckpoints; n++ {
		w.must("a", "checkstart", Check{"n" + strconv.Itoa(n)})
	}
	w.refused("cp-full", "a", "checkstart", Check{"one-more"})
	w.must("a", "checkdelete", Check{"n7"})
	w.must("a", "checkstart", Check{"one-more"})
}

func TestACheckpointOverflowsWhenTheSRLWrapsOverIt(t *testing.T) {
	w := newWorld(t, 2, func(c *Config, _ *State) { c.SRLSize = 40 << 10 })
	w.must("a", "detach", Detach{"b"})
	w.must("a", "checkstart", Check{"cp"})
	w.must("a", "checkend", nil)
	w.put("a", 1, 0, 1, 2, 3, 4, 5, 6, 7)
	require.False(t, w.view("a").Checkpoints[0].Overflowed)
	w.put("a", 2, 0, 1, 2)
	require.True(t, w.view("a").Checkpoints[0].Overflowed)
	w.refused("cp-overflowed", "a", "attach", Attach{Remote: "b", How: "c", Checkpoint: "cp"})
	w.refused("cp-missing", "a", "attach", Attach{Remote: "b", How: "c", Checkpoint: "none"})
	w.must("a", "checkstart", Check{"open"})
	w.refused("cp-not-ended", "a", "attach", Attach{Remote: "b", How: "c", Checkpoint: "open"})
}

func TestAnOverflowGoesOverToTheDCMAndResyncBringsItBack(t *testing.T) {
	w := newWorld(t, 2, func(c *Config, _ *State) { c.SRLSize = 40 << 10 })
	w.put("a", 1, 0, 1)
	w.current("a", "b")
	w.refused("not-overflow", "a", "resync", nil)
	old := w.sums("b")
	w.kill("b")
	for range 4 {
		w.put("a", 2, 2, 3, 4, 5, 6)
	}
	e, l := w.end("a", "b")
	require.Equal(t, ModeOverflow, l.Mode)
	require.NotZero(t, e.DCM)
	w.until("the RLINK must disconnect", func() bool { e, _ := w.end("a", "b"); return !e.Connected })
	w.refused("not-connected", "a", "resync", nil)
	w.boot("b")
	w.until("the RLINK must connect", func() bool { e, _ := w.end("a", "b"); return e.Connected })
	require.Equal(t, old, w.sums("b"), "without resync the Secondary keeps its old state")
	_, back := w.end("b", "a")
	require.True(t, back.Consistent)
	w.refused("migrate-resync", "a", "demote", Migrate{Other: "b"})
	w.must("a", "resync", nil)
	w.put("a", 3, 7, 8)
	w.current("a", "b")
	w.same("a", "b")
}

func TestWithoutSRLProtectionAnOverflowMakesTheRlinkStale(t *testing.T) {
	w := newWorld(t, 2, func(c *Config, s *State) {
		c.SRLSize = 40 << 10
		for _, l := range s.Links {
			l.SRLProt = "override"
		}
	})
	w.kill("b")
	for range 3 {
		w.put("a", 2, 2, 3, 4, 5, 6)
	}
	_, l := w.end("a", "b")
	require.False(t, l.Attached)
}

func TestASecondaryIsInconsistentUntilTheCheckpointsEnd(t *testing.T) {
	w := newWorld(t, 2, nil)
	w.must("a", "detach", Detach{"b"})
	w.must("b", "detach", Detach{"a"})
	w.must("a", "checkstart", Check{"cp"})
	w.put("a", 1, 0, 1, 2, 3)
	w.must("a", "checkend", nil)
	w.put("a", 2, 4)
	require.NoError(t, os.WriteFile(filepath.Join(w.roots["a"], Knobs, "slow-connect"), []byte("60000"), 0o644))
	w.must("b", "follow", Follow{Primary: "a"})
	w.must("a", "attach", Attach{Remote: "b", How: "c", Checkpoint: "cp"})
	e, l := w.end("a", "b")
	require.True(t, l.Attached)
	require.False(t, e.Connected, "startrep returns before the RLINK connects")
	require.Equal(t, "cp", l.Checkpoint)
	_, back := w.end("b", "a")
	require.False(t, back.Consistent)
	w.refused("not-connected", "a", "demote", Migrate{Other: "b"})
	w.refused("attached", "a", "attach", Attach{Remote: "b", How: "f"})
	w.kill("a")
	w.until("nobody takes over with inconsistent data", func() bool {
		return w.do("b", "takeover", Takeover{}) != nil && w.view("b").Role == Secondary
	})
	w.refused("inconsistent", "b", "takeover", Takeover{})
	w.boot("a")
	w.current("a", "b")
	w.same("a", "b")
}

func TestAutosyncCopiesEverythingAndEndsWhileWritesGoOn(t *testing.T) {
	w := newWorld(t, 2, nil)
	w.must("a", "detach", Detach{"b"})
	w.must("b", "detach", Detach{"a"})
	w.put("a", 1, 0, 5, 9)
	w.must("b", "follow", Follow{Primary: "a"})
	w.must("a", "attach", Attach{Remote: "b", How: "a"})
	w.put("a", 2, 1, 5)
	w.current("a", "b")
	w.same("a", "b")
}

func TestPausesOfEitherSideHoldReplicationBack(t *testing.T) {
	w := newWorld(t, 2, nil)
	w.current("a", "b")
	for _, side := range []struct{ host, remote string }{{"a", "b"}, {"b", "a"}} {
		w.must(side.host, "pause", Pause{Remote: side.remote, On: true})
		w.refused("paused", side.host, "pause", Pause{Remote: side.remote, On: true})
		w.until("the Primary must know", func() bool {
			_, l := w.end("a", "b")
			return l.PrimaryPaused || l.SecondaryPaused
		})
		before := w.sums("b")
		w.put("a", byte(len(before[0])+len(side.host)), 1)
		w.refused("not-up-to-date", "a", "demote", Migrate{Other: "b"})
		w.must(side.host, "pause", Pause{Remote: side.remote})
		w.refused("not-paused", side.host, "pause", Pause{Remote: side.remote})
		w.current("a", "b")
		w.same("a", "b")
	}
}

func TestASynchronousWriteIsOnTheSecondaryWhenItReturns(t *testing.T) {
	w := newWorld(t, 2, func(_ *Config, s *State) {
		for _, l := range s.Links {
			l.Sync = true
		}
	})
	w.current("a", "b")
	for n := range 20 {
		w.put("a", byte(n+1), n)
		w.same("a", "b")
	}
	w.kill("b")
	w.until("the RLINK must disconnect", func() bool { e, _ := w.end("a", "b"); return !e.Connected })
	w.put("a", 99, 1)
}

func TestBlocksGoOnlyToADetachedClosedSecondary(t *testing.T) {
	w := newWorld(t, 2, nil)
	s := Store{Stream: "1", Source: "a", Volume: "v1", Size: volumeSize}
	w.refused("already-primary", "a", "store", s)
	w.refused("sync-attached", "b", "store", s)
	w.must("a", "detach", Detach{"b"})
	w.refused("sync-attached", "b", "store", s)
	w.must("b", "detach", Detach{"a"})
	s.Size = 5
	w.refused("size-mismatch", "b", "store", s)
	s.Size = 0
	w.must("b", "store", s)
	other := s
	other.Stream = "2"
	w.refused("sync-other", "b", "store", other)
	_, l := w.end("b", "a")
	require.True(t, l.Consistent, "a question changes nothing")
	s.Number, s.Data = 1, make([]byte, blockSize)
	w.must("b", "store", s)
	_, l = w.end("b", "a")
	require.False(t, l.Consistent)
	hold, err := wire.Dial("unix", filepath.Join(w.roots["b"], Socket), time.Second)
	require.NoError(t, err)
	defer hold.Close()
	require.NoError(t, hold.Ask("hold", []string{"v1"}, nil, patience))
	w.refused("target-open", "b", "store", s)
}
