package vvr

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWrongSettingsAreRefusedInASentence(t *testing.T) {
	for name, value := range map[string]string{
		"colour": "red", "names": "mine", "volumes": "0", "dcm": "yes", "pace": "fast", "srl-kb": "1", "vcs": "yes", "heartbeat": "2h",
	} {
		_, err := readSettings(map[string]string{name: value})
		require.ErrorContains(t, err, name)
	}
}

func TestSettingsChangeOnlyWhatTheyName(t *testing.T) {
	plain, err := readSettings(nil)
	require.NoError(t, err)
	s, err := readSettings(map[string]string{"pace": "5ms", "dcm": "off", "volumes": "3", "order": "manual", "srl_stop_percent": "70", "sudo": "true"})
	require.NoError(t, err)
	require.Equal(t, map[string]any{"order": "manual", "srl_stop_percent": 70, "sudo": true}, s.inventory)
	require.Equal(t, 5*time.Millisecond, s.pace)
	require.False(t, s.dcm)
	require.Equal(t, 3, s.volumes)
	s.pace, s.dcm, s.volumes, s.inventory = plain.pace, plain.dcm, plain.volumes, plain.inventory
	require.Equal(t, plain, s)
}
