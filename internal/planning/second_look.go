package planning

import (
	"slices"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/contrib"
)

// SecondLook gives the alarms about clients' addresses: those that are so, and
// those that were so when they could last be looked at. What cannot be read
// ends no alarm.
func SecondLook(m dr.Memory, strays []contrib.Stray) []string {
	var out []string
	for _, s := range strays {
		if s.Is == dr.Yes || s.Is == dr.Unknown && slices.Contains(m.Alarms, s.Alarm) {
			out = append(out, s.Alarm)
		}
	}
	return out
}
