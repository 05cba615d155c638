package kit

import (
	"strings"

	"github.com/switchback-dr/switchback/dr"
)

// YesNo reads what an observation's script prints for a fact: yes, no or unknown.
// Anything else is an error.
func YesNo(s string) (dr.Tri, error) {
	var t dr.Tri
	err := t.UnmarshalText([]byte(s))
	return t, err
}

// SQLText is a text as a literal of standard SQL. Values are validated before;
// doubling the quotes is the second line.
func SQLText(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// AtMost gives the first n bytes of a name that would be too long for a product.
func AtMost(s string, n int) string { return s[:min(n, len(s))] }
