package docs

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheIndexOfDecisionRecordsIsCompleteAndTheyAreShort(t *testing.T) {
	index := read(t, "docs/adr/README.md")
	files, err := filepath.Glob(filepath.Join(root, "docs", "adr", "[0-9]*.md"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for i, f := range files {
		name := filepath.Base(f)
		require.Truef(t, strings.HasPrefix(name, fmt.Sprintf("%04d-", i+1)), "%s: records are numbered without a gap", name)
		text := read(t, "docs/adr/"+name)
		title, _, _ := strings.Cut(strings.TrimPrefix(text, "# "), "\n")
		require.Truef(t, strings.HasPrefix(title, fmt.Sprintf("%d. ", i+1)), "%s: the title is %q", name, title)
		require.Containsf(t, index, "- ["+title+"]("+name+")\n", "the index has %s with its title", name)
		require.LessOrEqualf(t, strings.Count(text, "\n"), 25, "%s is short", name)
		for _, part := range []string{"**Context.**", "**Decision.**", "**Consequence.**"} {
			require.Containsf(t, text, part, "%s", name)
		}
	}
	require.Equal(t, len(files), strings.Count(index, "\n- ["), "the index has nothing else")
}
