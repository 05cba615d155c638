package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"

	"github.com/switchback-dr/switchback/dr"
)

// spans tell where the time of a procedure goes: for each activity the time
// since the one before it had ended, so that they add up.
type spans struct {
	order []string
	took  map[string][]float64
}

func (s *spans) add(name string, d time.Duration) {
	if s.took == nil {
		s.took = map[string][]float64{}
	}
	if _, known := s.took[name]; !known {
		s.order = append(s.order, name)
	}
	s.took[name] = append(s.took[name], ms(d))
}

// join adds the times of another.
func (s *spans) join(o spans) {
	for _, name := range o.order {
		for _, v := range o.took[name] {
			s.add(name, time.Duration(v*float64(time.Millisecond)))
		}
	}
}

// String gives the medians.
func (s *spans) String() string {
	var parts []string
	for _, name := range s.order {
		parts = append(parts, fmt.Sprintf("%s %.0f", name, median(s.took[name])))
	}
	return "medians in ms, each from the end of the one before: " + strings.Join(parts, ", ")
}

// sites are not named in the sums: takeovers go to and fro.
var withoutSites = strings.NewReplacer("-east", "", "-west", "")

// spent reads a run's history from a moment to the redirection.
func (s *stage) spent(to *spans, run string, since time.Time) {
	ctx, cancel := context.WithTimeout(s.ctx, time.Minute)
	defer cancel()
	names := map[int64]string{}
	last := since
	for it := s.client.GetWorkflowHistory(ctx, dr.WorkflowID(s.lab.System), run, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT); it.HasNext(); {
		e, err := it.Next()
		if err != nil {
			s.Fatal(err)
		}
		if a := e.GetActivityTaskScheduledEventAttributes(); a != nil {
			names[e.GetEventId()] = a.GetActivityType().GetName()
		}
		a := e.GetActivityTaskCompletedEventAttributes()
		name := names[a.GetScheduledEventId()]
		at := e.GetEventTime().AsTime()
		if a == nil || at.Before(since) || name == dr.ActReport {
			continue
		}
		to.add(withoutSites.Replace(name), at.Sub(last))
		last = at
		if name == "clients.point" {
			return
		}
	}
}
