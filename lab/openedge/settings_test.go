package openedge_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/lab/labkit"
	"github.com/switchback-dr/switchback/lab/openedge"
)

func TestASettingThatIsNoneIsOneClearSentence(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]string{
		"colour=red":     `no setting "colour": it has ai-extents, ai-kb`,
		"ai-kb=1":        "size of each, in KB) is \"1\": it must be a number from 2 on",
		"takeover=quick": "it must be failover or controlled",
		"archiver=":      "it must be on or off",
	} {
		var o labkit.Options
		require.NoError(t, o.Set(setting))
		_, err := labkit.Up(t.Context(), openedge.Product{}, filepath.Join(t.TempDir(), "lab"), o)
		require.ErrorContains(t, err, want)
	}
	_, err := labkit.Up(t.Context(), openedge.Product{}, filepath.Join(t.TempDir(), "lab"), labkit.Options{Sync: true})
	require.ErrorContains(t, err, "asynchronous")
}

func TestTheInventoryNamesPlacesThatAreThere(t *testing.T) {
	t.Parallel()
	b := up(t, 2, "extents=mounted", "takeover=controlled", "transfer=shared", "reseed=enable", "target-creation=false")
	e := b.System.Entry()
	require.Equal(t, "depot", e.System)
	require.Equal(t, map[string]any{"takeover": "controlled", "transfer": "shared", "reseed": "enable", "target_creation": false}, e.Product)
	for site, node := range e.Sites {
		for _, name := range []string{"dlc", "promsgs", "spool", "ssh_config"} {
			b.sh(site, "[ -e '"+node[name].(string)+"' ]")
		}
		b.sh(site, "[ -f '"+node["database"].(string)+".db' ]")
		for other, dir := range node["extents"].(map[string]string) {
			b.sh(site, "[ -e '"+dir+"/depot.a1' ] # "+other)
		}
	}
	require.Equal(t, e.Sites["east"]["spool"], e.Sites["west"]["spool"])
	b.sh("east", "probkup online $DB $SPOOL/seed.bck")
	b.sh("west", "prorest $DB "+e.Sites["west"]["spool"].(string)+"/seed.bck -vp")
	east := e.Sites["east"]["ssh"].(string)
	require.Equal(t, "east", b.sh("west", "ssh -F "+e.Sites["west"]["ssh_config"].(string)+" "+east+` 'echo $LAB_HOST'`))
}
