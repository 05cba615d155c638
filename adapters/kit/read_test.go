package kit_test

import (
	"context"
	"errors"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// printing is a host on which every command prints the same.
type printing struct {
	kit.Host
	out kit.Output
	err error
}

func (h printing) Read(context.Context, dr.Command) (kit.Output, error) { return h.out, h.err }

func TestOnlyAWholeAndRecognisedOutputIsAReading(t *testing.T) {
	for _, c := range []struct {
		host printing
		code string
	}{
		{printing{out: kit.Output{Stdout: "7", HostTime: 9}}, ""},
		{printing{out: kit.Output{Stdout: "7", HostTime: 9, Truncated: true}}, "cut_off"},
		{printing{out: kit.Output{Stdout: "seven", HostTime: 9}}, "unrecognised"},
		{printing{err: dr.Refuse("host_key", "another key")}, "host_key"},
	} {
		n, at, err := kit.ReadParsed(t.Context(), kit.Env{Hosts: only{c.host}}, "east", dr.Command{Host: "db-east"}, strconv.Atoi)
		if c.code == "" {
			require.NoError(t, err)
			require.Equal(t, 7, n)
			require.Equal(t, kit.HostTime(9), at)
			continue
		}
		require.True(t, dr.HasCode(err, c.code), "%v", err)
		require.Zero(t, n)
		require.Zero(t, at, "a clock without a reading bounds no guard")
	}
}

func TestOfPlacesThatAreReadAtTheSameTimeEachHasItsOwnError(t *testing.T) {
	no := errors.New("no")
	rs, ts, errs := kit.ReadEach([]int{1, 2}, func(n int) (string, kit.HostTime, error) {
		if n == 2 {
			return "", 0, no
		}
		return "one", 5, nil
	})
	require.Equal(t, []string{"one", ""}, rs)
	require.Equal(t, []kit.HostTime{5, 0}, ts)
	require.Equal(t, []error{nil, no}, errs)
}
