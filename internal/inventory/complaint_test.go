package inventory_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/inventory"
)

// lineOf gives the line of the first place where text stands.
func lineOf(t *testing.T, raw, text string) int {
	t.Helper()
	i := strings.Index(raw, text)
	require.GreaterOrEqual(t, i, 0, "the file does not contain %q", text)
	return 1 + strings.Count(raw[:i], "\n")
}

// complaints gives what is said about the text, one complaint an element.
func complaints(t *testing.T, raw string) []string {
	t.Helper()
	_, err := inventory.Parse("systems.yaml", []byte(raw), products)
	if err == nil {
		return nil
	}
	require.True(t, dr.HasCode(err, "inventory"))
	require.Equal(t, dr.ClassRefuse, dr.ClassOf(err))
	return strings.Split(err.Error(), "\n")
}

// mistake is one change to the good file and what is said about it: the line
// in which at stands first, and the exact sentence.
type mistake struct{ from, to, at, want string }

func testMistakes(t *testing.T, list []mistake) {
	t.Helper()
	whole := string(good(t))
	for _, m := range list {
		require.Equal(t, 1, strings.Count(whole, m.from), "%q must stand in the good file once", m.from)
		raw := strings.Replace(whole, m.from, m.to, 1)
		want := fmt.Sprintf("systems.yaml:%d: %s", lineOf(t, raw, m.at), m.want)
		require.Equal(t, []string{want}, complaints(t, raw), "%q instead of %q", m.to, m.from)
	}
}
