package render

import (
	"github.com/switchback-dr/switchback/dr"
)

// tookOf says how long a part of the outage lasted, or that nobody knows.
func tookOf(p dr.OutagePart) string {
	switch {
	case p.Known == dr.No:
		return "none"
	case p.Known != dr.Yes:
		return "unknown"
	}
	return dr.SpanText(p.Took())
}

// reportOutageMarkdown is the table of the outage's parts.
func reportOutageMarkdown(v reportView) string {
	if len(v.R.Outage) == 0 {
		return ""
	}
	var rows [][]string
	for _, p := range v.R.Outage {
		rows = append(rows, []string{dr.MD(p.Title), "**" + dr.MD(tookOf(p)) + "**", dr.MD(v.spanOf(p)), dr.MD(p.Text)})
	}
	return "## Outage\n\n" + dr.MDTable([]string{"part", "took", "from – until (UTC)", ""}, rows) + "\n"
}

// spanOf writes a part's times; "" when they are not known.
func (v reportView) spanOf(p dr.OutagePart) string {
	if p.From == nil || p.Until == nil {
		return ""
	}
	return v.Clock(*p.From) + " – " + v.Clock(*p.Until)
}

// outageRow is a part of the outage for the page.
type outageRow struct{ Title, Took, Span, Text string }

// OutageRows are the rows of the page's table.
func (v reportView) OutageRows() []outageRow {
	var out []outageRow
	for _, p := range v.R.Outage {
		out = append(out, outageRow{p.Title, tookOf(p), v.spanOf(p), p.Text})
	}
	return out
}
