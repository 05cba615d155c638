package render

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/switchback-dr/switchback/dr"
)

// ReportJSON writes a report as indented JSON, equal for equal reports.
func ReportJSON(r dr.Report) ([]byte, error) {
	r.Outage = dr.OutageOf(r)
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("the report cannot be written as JSON: %w", err)
	}
	return append(b, '\n'), nil
}

// Digest is the SHA-256 of a written file, in hex.
func Digest(file []byte) string {
	sum := sha256.Sum256(file)
	return hex.EncodeToString(sum[:])
}

// ReportHTML writes a report as one HTML page that needs nothing else: no
// script, no font, no picture from elsewhere. Its times are those of the
// report itself, so that a report rebuilt from history is the same page.
func ReportHTML(r dr.Report) ([]byte, error) {
	var b bytes.Buffer
	if err := reportPage.Execute(&b, newReportView(r)); err != nil {
		return nil, fmt.Errorf("the report cannot be written as HTML: %w", err)
	}
	return b.Bytes(), nil
}
