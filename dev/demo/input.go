package demo

import (
	"bufio"
	"io"
	"time"
)

// line is one line that was typed, with the time at which it was read.
type line struct {
	text string
	at   time.Time
}

// typedAhead is how many lines are kept until somebody wants them.
const typedAhead = 100

// readLines reads lines in the background for as long as the program lives, so
// that a question can also be answered elsewhere. The channel is closed at the
// end of the input.
func readLines(r io.Reader) <-chan line {
	lines := make(chan line, typedAhead)
	go func() {
		defer close(lines)
		in := bufio.NewScanner(r)
		for in.Scan() {
			lines <- line{in.Text(), time.Now()}
		}
	}()
	return lines
}
