package inventory

import (
	"fmt"
	"strings"
)

const (
	// maxKnown bounds how many known words a sentence lists.
	maxKnown = 20
	// maxCompared bounds how many known words a misspelt one is compared
	// with.
	maxCompared = 1000
)

// suggest ends a sentence about an unknown word: the word that was probably
// meant, or all words that are known.
func suggest(word string, known []string) string {
	best, distance := "", max(1, len(word)/3)+1
	for _, k := range known[:min(len(known), maxCompared)] {
		if d := editDistance(word, k); d < distance && d < len(k) {
			best, distance = k, d
		}
	}
	switch {
	case word != "" && best != "":
		return `did you mean "` + best + `"?`
	case len(known) == 0:
		return "there is none"
	case len(known) > maxKnown:
		return fmt.Sprintf("known: %s and %d more", strings.Join(known[:maxKnown], ", "), len(known)-maxKnown)
	default:
		return "known: " + strings.Join(known, ", ")
	}
}

// editDistance counts the letters to change, add or remove, or the pairs to
// swap (optimal string alignment).
func editDistance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}
