package activities

import (
	"context"

	"github.com/switchback-dr/switchback/dr"
)

// Report writes the report to the destination that the inventory names, with
// its SHA-256.
func (a *Activities) Report(ctx context.Context, call dr.ReportCall) (dr.Written, error) {
	rep, err := redactedValue(a, call.Report)
	if err != nil {
		return dr.Written{}, err
	}
	w, err := a.Reports.Write(rep)
	if err != nil {
		return dr.Written{}, a.failure(err)
	}
	return w, nil
}
