package instance

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func newSite(t *testing.T) Config {
	t.Helper()
	c := Config{SID: "DRT", Number: "07", Host: "dba01", Listen: "127.0.0.1", Members: []string{"dba01"}, Tenants: []string{"DRT", "CRM", "BW"}, root: t.TempDir()}
	require.NoError(t, os.MkdirAll(filepath.Dir(c.GlobalIni()), 0o755))
	return c
}

func TestAnIniFileKeepsItsOrderAndItsComments(t *testing.T) {
	f := ParseIni("# by hand\n[persistence]\nbasepath = /hana\n\n[system_replication]\nmode = none\n; more\n")
	f.Set("system_replication", "mode", "primary")
	f.Set("system_replication", "site_id", "1")
	f.Set("persistence", "basepath", "")
	f.Set("new", "a", "b=c")
	require.Equal(t, "# by hand\n[persistence]\n\n[system_replication]\nmode = primary\n; more\nsite_id = 1\n\n[new]\na = b=c\n", f.String())
	require.Equal(t, "b=c", f.Get("new", "a"))
	require.Empty(t, f.Get("missing", "a"))
}

func TestPortsFollowTheInstanceNumber(t *testing.T) {
	c := newSite(t)
	require.Equal(t, []int{30701, 30713, 30715, 30741, 40702, 50713}, []int{c.NameserverPort(), c.SystemSQLPort(), c.TenantSQLPort(0), c.TenantSQLPort(1), c.ReplicationPort(), c.StartPort()})
}

func TestASitesFilesTellItsRoleThroughItsWholeLife(t *testing.T) {
	c := newSite(t)
	s, err := c.Load()
	require.NoError(t, err)
	require.Equal(t, ModeNone, s.Mode)
	_, err = c.Update(func(s *Site) error { return s.Enable("NORTH", []string{"dba01"}) })
	require.NoError(t, err)
	ini, err := os.ReadFile(c.GlobalIni())
	require.NoError(t, err)
	require.Equal(t, "[system_replication]\nmode = primary\nactual_mode = primary\nsite_id = 1\nsite_name = NORTH\n", string(ini))
	require.NoError(t, c.Registered(Registration{
		RegisterArgs: RegisterArgs{Name: "NORTH", Mode: ModeSync, OperationMode: OperationReplay},
		Registered:   Registered{ID: 1, SourceID: 2, Sites: []Known{{ID: 1, Name: "NORTH", Mode: ModeSync, Source: 2}, {ID: 2, Name: "SOUTH", Mode: ModePrimary, Hosts: []string{"dbb01"}}}},
		Master:       "dbb01:30701", Force: true,
	}))
	s, err = c.Load()
	require.NoError(t, err)
	require.True(t, s.Secondary())
	require.True(t, s.ForceFull)
	require.Equal(t, []string{"dbb01:30701"}, s.Masters)
	require.Equal(t, 2, s.Tier(1))
	s, err = c.Update(func(s *Site) error {
		s.BecomePrimary(Takeover{ID: "x", SourceID: 2})
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, ModePrimary, s.Mode)
	require.True(t, s.ByID(2).Gone)
	require.Equal(t, 3, s.NextID(), "a number stays its site's")
	_, err = c.Update(func(s *Site) error {
		s.Clear()
		return nil
	})
	require.NoError(t, err)
	ini, err = os.ReadFile(c.GlobalIni())
	require.NoError(t, err)
	require.NotContains(t, string(ini), "site_name")
}

func TestChangesOfManyProcessesAtOnceAreAllKept(t *testing.T) {
	c := newSite(t)
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			_, err := c.Update(func(s *Site) error {
				s.Put(Known{ID: i + 1, Name: strings.Repeat("x", i+1)})
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	s, err := c.Load()
	require.NoError(t, err)
	require.Len(t, s.Sites, 20)
}

func TestSiteNamesFollowTheirRule(t *testing.T) {
	for name, good := range map[string]bool{"NORTH": true, "n1": true, "a_b-c": true, "": false, "x": false, "-ab": false, "a b": false, strings.Repeat("x", 33): false} {
		require.Equal(t, good, CheckSiteName(name) == nil, name)
	}
}

func TestEveryTextSaysHowWellItIsKnown(t *testing.T) {
	for name, w := range Wordings {
		require.NotEmpty(t, w.Text, name)
		require.NotEmpty(t, w.Source, name)
		require.Contains(t, []Confidence{Seen, Meaning}, w.Confidence, name)
	}
}

func FuzzIni(f *testing.F) {
	f.Add("[a]\nb = c\n", "a", "b")
	f.Add("\n\n[", "x", "y")
	f.Fuzz(func(t *testing.T, text, section, key string) {
		if strings.ContainsAny(section+key, "[]=\n\r#; \t") || key == "" || section == "" || strings.TrimSpace(key) != key || strings.TrimSpace(section) != section {
			return
		}
		file := ParseIni(text)
		file.Set(section, key, "value")
		require.Equal(t, "value", file.Get(section, key))
	})
}
