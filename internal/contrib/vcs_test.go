package contrib_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/contrib"
	"github.com/switchback-dr/switchback/internal/inventory"
)

// cluster is a hagrp whose group changes a moment after it was told to.
const cluster = `#!/bin/sh
case "$1" in
-online | -offline)
	[ "$2 $3" = "shop_grp -any" ] || exit 1
	case $1 in -online) v=ONLINE ;; *) v=OFFLINE ;; esac
	(sleep 0.2; printf '#Group Attribute System Value\nshop_grp State sea01 |%s|\nshop_grp State sea02 |OFFLINE|\n' $v >"$STATE.new"; mv "$STATE.new" "$STATE") >/dev/null 2>&1 &
	;;
-state) cat "$STATE" ;;
esac
`

// vcs runs the commands of a service group against a hagrp of the test's.
type vcs struct {
	t    *testing.T
	dir  string
	run  map[string][]string
	show []string
}

func newVCS(t *testing.T) *vcs {
	t.Helper()
	v := &vcs{t: t, dir: t.TempDir(), run: map[string][]string{}}
	for name, text := range map[string]string{"hagrp": cluster, "sudo": "#!/bin/sh\nshift\nexec \"$@\"\n"} {
		require.NoError(t, os.WriteFile(filepath.Join(v.dir, name), []byte(text), 0o755))
	}
	app := inventory.Application{Name: "shop", Hosts: map[string]string{"east": "app1", "west": "app2"}, Group: "shop_grp", Timeout: dr.Duration(time.Minute)}
	for _, name := range []string{"app.stop", "app.start"} {
		in, d := takeover()
		st := planned(t, contrib.Applications{List: []inventory.Application{app}}, in, d, name)
		c, err := action(t, name).Render(st.Args)
		require.NoError(t, err)
		v.run[name] = c[0].Argv
	}
	v.show = []string{"sh", "-c", contrib.GroupProof, "sh", "shop_grp"}
	return v
}

// exits runs a command and gives its exit code.
func (v *vcs) exits(argv []string) int {
	v.t.Helper()
	c := exec.CommandContext(v.t.Context(), argv[0], argv[1:]...)
	c.Env = append(os.Environ(), "PATH="+v.dir+":"+os.Getenv("PATH"), "STATE="+filepath.Join(v.dir, "state"))
	out, _ := c.CombinedOutput()
	v.t.Logf("%s", out)
	return c.ProcessState.ExitCode()
}

func (v *vcs) says(text string) {
	require.NoError(v.t, os.WriteFile(filepath.Join(v.dir, "state"), []byte(text), 0o600))
}

func TestAServiceGroupIsRunningOrStoppedOnlyWhereEverySystemSaysSo(t *testing.T) {
	v := newVCS(t)
	const head = "#Group       Attribute             System       Value\n"
	for text, want := range map[string]int{
		head + "shop_grp State sea01 |ONLINE|\nshop_grp State sea02 |OFFLINE|\n":           0,
		head + "shop_grp State sea01 |OFFLINE|\nshop_grp State sea02 |OFFLINE|\n":          3,
		head + "shop_grp State sea01 |PARTIAL|\nshop_grp State sea02 |OFFLINE|\n":          1,
		head + "shop_grp State sea01 |OFFLINE|FAULTED|\nshop_grp State sea02 |OFFLINE|\n":  1,
		head + "shop_grp State sea01 |ONLINE|STOPPING|\nshop_grp State sea02 |OFFLINE|\n":  1,
		head + "shop_grp State sea01 |OFFLINE|STARTING|\nshop_grp State sea02 |OFFLINE|\n": 1,
		head:                                    1,
		"VCS WARNING V-16-1-0 something else\n": 1,
	} {
		v.says(text)
		require.Equal(t, want, v.exits(v.show), "%s", text)
	}
}

func TestAServiceGroupIsWaitedForBecauseHagrpDoesNotWait(t *testing.T) {
	v := newVCS(t)
	v.says("shop_grp State sea01 |ONLINE|\n")
	require.Zero(t, v.exits(v.run["app.stop"]))
	require.Equal(t, 3, v.exits(v.show))
	require.Zero(t, v.exits(v.run["app.start"]))
	require.Zero(t, v.exits(v.show))
}
