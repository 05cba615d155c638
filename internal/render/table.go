package render

import (
	"strings"

	"github.com/switchback-dr/switchback/dr"
)

// Table writes rows under a head in aligned columns. Cells are cleaned and
// stand on one line; only the last column is shortened (with a mark) when the
// table is wider than the style, so that no line wraps by itself.
func Table(style Style, head []string, rows [][]string) string {
	cells := make([][]string, 0, len(rows)+1)
	cells = append(cells, cleanRow(head, len(head)))
	for _, r := range rows {
		cells = append(cells, cleanRow(r, len(head)))
	}
	widths := make([]int, len(head))
	for _, r := range cells {
		for i, c := range r {
			widths[i] = max(widths[i], Width(c))
		}
	}
	var b strings.Builder
	for n, r := range cells {
		line := tableLine(r, widths, style.width())
		if n == 0 {
			line = style.bold(line)
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}

func cleanRow(r []string, n int) []string {
	out := make([]string, n)
	for i := range min(n, len(r)) {
		out[i] = dr.CleanLine(r[i])
	}
	return out
}

func tableLine(r []string, widths []int, total int) string {
	var b strings.Builder
	used := 0
	for i, c := range r {
		if i == len(r)-1 {
			b.WriteString(clipWidth(c, max(total-used, 8)))
			break
		}
		b.WriteString(c + strings.Repeat(" ", widths[i]-Width(c)+2))
		used += widths[i] + 2
	}
	return strings.TrimRight(b.String(), " ")
}

// clipWidth shortens a text to n columns and marks the cut.
func clipWidth(s string, n int) string {
	if Width(s) <= n {
		return s
	}
	used := 0
	for i, r := range s {
		used += runeWidth(r)
		if used > n-1 {
			return s[:i] + "…"
		}
	}
	return s
}
