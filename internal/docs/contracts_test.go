package docs

import (
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
)

const operators = "docs/operators.md"

// section gives the text below a heading of a page, up to the next one of the
// same rank.
func section(t *testing.T, path, title string) string {
	t.Helper()
	_, rest, found := strings.Cut(read(t, path), "\n## "+title+"\n")
	require.Truef(t, found, "%s has no section %q", path, title)
	text, _, _ := strings.Cut(rest, "\n## ")
	return text
}

func TestTheTableOfVerbsHasEveryVerbAndNoOther(t *testing.T) {
	row := regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\|")
	var have []string
	for _, m := range row.FindAllStringSubmatch(section(t, operators, "All verbs"), -1) {
		have = append(have, m[1])
	}
	var want []string
	for _, v := range dr.Verbs() {
		want = append(want, string(v))
	}
	require.ElementsMatch(t, want, have)
}

func TestTheTableOfGatesHasEveryGate(t *testing.T) {
	text := section(t, operators, "Deciding at a gate")
	for _, g := range []dr.Gate{dr.GateDecide, dr.GateConvert, dr.GateOverwrite, dr.GateCutover, dr.GateUndo} {
		require.Containsf(t, text, "\n| `"+string(g)+"` |", "%s", g)
	}
}

func TestEveryJSONDocumentInTheGuideIsAcceptedAsItStands(t *testing.T) {
	seen := map[string]int{}
	for _, b := range readPage(t, operators).blocks {
		if b.lang != "json" {
			continue
		}
		for _, line := range b.lines {
			kind := kindOf([]byte(line))
			require.NotEmptyf(t, kind, "%s: nobody accepts %s", operators, line)
			seen[kind]++
		}
	}
	for _, kind := range []string{"takeover", "failback", "reseed", "approve"} {
		require.NotZerof(t, seen[kind], "the guide shows a %s", kind)
	}
}

// kindOf says what a document is; "" when it is nothing that a run accepts.
func kindOf(raw []byte) string {
	if _, err := dr.DecodeTakeover(raw); err == nil {
		return "takeover"
	}
	// A reseed names the site that is overwritten; a failback here does not.
	if r, err := dr.DecodeFailback(raw); err == nil && r.To == "" {
		return "failback"
	}
	if _, err := dr.DecodeReseed(raw); err == nil {
		return "reseed"
	}
	if d, err := dr.DecodeDecision(dr.VerbApprove, raw); err == nil && d.Gate != "" && d.Digest != "" {
		return "approve"
	}
	return ""
}

func TestTheTableOfExitStatusesIsWhatTheStarterPrints(t *testing.T) {
	printed := regexp.MustCompile(`(?m)^ +(\d+)  (.+)$`).FindAllStringSubmatch(programs(t).run(t, "starter", "help", "exit-codes"), -1)
	require.NotEmpty(t, printed)
	text := read(t, "docs/exit-codes.md")
	for _, m := range printed {
		require.Contains(t, text, "\n| "+m[1]+" | "+m[2]+" |\n")
	}
	rows := regexp.MustCompile(`(?m)^\| \d+ \|`).FindAllString(text, -1)
	require.Len(t, rows, len(printed))
}

func TestTheExampleInventoryHasEveryFieldOfTheFormat(t *testing.T) {
	example := read(t, "docs/systems.yaml")
	sources, err := filepath.Glob(filepath.Join(root, "internal", "inventory", "*.go"))
	require.NoError(t, err)
	products, err := filepath.Glob(filepath.Join(root, "adapters", "*", "inventory.go"))
	require.NoError(t, err)
	sources = append(sources, products...)
	tag := regexp.MustCompile("`yaml:\"([a-z_]+)\"`")
	fields := 0
	for _, path := range sources {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		rel, err := filepath.Rel(root, path)
		require.NoError(t, err)
		for _, m := range tag.FindAllStringSubmatch(read(t, rel), -1) {
			fields++
			require.Regexpf(t, `(^|[\s{,])`+m[1]+`:`, example, "%s has the field %s", rel, strconv.Quote(m[1]))
		}
	}
	require.Greater(t, fields, 60)
}
