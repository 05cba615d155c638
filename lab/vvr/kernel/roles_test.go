package kernel

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAMigrationExchangesTheRolesAndEveryMemberFollows(t *testing.T) {
	w := newWorld(t, 3, nil)
	w.put("a", 1, 0, 1, 2)
	w.current("a", "b")
	w.current("a", "c")
	w.refused("not-primary", "b", "demote", Migrate{Other: "a"})
	w.must("a", "demote", Migrate{Other: "b"})
	require.Equal(t, Secondary, w.view("a").Role)
	require.Equal(t, Secondary, w.view("b").Role, "there are never two Primaries")
	w.must("b", "promote", Migrate{Other: "a", Members: []string{"c"}})
	w.must("c", "follow", Follow{Primary: "b", Consistent: true, Switch: true})
	w.put("b", 2, 2, 3)
	w.current("b", "a")
	w.current("b", "c")
	w.same("a", "b", "c")
	w.refused("not-secondary", "b", "promote", Migrate{Other: "a"})
}

func TestAMigrationIsRefusedWhileAnythingIsMissingAndUndoneWhenTheOtherHalfFails(t *testing.T) {
	w := newWorld(t, 3, nil)
	w.put("a", 1, 0, 1)
	w.current("a", "b")
	w.current("a", "c")
	w.must("a", "hold", []string{"v1"})
	w.refused("volumes-open", "a", "demote", Migrate{Other: "b"})
	w.ask["a"].Close()
	w.kill("a")
	w.boot("a")
	w.current("a", "b")
	w.kill("c")
	w.until("c must be disconnected", func() bool { e, _ := w.end("a", "c"); return !e.Connected })
	w.refused("not-connected", "a", "demote", Migrate{Other: "b"})
	w.boot("c")
	w.current("a", "c")
	require.NoError(t, os.WriteFile(filepath.Join(w.roots["b"], Knobs, "migrate-fails"), nil, 0o644))
	before := w.view("a")
	w.must("a", "demote", Migrate{Other: "b"})
	w.refused("fault-migration", "b", "promote", Migrate{Other: "a"})
	w.must("a", "undo-demote", nil)
	require.Equal(t, before.State, w.view("a").State)
	w.put("a", 2, 1)
	w.current("a", "b")
	w.same("a", "b")
}

func TestAMigrationThatACrashInterruptedCanBeUndoneOrEnded(t *testing.T) {
	w := newWorld(t, 2, nil)
	w.put("a", 1, 0, 1)
	w.current("a", "b")
	before := w.view("a")
	w.must("a", "demote", Migrate{Other: "b"})
	w.kill("a")
	w.boot("a")
	half := w.view("a")
	require.Equal(t, Secondary, half.Role)
	require.Equal(t, "b", half.MigratesTo)
	w.must("a", "undo-demote", nil)
	require.Equal(t, before.State, w.view("a").State)
	w.current("a", "b")
	w.must("a", "demote", Migrate{Other: "b"})
	w.must("b", "promote", Migrate{Other: "a"})
	w.must("a", "migrated", nil)
	w.refused("not-secondary", "a", "undo-demote", nil)
	w.current("b", "a")
}

func TestATakeoverNeedsAPrimaryThatIsGone(t *testing.T) {
	w := newWorld(t, 2, nil)
	w.put("a", 1, 0)
	w.current("a", "b")
	w.refused("is-primary", "a", "takeover", Takeover{})
	w.refused("primary-up", "b", "takeover", Takeover{})
	w.takeOver(false, false)
	v := w.view("b")
	require.Equal(t, Primary, v.Role)
	e, l := v.End("a")
	require.False(t, l.Attached, "after -N the RLINK to the old Primary is stale, on purpose")
	require.True(t, l.Removed)
	require.False(t, e.Connected)
	w.refused("is-primary", "b", "takeover", Takeover{})
}

func TestFastFailbackNeedsADCMOnEachVolume(t *testing.T) {
	w := newWorld(t, 2, func(_ *Config, s *State) { s.Volumes[1].DCM = false })
	w.current("a", "b")
	w.kill("a")
	w.until("the Primary must be out of reach", func() bool { e, _ := w.end("b", "a"); return !e.Heard })
	w.until("-N must go", func() bool {
		if err := w.do("b", "takeover", Takeover{Failback: true}); err != nil && w.view("b").Role == Primary {
			return false
		}
		return w.do("b", "takeover", Takeover{}) == nil
	})
	require.False(t, w.view("b").Failback)
}

func TestAnOldPrimaryWithoutFastFailbackStaysPrimaryUntilMakesec(t *testing.T) {
	w := newWorld(t, 3, nil)
	w.put("a", 1, 0, 1, 2)
	w.current("a", "b")
	w.refused("no-primaryprimary", "a", "makesec", Makesec{Name: "b"})
	w.takeOver(false, false)
	w.boot("a")
	w.until("both must know", func() bool {
		one, _ := w.end("a", "b")
		two, _ := w.end("b", "a")
		return one.Other.Two && two.Other.Two
	})
	require.False(t, w.view("a").Acting)
	w.put("a", 7, 9)
	w.put("b", 2, 4, 5)
	w.refused("no-primaryprimary", "a", "makesec", Makesec{Name: "c"})
	w.refused("no-primaryprimary", "a", "makesec", Makesec{Name: "nobody"})
	w.refused("not-primary", "c", "makesec", Makesec{Name: "b"})
	w.refused("not-up-to-date", "a", "makesec", Makesec{Name: "b"})
	w.must("a", "hold", []string{"v1"})
	w.refused("volumes-open", "a", "makesec", Makesec{Name: "b", Force: true})
	w.ask["a"].Close()
	w.kill("a")
	w.boot("a")
	w.until("makesec must go when the volumes are closed", func() bool { return w.do("a", "makesec", Makesec{Name: "b", Force: true}) == nil })
	v := w.view("a")
	require.Equal(t, Secondary, v.Role)
	for _, l := range v.Links {
		require.False(t, l.Attached)
	}
	w.until("the error must be gone", func() bool { e, _ := w.end("b", "a"); return !e.Other.Two })
	w.refused("not-primary", "a", "makesec", Makesec{Name: "b"})
}

func TestFastFailbackMergesWhatTheOldPrimaryNeverSent(t *testing.T) {
	w := newWorld(t, 2, nil)
	w.put("a", 1, 0, 1, 2)
	w.current("a", "b")
	w.kill("b")
	w.until("b must be disconnected", func() bool { e, _ := w.end("a", "b"); return !e.Connected })
	w.put("a", 7, 9)
	w.kill("a")
	w.boot("b")
	w.until("b must take over", func() bool { return w.do("b", "takeover", Takeover{Failback: true}) == nil })
	w.put("b", 2, 4)
	e, l := w.end("b", "a")
	require.Equal(t, ModeFailback, l.Mode)
	require.Equal(t, int64(blockSize), e.DCM)
	w.refused("unreachable", "b", "fbsync", Detach{})
	w.boot("a")
	w.until("a must be an acting secondary", func() bool { return w.view("a").Acting && w.view("a").Merged })
	w.refused("write-acting", "a", "open", []string{"v1"})
	w.refused("fast-failback", "a", "makesec", Makesec{Name: "b", Force: true})
	w.until("the union is in the new Primary's DCM", func() bool {
		e, _ := w.end("b", "a")
		return e.DCM == 2*blockSize
	})
	w.until("fbsync must be allowed", func() bool { return w.do("b", "fbsync", Detach{}) == nil })
	w.put("b", 3, 5, 9)
	w.current("b", "a")
	require.Equal(t, Secondary, w.view("a").Role)
	w.same("a", "b")
	w.refused("not-failback", "b", "fbsync", Detach{})
}

func TestAutofbSynchronisesByItselfWhenTheOldPrimaryReturns(t *testing.T) {
	w := newWorld(t, 2, nil)
	w.put("a", 1, 0)
	w.current("a", "b")
	w.takeOver(true, true)
	w.put("b", 2, 1, 2)
	w.boot("a")
	w.current("b", "a")
	w.same("a", "b")
}

func TestAFailbackReplayThatIsKilledOnEitherSideGoesOn(t *testing.T) {
	for _, victim := range []string{"a", "b"} {
		t.Run(victim, func(t *testing.T) {
			w := newWorld(t, 2, nil)
			w.put("a", 1, 0)
			w.current("a", "b")
			w.takeOver(true, false)
			w.put("b", 2, 1, 2, 3, 4, 5, 6, 7, 8)
			w.boot("a")
			w.until("a must be an acting secondary", func() bool { return w.view("a").Merged })
			require.NoError(t, os.WriteFile(filepath.Join(w.roots["b"], Knobs, "slow-sync"), []byte("50"), 0o644))
			w.until("fbsync must be allowed", func() bool { return w.do("b", "fbsync", Detach{}) == nil })
			w.until("some regions must be there", func() bool {
				e, l := w.end("b", "a")
				return l.Resync && e.DCM > 0 && e.DCM < 8*blockSize
			})
			w.kill(victim)
			w.boot(victim)
			w.current("b", "a")
			w.same("a", "b")
		})
	}
}

func TestOnlyOneRlinkOfASecondaryIsActive(t *testing.T) {
	w := newWorld(t, 3, nil)
	w.refused("other-active", "c", "follow", Follow{Primary: "b"})
	w.refused("attached", "c", "follow", Follow{Primary: "a"})
	w.refused("not-secondary", "a", "follow", Follow{Primary: "b"})
	w.must("c", "detach", Detach{"a"})
	w.refused("detached", "c", "detach", Detach{"a"})
	w.must("c", "follow", Follow{Primary: "b", DryRun: true})
	_, l := w.end("c", "b")
	require.False(t, l.Attached)
}

func TestRlinksAreMadeAndRemovedOnlyWhileDetached(t *testing.T) {
	w := newWorld(t, 2, nil)
	w.refused("still-on", "a", "del-link", Detach{"b"})
	w.refused("rlink-exists", "a", "add-link", Detach{"b"})
	w.refused("unknown-host", "a", "del-link", Detach{"x"})
	w.must("a", "detach", Detach{"b"})
	w.must("a", "del-link", Detach{"b"})
	w.refused("unknown-host", "a", "attach", Attach{Remote: "b", How: "f"})
	w.must("a", "add-link", Detach{"b"})
	_, l := w.end("a", "b")
	require.False(t, l.Attached)
	require.Equal(t, "rlk_b_rvg", l.Name)
}
