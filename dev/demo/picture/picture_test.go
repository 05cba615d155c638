package main

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const sample = "\x1b[1mbefore\x1b[0m\n── Gate decide <1>\n\n  \x1b[32m✓\x1b[0m \x1b[2mgate  \x1b[0m a & b     \x1b[2m3 ms\x1b[0m\n\nAct 2\n"

func TestThePartBetweenTwoLinesIsDrawnAsWellFormedSVG(t *testing.T) {
	part, err := between(parse(sample), "Gate decide", "Act 2")
	require.NoError(t, err)
	require.Len(t, part, 3, "the empty line at the end is left out")
	svg := draw(part)
	require.Equal(t, svg, draw(part))
	require.Contains(t, svg, `<tspan x="20.0">── Gate decide &lt;1&gt;</tspan>`)
	require.Contains(t, svg, `<tspan x="36.8" class="g">✓</tspan>`)
	require.Contains(t, svg, `<tspan x="53.6" class="d">gate</tspan>`)
	require.Contains(t, svg, "a &amp; b")
	require.NotContains(t, svg, "before")
	d := xml.NewDecoder(strings.NewReader(svg))
	for err = nil; err == nil; {
		_, err = d.Token()
	}
	require.True(t, errors.Is(err, io.EOF), "%v", err)
}

func TestALineThatWasWrittenOverIsDrawnAsItStoodInTheEnd(t *testing.T) {
	require.Equal(t, []line{{{text: "  done"}}}, parse("\r\x1b[K  \x1b[36m⠋\x1b[0m working\r\x1b[K  \x1b[36m⠙\x1b[0m working\r\x1b[K  done\r\n"))
}

func TestARunWithoutThePartIsRefused(t *testing.T) {
	_, err := between(parse("nothing\n"), "Gate", "Act 2")
	require.ErrorContains(t, err, `no line with "Gate"`)
}
