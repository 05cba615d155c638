package histories

import (
	"fmt"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/dr"
)

// remember is what a watch remembers after the sample.
func (s Sample) remember(m dr.Memory, now time.Time) dr.Memory {
	m.At = now
	if s.InSync {
		m.Proof = &dr.Proof{At: now, Site: "west", Primary: "east", Positions: map[string]string{"log": "0/3000148"}, Source: "the lab"}
		m.InSyncSince, m.ClosedAt, m.ClosedWhy = &now, nil, ""
		m.Primary, m.PrimarySeen = "east", &now
	} else if m.InSyncSince != nil {
		m.InSyncSince, m.ClosedAt, m.ClosedWhy = nil, &now, "east says that it is not in sync"
	}
	m.Alarms = nil
	for i := range s.Alarms {
		m.Alarms = append(m.Alarms, fmt.Sprintf("alarm %d: the old primary is back", i+1)+strings.Repeat(".", s.Bulk))
	}
	return m
}
