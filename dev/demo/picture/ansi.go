package main

import (
	"regexp"
	"strings"
)

// piece is a run of characters of one look.
type piece struct {
	text, style string
}

type line []piece

func (l line) text() string {
	var b strings.Builder
	for _, p := range l {
		b.WriteString(p.text)
	}
	return b.String()
}

var escape = regexp.MustCompile("\x1b\\[([0-9;]*)m")

// wiped is what a line held before it was written over.
var wiped = regexp.MustCompile("^.*\r\x1b\\[K")

// parse splits coloured text into lines, as they stood in the end. A style is the number of the escape
// that began it ("1;31"), "" for none; the demo never nests them over a line.
func parse(raw string) []line {
	var lines []line
	for _, text := range strings.Split(strings.TrimSuffix(raw, "\n"), "\n") {
		text = strings.TrimRight(wiped.ReplaceAllString(text, ""), "\r")
		var l line
		style, at := "", 0
		add := func(s string) {
			if s != "" {
				l = append(l, piece{text: s, style: style})
			}
		}
		for _, m := range escape.FindAllStringSubmatchIndex(text, -1) {
			add(text[at:m[0]])
			style, at = text[m[2]:m[3]], m[1]
			if style == "0" {
				style = ""
			}
		}
		add(text[at:])
		lines = append(lines, l)
	}
	return lines
}
