// Package redact keeps secrets and terminal escapes out of what people and
// files are shown: output tails, reports, logs, errors.
//
// Secrets that are known are cut out wherever they stand, also in the written
// forms of common programs (URL, JSON, shell, SQL, base64, hex). What looks
// like a secret by its place (password=, ://user:pass@, IDENTIFIED BY, private
// key blocks) is cut out as well.
//
// A secret of fewer than MinSecret characters cannot be kept out of a text
// without telling what it is: the inventory refuses such credentials, and New
// does not look for them.
package redact

import (
	"sort"
	"strings"
)

// Mark stands where a secret stood, unless a secret looks like it.
const Mark = "[redacted]"

// MinSecret is the length of the shortest secret, in bytes without outer
// blanks, that is looked for.
const MinSecret = 4

// Redactor cuts secrets out of texts. The zero value knows no secret values
// but still cuts by place. It may be used by many goroutines.
type Redactor struct {
	// forms are all written forms of all secrets, longest first.
	forms []string
	mark  string
}

// New makes a redactor for the values of secrets.
func New(secrets ...string) *Redactor {
	seen := map[string]bool{}
	r := &Redactor{}
	for _, s := range secrets {
		for _, form := range writtenForms(s) {
			if len(strings.TrimSpace(form)) >= MinSecret && !seen[form] {
				seen[form] = true
				r.forms = append(r.forms, form)
			}
		}
	}
	sort.Slice(r.forms, func(i, j int) bool {
		if len(r.forms[i]) != len(r.forms[j]) {
			return len(r.forms[i]) > len(r.forms[j])
		}
		return r.forms[i] < r.forms[j]
	})
	r.mark = markFor(r.forms)
	return r
}

// String gives s as it may be shown: without secrets, and without control
// characters but line breaks and tabs. Text is redacted before it is shortened,
// or half a secret stands at the cut; what was shortened elsewhere loses the
// larger half of a secret at its ends.
func (r *Redactor) String(s string) string {
	// First as it came, because an escape sequence could take the first
	// letter of a secret with it; then again without the escapes, which could
	// stand within a secret.
	s = Plain(r.cut(s))
	s = byPlace(r.cut(s), r.marker())
	return r.ends(r.cut(s))
}

func (r *Redactor) marker() string {
	if r.mark == "" && len(r.forms) == 0 {
		return Mark
	}
	return r.mark
}

// cut replaces every occurrence of every form. Occurrences that overlap are
// replaced together.
func (r *Redactor) cut(s string) string {
	for {
		out := r.cutOnce(s)
		// With a mark one pass is enough (see markFor). Without one the two
		// sides of a cut may make a secret; each pass shortens the text.
		if r.mark != "" || out == s {
			return out
		}
		s = out
	}
}

func (r *Redactor) cutOnce(s string) string {
	var found [][2]int
	for _, form := range r.forms {
		for from := 0; ; {
			i := strings.Index(s[from:], form)
			if i < 0 {
				break
			}
			found = append(found, [2]int{from + i, from + i + len(form)})
			from += i + 1
		}
	}
	if len(found) == 0 {
		return s
	}
	sort.Slice(found, func(i, j int) bool { return found[i][0] < found[j][0] })
	var b strings.Builder
	end := 0
	for _, f := range found {
		if f[0] >= end {
			b.WriteString(s[end:f[0]])
			b.WriteString(r.mark)
		}
		end = max(end, f[1])
	}
	b.WriteString(s[end:])
	return b.String()
}

// ends cuts the larger half of a secret off the text's two ends.
func (r *Redactor) ends(s string) string {
	for _, form := range r.forms {
		least := max(MinSecret, (len(form)+1)/2)
		for n := len(form) - 1; n >= least; n-- {
			if strings.HasPrefix(s, form[len(form)-n:]) {
				s = r.mark + s[n:]
			}
			if strings.HasSuffix(s, form[:n]) {
				s = s[:len(s)-n] + r.mark
			}
		}
	}
	return r.cut(s)
}

// markFor gives a mark that cannot become part of a secret together with the
// text around it: no form contains the mark's first or last character, and
// none stands within it. Where there is none, secrets are replaced by nothing.
func markFor(forms []string) string {
	for _, mark := range []string{Mark, "<removed>", "{cut}", "█████"} {
		runes := []rune(mark)
		first, last := string(runes[0]), string(runes[len(runes)-1])
		safe := true
		for _, f := range forms {
			if strings.Contains(f, first) || strings.Contains(f, last) || strings.Contains(mark, f) {
				safe = false
				break
			}
		}
		if safe {
			return mark
		}
	}
	return ""
}
