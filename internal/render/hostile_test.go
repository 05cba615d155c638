package render_test

import (
	"encoding/json"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/render"
)

// hostile holds everything that could leave its place on any medium.
const hostile = "X</script><img src=x onerror=alert(1)>\n# H\n```\n|a|b|\n[c](javascript:d)\x1b[2J\x07\r\u202eRTL\u200bhttps://evil.example\xff\"'`"

// poison puts the text into every string of a value, its dates untouched.
func poison(v reflect.Value, text string) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			poison(v.Elem(), text)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for i := range v.NumField() {
			poison(v.Field(i), text)
		}
	case reflect.Slice:
		if v.Type() == reflect.TypeFor[json.RawMessage]() {
			return
		}
		for i := range v.Len() {
			poison(v.Index(i), text)
		}
	case reflect.String:
		switch v.Interface().(type) {
		case dr.EventKind, dr.LossKind, dr.Kind, dr.Skip, dr.EndingKind:
			return // chosen by the program, and switched on
		}
		v.SetString(text)
	default:
	}
}

func harmless(t *testing.T, text string) {
	t.Helper()
	if i := strings.Index(text, "\xff"); i >= 0 {
		require.Fail(t, "a broken byte got through", "%q", text[max(0, i-180):i+1])
	}
	i := strings.IndexFunc(text, func(r rune) bool {
		return r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r))
	})
	if i >= 0 {
		require.Fail(t, "a control character got through", "%q", text[max(0, i-80):min(len(text), i+20)])
	}
}

// harmlessMarkdown reads the text as a Markdown reader does: outside of code
// nothing hostile may begin a line, make HTML or a link.
func harmlessMarkdown(t *testing.T, text string) {
	t.Helper()
	harmless(t, text)
	fence := ""
	inline := regexp.MustCompile("`[^`\n]*`")
	escaped := regexp.MustCompile(`\\[[:punct:]]`)
	for _, line := range strings.Split(text, "\n") {
		l := strings.TrimLeft(line, " ")
		if run := l[:len(l)-len(strings.TrimLeft(l, "`"))]; len(run) >= 3 {
			switch {
			case fence == "":
				fence = run
			case run == fence:
				fence = ""
			}
			continue
		}
		if fence != "" {
			continue
		}
		prose := inline.ReplaceAllString(escaped.ReplaceAllString(line, "_"), "_")
		require.NotContains(t, prose, "<")
		require.NotContains(t, prose, "](")
		require.NotContains(t, prose, "://")
		require.NotRegexp(t, `^\s*# H`, line)
		require.NotRegexp(t, `^\|a\|b\|`, line)
	}
	require.Empty(t, fence, "a code block stays open")
}

func TestHostileTextStaysHarmlessInAPlan(t *testing.T) {
	p := unplanned()
	poison(reflect.ValueOf(&p), hostile)
	harmless(t, render.PlanText(p, at(time.Minute), plain))
	harmlessMarkdown(t, render.PlanMarkdown(p, at(time.Minute)))
}

func TestHostileTextStaysHarmlessInAStatus(t *testing.T) {
	for _, s := range []dr.Status{gateStatus(), holdStatus(), doneReport().Status} {
		p := planned()
		poison(reflect.ValueOf(&p), hostile)
		poison(reflect.ValueOf(&s), hostile)
		harmless(t, render.StatusText(s, at(time.Minute), plain))
		details := render.DetailsMarkdown(s, &p, at(time.Minute))
		harmlessMarkdown(t, details)
		require.LessOrEqual(t, len(details), dr.MaxDetailsBytes)
	}
}

func TestHostileTextStaysHarmlessInAReport(t *testing.T) {
	for _, r := range []dr.Report{doneReport(), abortedReport()} {
		clean, err := render.ReportHTML(r)
		require.NoError(t, err)
		poison(reflect.ValueOf(&r), hostile)
		page, err := render.ReportHTML(r)
		require.NoError(t, err)
		harmless(t, string(page))
		tags := regexp.MustCompile(`<(/?[a-z0-9]+)`)
		known := map[string]bool{}
		for _, m := range tags.FindAllString(string(clean), -1) {
			known[m] = true
		}
		for _, m := range tags.FindAllString(string(page), -1) {
			require.True(t, known[m] || m == "<h4" || m == "</h4" || m == "<ul" || m == "</ul" || m == "<li" || m == "</li", m)
		}
		harmlessMarkdown(t, render.ReportMarkdown(r))
	}
}

func TestAReportPageNeedsNothingElse(t *testing.T) {
	page, err := render.ReportHTML(doneReport())
	require.NoError(t, err)
	require.NotRegexp(t, `(?i)<script|<link|<img|<iframe|\bsrc=|\bhref=|url\(|@import|https?://`, string(page))
	again, err := render.ReportHTML(doneReport())
	require.NoError(t, err)
	require.Equal(t, render.Digest(page), render.Digest(again))
	require.Len(t, render.Digest(page), 64)
}
