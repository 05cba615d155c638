package sim

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestALockFileSaysWhoHoldsADatabaseAsLongAsTheHolderLives(t *testing.T) {
	db := filepath.Join(t.TempDir(), "depot")
	require.Empty(t, holder(db, "east"))
	l, err := takeLock(db, "east", modeStarting)
	require.NoError(t, err)
	require.Equal(t, modeStarting, holder(db, "east"))
	require.NoError(t, l.set(modeMulti))
	require.Equal(t, modeMulti, holder(db, "east"))
	_, err = takeLock(db, "east", modeSingle)
	require.ErrorContains(t, err, "(276)")
	l.release()
	require.NoFileExists(t, db+".lk")
	require.Empty(t, holder(db, "east"))
	l, err = takeLock(db, "east", modeSingle)
	require.NoError(t, err)
	_, err = takeLock(db, "east", modeMulti)
	require.ErrorContains(t, err, "(263)")
	l.release()
}

func TestADeadHoldersLockFileIsTakenOverHereAndBelievedElsewhere(t *testing.T) {
	db := filepath.Join(t.TempDir(), "depot")
	l, err := takeLock(db, "east", modeMulti)
	require.NoError(t, err)
	require.NoError(t, l.file.Close()) // what a kill does
	require.FileExists(t, db+".lk")
	require.Empty(t, holder(db, "east"))
	require.Equal(t, modeMulti, holder(db, "west"))
	_, err = takeLock(db, "west", modeMulti)
	require.ErrorContains(t, err, "(276)")
	l, err = takeLock(db, "east", modeMulti)
	require.NoError(t, err)
	l.release()
	require.NoError(t, os.WriteFile(db+".lk", []byte("nonsense"), 0o600))
	require.Equal(t, modeMulti, holder(db, "east"), "what cannot be read is believed")
}

func TestAHistoryIsABeginningOfAnotherOnlyUpToWhereThatLeftIt(t *testing.T) {
	m := &master{Lineage: []line{{"a", 0}, {"b", 100}}}
	require.True(t, m.lineAt("a", 100, 150))
	require.False(t, m.lineAt("a", 101, 150), "it has transactions of its own")
	require.True(t, m.lineAt("b", 150, 150))
	require.False(t, m.lineAt("b", 151, 150))
	require.False(t, m.lineAt("c", 1, 150))
}

func TestEveryStateHasAGroupAndWords(t *testing.T) {
	for code, s := range statusOf {
		require.Contains(t, []int{groupConnecting, groupProcessing, groupHalted, groupPre, groupListening, groupTransition, groupInactive}, s.group)
		require.NotEmpty(t, s.words.words)
		require.Less(t, code, 7000)
	}
	require.Equal(t, groupProcessing, statusOf[codeServerNormal].group)
	require.Equal(t, groupProcessing, statusOf[codeAgentNormal].group)
	require.Equal(t, groupPre, statusOf[codePreTransition].group)
	require.Equal(t, groupHalted, statusOf[codeOnlineBackup].group)
	require.Equal(t, groupInactive, statusOf[codeServerEnded].group)
}
