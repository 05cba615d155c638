package kit_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

func TestTheOldPrimaryIsTheOneThatSaysSoThenTheOneThatIsRemembered(t *testing.T) {
	two, three := kit.SiteList[place]{"east", "west"}, kit.SiteList[place]{"east", "west", "far"}
	writes := dr.SiteSituation{Site: "far", AcceptsWrites: dr.Yes, Role: dr.RolePrimary}
	closed := dr.SiteSituation{Site: "east", AcceptsWrites: dr.No, Role: dr.RolePrimary}
	self := dr.SiteSituation{Site: "west", AcceptsWrites: dr.No, Role: dr.RolePrimary}
	east := &dr.Memory{Primary: "east"}
	for _, c := range []struct {
		what  string
		sites kit.SiteList[place]
		seen  []dr.SiteSituation
		told  string
		memo  *dr.Memory
		want  string
	}{
		{"the one that accepts writes", three, []dr.SiteSituation{closed, writes}, "east", east, "far"},
		{"the one that is closed and has the role", three, []dr.SiteSituation{closed, self}, "far", &dr.Memory{Primary: "far"}, "east"},
		{"two that have it prove nothing", three, []dr.SiteSituation{closed, {Site: "far", Role: dr.RolePrimary}}, "far", east, "far"},
		{"the one that is remembered", three, nil, "", east, "east"},
		{"the promoted site itself is no memory", three, nil, "", &dr.Memory{Primary: "west"}, ""},
		{"the only other one", two, nil, "", nil, "east"},
		{"nobody knows which of two", three, nil, "", nil, ""},
	} {
		require.Equal(t, c.want, c.sites.OldPrimary(dr.Situation{Sites: c.seen, Memory: c.memo}, "west", c.told), c.what)
	}
}
