package main

import (
	"fmt"
	"html"
	"strings"
	"unicode/utf8"
)

// Measures of the picture, in pixels.
const (
	charWidth  = 8.4
	lineHeight = 19
	margin     = 20
	titleBar   = 34
	columns    = 100
)

// looks are the classes of the demo's styles.
var looks = map[string]string{"1": "b", "2": "d", "1;31": "r", "32": "g", "33": "y", "36": "c"}

const head = `<svg xmlns="http://www.w3.org/2000/svg" width="%[1]d" height="%[2]d" viewBox="0 0 %[1]d %[2]d" role="img" aria-label="A run of the demo in a terminal">
<style>text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:#d6deeb;white-space:pre}.b{font-weight:bold;fill:#fff}.d{fill:#7f8ea3}.r{font-weight:bold;fill:#ff6b6b}.g{fill:#7fdb8a}.y{fill:#f2c14e}.c{fill:#5ccfe6}.t{fill:#7f8ea3}</style>
<rect width="%[1]d" height="%[2]d" rx="9" fill="#0f1723"/>
<rect width="%[1]d" height="34" rx="9" fill="#1b2636"/><rect y="20" width="%[1]d" height="14" fill="#1b2636"/>
<circle cx="20" cy="17" r="6" fill="#ff5f57"/><circle cx="40" cy="17" r="6" fill="#febc2e"/><circle cx="60" cy="17" r="6" fill="#28c840"/>
<text class="t" x="%[3]d" y="22" text-anchor="middle">make demo</text>
`

// draw writes lines as a terminal's window.
func draw(lines []line) string {
	width := int(columns*charWidth) + 2*margin
	height := titleBar + len(lines)*lineHeight + margin
	var b strings.Builder
	fmt.Fprintf(&b, head, width, height, width/2)
	for i, l := range lines {
		b.WriteString(drawLine(l, titleBar+(i+1)*lineHeight))
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// drawLine places every piece at its own column, so that columns stay aligned
// whatever font a reader has. Blanks between pieces are not written.
func drawLine(l line, y int) string {
	var b strings.Builder
	column := 0
	for _, p := range l {
		for _, word := range apart(p.text) {
			if text := strings.TrimRight(word.text, " "); text != "" {
				x := margin + float64(column+word.at)*charWidth
				class := ""
				if look := looks[p.style]; look != "" {
					class = ` class="` + look + `"`
				}
				fmt.Fprintf(&b, `<tspan x="%.1f"%s>%s</tspan>`, x, class, html.EscapeString(text))
			}
		}
		column += utf8.RuneCountInString(p.text)
	}
	if b.Len() == 0 {
		return ""
	}
	return fmt.Sprintf("<text y=\"%d\">%s</text>\n", y, b.String())
}

// group is a text that begins at a column of its piece.
type group struct {
	at   int
	text string
}

// apart splits a text where it has two blanks or more.
func apart(text string) []group {
	var all []group
	at := 0
	for text != "" {
		trimmed := strings.TrimLeft(text, " ")
		at += len(text) - len(trimmed)
		end := strings.Index(trimmed, "  ")
		if end < 0 {
			end = len(trimmed)
		}
		if end > 0 {
			all = append(all, group{at, trimmed[:end]})
		}
		at += utf8.RuneCountInString(trimmed[:end])
		text = trimmed[end:]
	}
	return all
}
