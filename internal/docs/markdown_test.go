package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// page is one Markdown file.
type page struct {
	// path is relative to the root.
	path string
	// prose is the text without its fenced blocks.
	prose string
	// blocks are the fenced blocks.
	blocks []block
}

type block struct {
	lang  string
	line  int
	lines []string
}

var fence = regexp.MustCompile("^( *)```([a-z]*)$")

// pages reads every page of the repository that people read; samples of
// rendered texts are none.
func pages(t *testing.T) []page {
	t.Helper()
	var all []page
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || slices.Contains([]string{"testdata", "bin", "lab-dir", "reports", "node_modules"}, d.Name())):
			return fs.SkipDir
		case d.IsDir() || filepath.Ext(path) != ".md":
			return nil
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		all = append(all, readPage(t, rel))
		return nil
	})
	require.NoError(t, err)
	require.Greater(t, len(all), 15, "the pages were found")
	return all
}

func readPage(t *testing.T, path string) page {
	t.Helper()
	p := page{path: path}
	var open *block
	var indent string
	var prose []string
	for i, line := range strings.Split(read(t, path), "\n") {
		m := fence.FindStringSubmatch(line)
		switch {
		case open == nil && m != nil:
			indent, open = m[1], &block{lang: m[2], line: i + 1}
		case open != nil && m != nil && m[2] == "":
			p.blocks, open = append(p.blocks, *open), nil
		case open != nil:
			open.lines = append(open.lines, strings.TrimPrefix(line, indent))
		default:
			prose = append(prose, line)
		}
	}
	require.Nilf(t, open, "%s: a fenced block is not closed", path)
	p.prose = strings.Join(prose, "\n")
	return p
}

// read gives a file of the repository.
func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(path)))
	require.NoError(t, err)
	return string(text)
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	outside = regexp.MustCompile(`^(https?|mailto):`)
)

func TestEveryRelativeLinkLeadsToAFileAndAHeading(t *testing.T) {
	checked := 0
	for _, p := range pages(t) {
		for _, m := range link.FindAllStringSubmatch(p.prose, -1) {
			if outside.MatchString(m[1]) {
				continue
			}
			checked++
			file, anchor, _ := strings.Cut(m[1], "#")
			target := p.path
			if file != "" {
				target = filepath.Join(filepath.Dir(p.path), file)
			}
			if _, err := os.Stat(filepath.Join(root, target)); err != nil {
				t.Errorf("%s links to %s, which does not exist", p.path, m[1])
				continue
			}
			if anchor != "" && !slices.Contains(anchors(readPage(t, target)), anchor) {
				t.Errorf("%s links to %s, but %s has no such heading", p.path, m[1], target)
			}
		}
	}
	require.Greater(t, checked, 40)
}

// anchors gives the names under which the page's headings can be linked to, as
// GitHub makes them.
func anchors(p page) []string {
	var all []string
	for _, m := range heading.FindAllStringSubmatch(p.prose, -1) {
		name := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z':
				return r
			}
			return -1
		}, strings.ToLower(m[1]))
		all = append(all, name)
	}
	return all
}
