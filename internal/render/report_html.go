package render

import (
	_ "embed"
	"html/template"

	"github.com/switchback-dr/switchback/dr"
)

//go:embed report.css
var reportCSS string

//go:embed report.html
var reportHTML string

var reportPage = template.Must(template.New("report").Funcs(template.FuncMap{
	"css":   func() template.CSS { return template.CSS(reportCSS) }, //nolint:gosec // our own file
	"time":  dr.TimeText,
	"line":  func(s any) string { return dr.CleanLine(textOf(s)) },
	"text":  func(s any) string { return dr.CleanText(textOf(s)) },
	"short": dr.ShortDigest,
	"word":  func(k dr.Kind) string { return k.Word() },
	"span":  func(d dr.Duration) string { return dr.SpanText(d.D()) },
	"loss":  func(p dr.Plan) string { return p.Loss.Sentence(p.MadeAt) },
	"skip":  skipText,
}).Parse(reportHTML))

// textOf gives the text of the string types of package dr.
func textOf(v any) string {
	switch t := v.(type) {
	case string:
		return t
	case dr.Phase:
		return string(t)
	case dr.Role:
		return string(t)
	case dr.Verb:
		return string(t)
	case dr.Gate:
		return string(t)
	case dr.StepState:
		return string(t)
	case dr.Kind:
		return string(t)
	case dr.EventKind:
		return string(t)
	case dr.Mode:
		return string(t)
	case dr.Procedure:
		return string(t)
	case interface{ String() string }:
		return t.String()
	}
	return ""
}
