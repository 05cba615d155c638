package postgres

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters/adaptertest"
	"github.com/switchback-dr/switchback/dr"
)

func TestWhatTheLoginMayNotSeeIsNotCalledAbsent(t *testing.T) {
	dir, closed := adaptertest.ClosedDoor(t, "pgdata")
	for name, c := range map[string]struct {
		data     string
		exists   dr.Tri
		running  dr.Tri
		notOwner bool
		says     string
	}{
		"what is not there, is not there":             {filepath.Join(dir, "none", "pgdata"), dr.No, dr.No, false, "there is no data directory"},
		"below a directory that may not be searched":  {filepath.Join(closed, "pgdata"), dr.Unknown, dr.Unknown, true, "cannot see whether the server runs"},
		"in a directory that may not be searched":     {closed, dr.Yes, dr.Unknown, true, "cannot see whether the server runs"},
		"a directory of somebody else, without a pid": {"/etc", dr.Yes, dr.Unknown, true, "cannot see whether the server runs"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.data == closed && os.Geteuid() != 0 {
				c.running, c.notOwner, c.says = dr.No, false, "not running" // its owner is who looks
			}
			p := Place{Site: "east", Host: "pg-east", Data: c.data, Socket: dir, Port: 5432, User: "u", Database: "d", Bin: filepath.Join(dir, "bin")}
			r, err := ParseReading(adaptertest.AsNobody(t, p.observation(full)))
			require.NoError(t, err)
			require.Equal(t, c.exists, r.DataExists, "data")
			require.Equal(t, c.running, r.Running, "running")
			require.Equal(t, c.notOwner, r.NotOwner)
			require.Equal(t, c.running == dr.No, r.AcceptsWrites() == dr.No)
			require.Contains(t, strings.ToLower(summary(r)), c.says)
		})
	}
}

func TestASiteWithoutItsDirectoryWhoseAddressAnswersMayAcceptWrites(t *testing.T) {
	r := Reading{DataExists: dr.No, Running: dr.No, Server: &Server{Data: "/srv/other", System: "7"}}
	require.Equal(t, dr.Unknown, r.AcceptsWrites())
	require.Contains(t, summary(r), "/srv/other")
	s := describe(site{Name: "east", Place: Place{Site: "east", Data: "/srv/pg"}}, r, time.Unix(1000, 0))
	require.Equal(t, dr.Unknown, s.AcceptsWrites)
	require.Equal(t, dr.RoleUnknown, s.Role)
}
