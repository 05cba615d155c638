package dr_test

import (
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
)

func TestMarkdownTextCannotBecomeAnythingElse(t *testing.T) {
	for in, want := range map[string]string{
		"plain words, 3.5 MB":       "plain words, 3.5 MB",
		"</script><b>":              "&lt;/script&gt;&lt;b&gt;",
		"a|b":                       `a\|b`,
		"`x`":                       "\\`x\\`",
		"[click](x)":                `\[click\](x)`,
		"see https://evil.example":  "see `https://evil.example`",
		"https://e.example/`|`x":    "`https://e.example/`\\`\\|\\``x`",
		"# head":                    `\# head`,
		"- item":                    `\- item`,
		"1. item":                   `1\. item`,
		"pg_stat_wal (now)":         "pg_stat_wal (now)",
		"_em_ a_":                   `\_em\_ a\_`,
		"two\nlines":                "two lines",
		"red \x1b[31m":              `red \\x1b\[31m`,
		"abc\u202edef":              `abc\\u202edef`,
		"bad \xff byte":             `bad \\xff byte`,
		"mail root@example.org now": "mail `root@example.org` now",
	} {
		require.Equal(t, want, dr.MD(in))
	}
}

func FuzzAFenceIsNeverLeft(f *testing.F) {
	for _, s := range []string{"", "```", "````\n```", "a\r\n```\nb", "~~~\n`````", "\u2028```", "x\r```"} {
		f.Add(s, "sh")
	}
	f.Fuzz(func(t *testing.T, content, info string) {
		out := dr.MDFence(info, content)
		lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
		first, last := lines[0], lines[len(lines)-1]
		fence := first[:len(first)-len(strings.TrimLeft(first, "`"))]
		require.GreaterOrEqual(t, len(fence), 3)
		require.Equal(t, fence, last)
		for _, l := range lines[1 : len(lines)-1] {
			require.NotContains(t, l, fence)
		}
		require.Equal(t, -1, strings.IndexFunc(out, func(r rune) bool {
			return r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r))
		}))
	})
}

func FuzzMarkdownTextStaysOneHarmlessLine(f *testing.F) {
	for _, s := range []string{"a", "<b>", "a|b`c", "http://x|y`z", "www.\\`<i>", "\x1b[0m\u202e"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		out := dr.MD(s)
		require.NotContains(t, out, "\n")
		outside, inCode := "", false
		for i := 0; i < len(out); i++ {
			switch {
			case !inCode && out[i] == '\\':
				i++
				outside += "_" // an escaped character separates its neighbours
			case out[i] == '`':
				inCode = !inCode
			case out[i] == '|':
				t.Fatalf("a bare pipe in %q", out)
			case !inCode:
				outside += out[i : i+1]
			}
		}
		require.False(t, inCode, out)
		require.NotContains(t, outside, "<")
		require.NotContains(t, outside, "://")
	})
}

func TestTimeSpansReadAsPeopleSayThem(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 ms", 350 * time.Millisecond: "350 ms", 4200 * time.Millisecond: "4.2 s", 59 * time.Second: "59 s",
		185 * time.Second: "3 min 5 s", 2 * time.Hour: "2 h", 124 * time.Minute: "2 h 4 min", 123 * time.Hour: "5 d 3 h", -time.Minute: "-1 min",
	} {
		require.Equal(t, want, dr.SpanText(d))
	}
	now := time.Unix(1000, 0)
	require.Equal(t, "in 1 min", dr.AgoText(now.Add(time.Minute), now))
	require.Equal(t, "at an unknown time", dr.AgoText(time.Time{}, now))
}
