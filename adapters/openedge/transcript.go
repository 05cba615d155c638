package openedge

import (
	"regexp"
	"strings"

	"github.com/switchback-dr/switchback/dr"
)

// Transcript is what a transition printed. Manual: "Transition logging".
type Transcript struct {
	// Steps are the lines "hh:mm:ss text : word".
	Steps []TranscriptStep
	// Complete is set by the closing sentence.
	Complete bool
}

// TranscriptStep is one line of a transition.
type TranscriptStep struct {
	Text string
	Word string
}

var transcriptLine = regexp.MustCompile(`^\d\d:\d\d:\d\d (.{1,80}?)\s*: (.{1,80})$`)

const transcriptEnd = "The Transition of this database has completed normally."

// parseTranscript reads a transition's output.
func parseTranscript(lines []string) Transcript {
	var t Transcript
	for _, l := range lines {
		l = strings.TrimRight(l, " \r")
		if m := transcriptLine.FindStringSubmatch(l); m != nil {
			t.Steps = append(t.Steps, TranscriptStep{Text: m[1], Word: strings.TrimSpace(m[2])})
		}
		if l == transcriptEnd {
			t.Complete = true
		}
	}
	return t
}

// failed names the first step that did not succeed; the words of a failure are
// in no manual, so that any other word counts as one.
func (t Transcript) failed() string {
	for _, s := range t.Steps {
		if s.Word != "Succeeded" {
			return s.Text + ": " + dr.Clip(s.Word, 60)
		}
	}
	return ""
}

// good says that every step succeeded and the closing sentence is there.
func (t Transcript) good() bool { return t.Complete && len(t.Steps) > 0 && t.failed() == "" }

// last gives the last step, for progress.
func (t Transcript) last() string {
	if len(t.Steps) == 0 {
		return "no step yet"
	}
	s := t.Steps[len(t.Steps)-1]
	return s.Text + ": " + s.Word
}
