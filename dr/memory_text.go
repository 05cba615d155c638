package dr

import (
	"fmt"
	"strings"
	"time"
)

// MemoryMarkdown shows what a watch remembers, for the watch's page.
func MemoryMarkdown(m *Memory, now time.Time) string {
	if m == nil || m.At.IsZero() && len(m.FollowUps) == 0 {
		return "Nothing has been observed yet."
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\nLast sample %s.\n", MemorySentence(m, now), m.At.UTC().Format(time.RFC3339))
	for _, a := range m.Alarms {
		fmt.Fprintf(&b, "\n* **Alarm:** %s", strings.ReplaceAll(a, "\n", " "))
	}
	for _, f := range m.FollowUps {
		b.WriteString("\n* " + f.Markdown())
	}
	return b.String()
}

// Markdown tells a broken glass in one line.
func (f FollowUp) Markdown() string {
	s := fmt.Sprintf("**Break-glass:** %s passed the gate %s of run %s alone at %s: %s.", MD(f.Person), MD(string(f.Gate)), MDCode(f.OriginalRun), TimeText(f.At), MD(Clip(f.Reason, 300)))
	if a := f.Acknowledged; a != nil {
		return s + fmt.Sprintf(" Acknowledged by %s at %s.", MD(a.Person), TimeText(a.At))
	}
	return s + " **Not acknowledged yet.**"
}

// MemorySentence tells the memory in one sentence, with its age.
func MemorySentence(m *Memory, now time.Time) string {
	if m == nil || m.At.IsZero() {
		return "the watch has observed nothing yet"
	}
	var parts []string
	switch {
	case m.InSyncSince != nil:
		parts = append(parts, "in sync since "+m.InSyncSince.UTC().Format(time.RFC3339))
	case m.ClosedAt != nil:
		parts = append(parts, fmt.Sprintf("not in sync since %s (%s)", m.ClosedAt.UTC().Format(time.RFC3339), m.ClosedWhy))
	default:
		parts = append(parts, "never seen in sync")
	}
	if m.Proof != nil {
		parts = append(parts, fmt.Sprintf("last proof %s ago", now.Sub(m.Proof.At).Round(time.Second)))
	}
	if m.Unprotected != nil {
		parts = append(parts, fmt.Sprintf("unprotected since %s, next: %s", m.Unprotected.Since.UTC().Format(time.RFC3339), m.Unprotected.Next))
	}
	parts = append(parts, fmt.Sprintf("sampled %s ago", now.Sub(m.At).Round(time.Second)))
	return strings.Join(parts, "; ")
}
