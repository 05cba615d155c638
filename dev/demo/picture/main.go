// Command picture turns what the demo printed into a picture of a terminal,
// for pages that cannot show colours otherwise:
//
//	cd dev && go build -o ../bin/dev . && script -qc "../bin/dev demo" run.txt
//	go run ./demo/picture --plain ../docs/demo.txt <run.txt >../docs/demo.svg
//
// The picture has the gate of the first act and the walk behind it; --plain
// writes the whole run without colours. Equal input gives equal output.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	plain := flag.String("plain", "", "`FILE` that gets the whole run without colours")
	from := flag.String("from", "Gate decide", "`TEXT` of the first line of the picture")
	to := flag.String("to", "Press Enter", "`TEXT` of the line behind its last one")
	flag.Parse()
	if err := run(os.Stdin, os.Stdout, *plain, *from, *to); err != nil {
		fmt.Fprintln(os.Stderr, "picture:", err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer, plain, from, to string) error {
	raw, err := io.ReadAll(in)
	if err != nil {
		return fmt.Errorf("the run cannot be read: %w", err)
	}
	lines := parse(string(raw))
	if plain != "" {
		var b strings.Builder
		for _, l := range lines {
			b.WriteString(strings.TrimRight(l.text(), " ") + "\n")
		}
		if err := os.WriteFile(plain, []byte(b.String()), 0o644); err != nil {
			return err
		}
	}
	part, err := between(lines, from, to)
	if err != nil {
		return err
	}
	_, err = io.WriteString(out, draw(part))
	return err
}

// between gives the lines from the first with from up to the next with to,
// without empty ones at its end.
func between(lines []line, from, to string) ([]line, error) {
	first := -1
	for i, l := range lines {
		switch text := l.text(); {
		case first < 0 && strings.Contains(text, from):
			first = i
		case first >= 0 && strings.Contains(text, to):
			for i > first && strings.TrimSpace(lines[i-1].text()) == "" {
				i--
			}
			return lines[first:i], nil
		}
	}
	return nil, fmt.Errorf("the run has no line with %q before one with %q", from, to)
}
