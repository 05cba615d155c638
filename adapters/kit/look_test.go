package kit_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

type place string

func (p place) SiteName() string { return string(p) }

func lookWith(read func(place) (int, error)) kit.Look[place, int] {
	return kit.Look[place, int]{
		Product: "shop", Source: func(p place) string { return "ssh " + string(p) }, Read: read,
		Describe: func(p place, n int, at time.Time) dr.SiteSituation {
			return dr.SiteSituation{Site: string(p), Reachable: dr.Yes, Summary: "read", At: at}
		},
	}
}

func TestASiteThatCannotBeReadIsUnknownAndIsCalledDeadOnlyWhenNobodyAnswered(t *testing.T) {
	noon := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	env := kit.Env{Now: func() time.Time { return noon }}
	for code, want := range map[string]dr.Tri{
		"unreachable": dr.No, "deadline": dr.Unknown, "cut_off": dr.Unknown, "host_key": dr.Unknown, "unrecognised": dr.Yes, "tool": dr.Yes,
	} {
		s := lookWith(func(place) (int, error) { return 0, dr.Retry(code, "it went wrong") }).Observe(env, kit.SiteList[place]{"east"}, "east")
		require.Equal(t, want, s.Reachable, code)
		require.Equal(t, dr.RoleUnknown, s.Role)
		require.Equal(t, dr.Unknown, s.AcceptsWrites)
		require.Nil(t, s.Refusal)
		require.Equal(t, "shop.read", s.Facts[0].Name)
		require.Equal(t, "ssh east", s.Facts[0].Source)
	}
	s := lookWith(func(place) (int, error) { return 0, errors.New("surprise") }).Observe(env, kit.SiteList[place]{"east"}, "east")
	require.Equal(t, dr.Unknown, s.Reachable)
	s = lookWith(func(place) (int, error) { return 0, dr.Refuse("auth", "the login is refused") }).Observe(env, kit.SiteList[place]{"east"}, "east")
	require.Equal(t, dr.Yes, s.Reachable)
	require.Equal(t, "auth", s.Refusal.Code, "somebody must mend the login first")
	s = lookWith(nil).Observe(env, kit.SiteList[place]{"east"}, "west")
	require.Equal(t, "the inventory has no such site", s.Summary)
}

func TestAReadingStandsInTheSituationForTheAdapterAlone(t *testing.T) {
	env := kit.Env{Now: time.Now}
	s := lookWith(func(place) (int, error) { return 7, nil }).Observe(env, kit.SiteList[place]{"east", "west"}, "west")
	require.JSONEq(t, "7", string(s.Detail))
	require.Equal(t, map[string]int{"west": 7}, kit.Details[int](dr.Situation{Sites: []dr.SiteSituation{s}}))
	require.Equal(t, []string{"east", "west"}, kit.SiteList[place]{"east", "west"}.Names())
	require.Equal(t, []place{"east"}, kit.SiteList[place]{"east", "west"}.Others("west"))
}

func TestAProcedureThatAProductDoesNotHaveIsRefusedByName(t *testing.T) {
	said := ""
	say := func(s string) func() error { return func() error { said = s; return nil } }
	p := kit.Procedures{Takeover: say("takeover"), Failback: say("failback"), Reseed: say("reseed")}
	for _, name := range []dr.Procedure{dr.ProcTakeover, dr.ProcFailback, dr.ProcReseed} {
		require.NoError(t, p.Plan("Shop", dr.Request{Procedure: name}))
		require.Equal(t, string(name), said)
	}
	require.ErrorContains(t, p.Plan("Shop", dr.Request{Procedure: "drill"}), `Shop has no procedure "drill"`)
}

func TestASiteIsCalledTheOnePrimaryOnlyWhenNoOtherMayBe(t *testing.T) {
	sit := func(east, west dr.Tri) dr.Situation {
		return dr.Situation{Sites: []dr.SiteSituation{{Site: "east", AcceptsWrites: east}, {Site: "west", AcceptsWrites: west, Summary: "not read"}}}
	}
	require.NoError(t, kit.OnlyPrimary(sit(dr.Yes, dr.No), "east"))
	err := kit.OnlyPrimary(sit(dr.Yes, dr.Unknown), "east")
	require.ErrorContains(t, err, "it may be the one that took over")
	require.Equal(t, dr.ClassRefuse, dr.ClassOf(err))
}

func TestNobodyIsSaidToBePrimaryOnlyWhenEverySiteIsRead(t *testing.T) {
	sit := dr.Situation{Sites: []dr.SiteSituation{{Site: "east", AcceptsWrites: dr.No}, {Site: "west", AcceptsWrites: dr.Unknown, Summary: "psql hung"}}}
	err := kit.NoPrimary(sit, "shop", "fail back from")
	require.Equal(t, dr.ClassRefuse, dr.ClassOf(err))
	require.EqualError(t, err, "no site of shop is known to accept writes, so it is not known where to fail back from: whether west accepts writes is not known (psql hung); "+
		"next: make the primary readable and try again; take over only when you know that it is lost")
	require.Contains(t, kit.NobodyWrites(sit), "whether west accepts writes is not known (psql hung)")
	sit.Sites[1].AcceptsWrites = dr.No
	require.ErrorContains(t, kit.NoPrimary(sit, "shop", "fail back from"), "no site of shop accepts writes")
	require.Equal(t, "no site accepts writes now", kit.NobodyWrites(sit))
}
