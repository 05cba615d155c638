package cli

import (
	"errors"
	"fmt"
	"io"
)

// maxLine bounds what one answer may hold, in bytes.
const maxLine = 4096

// readLine reads one line byte by byte, so that nothing behind it is taken
// from a later reader. The end of the input without a line is io.EOF.
func readLine(r io.Reader) (string, error) {
	var line []byte
	one := make([]byte, 1)
	for len(line) <= maxLine {
		n, err := r.Read(one)
		if n == 1 {
			if one[0] == '\n' {
				return string(line), nil
			}
			line = append(line, one[0])
			continue
		}
		if errors.Is(err, io.EOF) && len(line) > 0 {
			return string(line), nil
		}
		if err != nil {
			return "", err
		}
	}
	return "", fmt.Errorf("the answer is longer than %d characters", maxLine)
}
