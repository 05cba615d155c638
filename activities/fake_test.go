package activities_test

import (
	"context"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// fakeProduct is a product with two sites and one host.
type fakeProduct struct{}

func (fakeProduct) Product() string                        { return "fake" }
func (fakeProduct) Actions() []kit.Action                  { return nil }
func (fakeProduct) Decode(e kit.Entry) (kit.System, error) { return fakeSystem{}, nil }

type fakeSystem struct{}

func (fakeSystem) Sites() []string   { return []string{"east", "west"} }
func (fakeSystem) Needs() []kit.Need { return []kit.Need{{Site: "east", Host: "db1"}} }
func (fakeSystem) Files() []kit.File { return nil }

// ObserveSite: west is the primary.
func (fakeSystem) ObserveSite(_ context.Context, _ kit.Env, site string) dr.SiteSituation {
	return dr.SiteSituation{Reachable: dr.Yes, AcceptsWrites: dr.TriOf(site == "west")}
}
func (fakeSystem) Judge(dr.Situation) dr.Judgement         { return dr.Judgement{} }
func (fakeSystem) Baseline(dr.Situation) []dr.BaselineSite { return nil }
func (fakeSystem) Plan(kit.PlanInput, *kit.Draft) error    { return nil }
