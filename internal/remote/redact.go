package remote

import (
	"slices"
	"strings"
	"sync"
)

// redactor knows the values of all secrets that this pool has used and takes
// them out of texts.
type redactor struct {
	mu     sync.Mutex
	values []string // longest first, so that none leaves a part of another
}

const redacted = "***"

// minPart is the shortest part of a secret that is taken out where a text was
// cut; shorter ones would blot out ordinary text.
const minPart = 3

func (r *redactor) learn(value string) {
	if value == "" {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if slices.Contains(r.values, value) {
		return
	}
	values := append(slices.Clone(r.values), value)
	slices.SortFunc(values, func(a, b string) int { return len(b) - len(a) })
	r.values = values
}

func (r *redactor) known() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.values
}

// clean replaces every value. cutHead and cutTail say that the text's
// beginning or end is missing, where a part of a value may stand.
func (r *redactor) clean(text string, cutHead, cutTail bool) string {
	for _, v := range r.known() {
		text = strings.ReplaceAll(text, v, redacted)
		for n := len(v) - 1; n >= minPart; n-- {
			if cutHead && strings.HasPrefix(text, v[len(v)-n:]) {
				text = redacted + text[n:]
			}
			if cutTail && strings.HasSuffix(text, v[:n]) {
				text = text[:len(text)-n] + redacted
			}
		}
	}
	return text
}
