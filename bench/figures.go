package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// Row is one measured thing beside its reference of the same run.
type Row struct {
	// Name says what was measured, Unit in what ("ms", "MB", "count").
	Name string `json:"name"`
	Unit string `json:"unit"`
	// Values are all measurements, in the order in which they were made.
	Values []float64 `json:"values"`
	// Bare are the reference's.
	Bare     []float64 `json:"bare,omitempty"`
	BareName string    `json:"bare_name,omitempty"`
	// Over is the median above the reference's, Ratio the median by the
	// reference's; both are 0 without a reference.
	Over  float64 `json:"over,omitempty"`
	Ratio float64 `json:"ratio,omitempty"`
	// Target says what is asked for, in words; Met is nil without one.
	Target string `json:"target,omitempty"`
	Met    *bool  `json:"met,omitempty"`
	Note   string `json:"note,omitempty"`
}

// median gives the middle of the values, 0 for none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	v := slices.Sorted(slices.Values(values))
	if n := len(v); n%2 == 0 {
		return (v[n/2-1] + v[n/2]) / 2
	}
	return v[len(v)/2]
}

// beside compares the row with its reference.
func (r Row) beside(name string, bare []float64) Row {
	r.Bare, r.BareName = bare, name
	r.Over = median(r.Values) - median(bare)
	if m := median(bare); m != 0 {
		r.Ratio = median(r.Values) / m
	}
	return r
}

// aims states the target and whether the figures meet it.
func (r Row) aims(target string, met bool) Row {
	r.Target, r.Met = target, &met
	return r
}

// printRows writes the table that people read.
func printRows(w io.Writer, rows []Row) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(cells ...string) { fmt.Fprintln(t, strings.Join(cells, "\t")) }
	line("measured", "runs", "median", "min", "max", "bare median", "over", "ratio", "target", "met")
	for _, r := range rows {
		if len(r.Values) == 0 {
			line(r.Name, "0")
			continue
		}
		f := func(v float64) string { return figure(v, r.Unit) }
		cells := []string{r.Name, fmt.Sprint(len(r.Values)), f(median(r.Values)), f(slices.Min(r.Values)), f(slices.Max(r.Values)), "-", "-", "-", r.Target, ""}
		if len(r.Bare) > 0 {
			cells[5], cells[6], cells[7] = f(median(r.Bare)), f(r.Over), fmt.Sprintf("%.2f", r.Ratio)
		}
		if r.Met != nil {
			cells[9] = map[bool]string{true: "yes", false: "NO"}[*r.Met]
		}
		line(cells...)
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("the table cannot be written: %w", err)
	}
	for _, r := range rows {
		if r.BareName != "" {
			fmt.Fprintf(w, "bare of %q: %s\n", r.Name, r.BareName)
		}
		if r.Note != "" {
			fmt.Fprintf(w, "%s: %s\n", r.Name, r.Note)
		}
	}
	return nil
}

func figure(v float64, unit string) string {
	switch unit {
	case "ms":
		return fmt.Sprintf("%.1f ms", v)
	case "count":
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.1f %s", v, unit)
}

// printJSON writes the rows for programs.
func printJSON(w io.Writer, rows []Row) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	if err := e.Encode(rows); err != nil {
		return fmt.Errorf("the figures cannot be written: %w", err)
	}
	return nil
}
