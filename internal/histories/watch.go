package histories

import "github.com/switchback-dr/switchback/dr"

// watches are runs of the watch; most of them never end by themselves.
func watches() []Scenario {
	stands := func(samples int, r Remembers) End {
		return End{Open: &Moment{Samples: samples}, Remembers: &r}
	}
	sampled := func(n int) Moment { return Moment{Samples: n} }
	baseline := &dr.Told{Baseline: &dr.Baseline{Run: "lab", Primary: "east"}}
	unprotected := &dr.Told{Protection: true, Unprotected: &dr.Unprotected{Next: "failback", Why: "east does not answer"}}
	heavy := Sample{InSync: true, Alarms: 1, Bulk: 320_000}
	return named(dr.WorkflowWatch, []Scenario{
		{Name: "nothing-seen-yet", End: stands(1, Remembers{})},
		{Name: "in-sync", World: World{Samples: []Sample{{InSync: true}}}, End: stands(2, Remembers{InSync: true})},
		{Name: "out-of-sync-with-alarms", World: World{Samples: []Sample{{InSync: true}, {}, {Alarms: 2}}}, End: stands(4, Remembers{Alarms: 2})},
		{
			Name: "told-a-baseline", World: World{Samples: []Sample{{InSync: true}}},
			People: []Act{{When: sampled(2), Told: baseline}}, End: stands(3, Remembers{InSync: true, Baseline: true}),
		},
		{
			Name: "told-that-it-is-unprotected", World: World{Samples: []Sample{{InSync: true}}},
			People: []Act{{When: sampled(2), Told: baseline}, {When: sampled(3), Told: unprotected}},
			End:    stands(4, Remembers{InSync: true, Baseline: true, Unprotected: true}),
		},
		{
			Name:   "told-that-it-is-protected-again",
			People: []Act{{When: sampled(1), Told: unprotected}, {When: sampled(2), Told: &dr.Told{Protection: true}}},
			End:    stands(3, Remembers{}),
		},
		{
			Name: "told-garbage", World: World{Samples: []Sample{{InSync: true, After: 3 * short}}},
			People: []Act{{When: sampled(1), Garbled: true}}, End: stands(2, Remembers{InSync: true}),
		},
		{
			Name: "continued-as-new", World: World{Samples: []Sample{heavy, heavy, heavy, heavy, heavy, heavy, heavy, heavy, heavy, heavy, heavy, heavy}},
			End: End{Status: "ContinuedAsNew"},
		},
		{Name: "cancelled", World: World{Samples: []Sample{{InSync: true}}}, People: []Act{cancel(sampled(2))}, End: End{Status: "Canceled"}},
		{
			Name: "system-gone", World: World{Samples: []Sample{{InSync: true}, {Fails: dr.Refuse("unknown_system", "there is no such system")}}},
			End: End{Fails: "there is no such system"},
		},
		{Name: "refused-id", ID: "not-the-watch", End: End{Fails: `"drwatch-watch-refused-id"`}},
	})
}
