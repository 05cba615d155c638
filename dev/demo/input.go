package demo

import (
	"bufio"
	"io"
)

// readLines reads lines in the background for as long as the program lives, so
// that a question can also be answered elsewhere. The channel is closed at the
// end of the input.
func readLines(r io.Reader) <-chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		in := bufio.NewScanner(r)
		for in.Scan() {
			lines <- in.Text()
		}
	}()
	return lines
}
