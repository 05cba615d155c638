package contrib

import "strings"

// replaced changes one place of a text that is there.
func replaced(text, old, with string) string {
	if !strings.Contains(text, old) {
		panic("the text has no " + old)
	}
	return strings.Replace(text, old, with, 1)
}
