package kit_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters/adaptertest"
	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

type settings struct {
	Port int `yaml:"port"`
}

func TestSettingsMayBeLeftOutAndAComplaintThenHasNoLine(t *testing.T) {
	v := settings{Port: 7}
	e := kit.Entry{Name: "orders"}
	require.NoError(t, e.Settings(&v))
	require.Equal(t, 7, v.Port)
	require.EqualError(t, e.Complain("port", "port is %d", 7), "port is 7")
	require.True(t, dr.HasCode(e.Complain("port", "port is %d", 7), "inventory"))
	e.Node = adaptertest.YAML("port: 8")
	require.NoError(t, e.Settings(&v))
	require.Equal(t, 8, v.Port)
	require.EqualError(t, e.Complain("port", "port is %d", 8), "test.yaml:1: port: port is 8")
}

func TestASystemOfOneSiteIsRefused(t *testing.T) {
	e := kit.Entry{Name: "orders", Sites: []kit.SiteEntry{{Name: "east"}}}
	require.EqualError(t, e.TwoSites(), "the system orders needs two sites or more, it has 1")
	e.Sites = append(e.Sites, kit.SiteEntry{Name: "west"})
	require.NoError(t, e.TwoSites())
}

func TestASiteNeedsSettingsAndAHostOfTheInventory(t *testing.T) {
	e := kit.Entry{Name: "orders", Hosts: func(h string) bool { return h == "db-east" }}
	require.EqualError(t, e.SiteSettings(kit.SiteEntry{Name: "east"}, &settings{}), "the site east of orders has no settings")
	s := kit.SiteEntry{Name: "east", Node: adaptertest.YAML("porf: 1")}
	require.ErrorContains(t, e.SiteSettings(s, &settings{}), "porf")
	require.NoError(t, e.KnownHost(s, "db-east"))
	require.ErrorContains(t, e.KnownHost(s, "db-west"), `the site east names the host "db-west", which the inventory does not have`)
	e.Hosts = nil
	require.NoError(t, e.KnownHost(s, "db-west"), "nobody knows the hosts")
	require.Error(t, e.KnownHost(s, ""))
}

func TestAPathOfASiteMayBeLeftOutOnlyWhereItIsOptional(t *testing.T) {
	s := kit.SiteEntry{Name: "east", Node: adaptertest.YAML("")}
	require.NoError(t, s.NeedPath("data", "/srv/pg"))
	require.ErrorContains(t, s.NeedPath("data", ""), `data of the site east is "": it must be a plain absolute path`)
	require.NoError(t, s.OptionalPath("data", ""))
	require.Error(t, s.OptionalPath("data", "srv"))
}

func TestADefaultStandsOnlyWhereNothingWasGiven(t *testing.T) {
	given, none := 5, 0
	kit.Default(&given, 9)
	kit.Default(&none, 9)
	require.Equal(t, []int{5, 9}, []int{given, none})
}

func TestTwoSitesThatShareASettingAreBothNamed(t *testing.T) {
	d, node := kit.Distinct{}, adaptertest.YAML("")
	require.NoError(t, d.Add(kit.SiteEntry{Name: "east", Node: node}, "agent", "a"))
	require.NoError(t, d.Add(kit.SiteEntry{Name: "west", Node: node}, "agent", "b"))
	require.ErrorContains(t, d.Add(kit.SiteEntry{Name: "far", Node: node}, "agent", "a"), `the sites east and far have the same agent "a"`)
}
