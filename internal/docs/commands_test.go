package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// ours are the programs of this repository.
var ours = map[string]bool{"worker": true, "starter": true, "chatops": true, "lab": true, "dev": true}

// foreign are programs that pages may use and that are not looked at.
var foreign = map[string]bool{
	"apt-get": true, "base64": true, "cd": true, "curl": true, "docker": true, "export": true, "git": true, "printf": true, "ssh-keygen": true, "temporal": true,
}

// span is inline code that reads like a command of ours.
var span = regexp.MustCompile("`((?:make|worker|starter|chatops|lab) [a-z][^`]*)`")

// fault finds the names of the lab's fault switches in its source.
var fault = regexp.MustCompile(`Name: "([a-z-]+)", Usage:`)

func TestEveryCommandInThePagesExistsWithItsFlags(t *testing.T) {
	checked := 0
	for _, p := range pages(t) {
		for _, b := range p.blocks {
			for _, line := range commandLines(b) {
				for _, words := range simpleCommands(line) {
					checked++
					if why := wrong(t, words); why != "" {
						t.Errorf("%s:%d: %s: %s", p.path, b.line, strings.Join(words, " "), why)
					}
				}
			}
		}
		for _, m := range span.FindAllStringSubmatch(p.prose, -1) {
			checked++
			if why := wrong(t, strings.Fields(m[1])); why != "" {
				t.Errorf("%s: `%s`: %s", p.path, m[1], why)
			}
		}
	}
	require.Greater(t, checked, 50)
}

func TestEveryFolderThatTheMakefileBuildsExists(t *testing.T) {
	folders := regexp.MustCompile(` \./([a-z0-9/]+)`).FindAllStringSubmatch(read(t, "Makefile"), -1)
	require.Greater(t, len(folders), 4)
	for _, m := range folders {
		require.DirExists(t, filepath.Join(root, m[1]))
	}
}

func TestAWrongCommandIsFound(t *testing.T) {
	for _, line := range []string{
		"make tset", "make demo APPROVE=yes", "starter aprove orders", "starter approve orders --diggest 12", "worker chek",
		"worker check --inventry x", "chatops chek", "chatops run --confg x", "lab down --dir x", "lab up oracle", "lab fault --dir x host-dwon east", "go run ./starterr systems",
		"scripts/tst.sh", "scripts/test.sh raec", "starter plan orders", "dev serve", "rm -rf /", "starter systems && starter nothing",
	} {
		found := ""
		for _, words := range simpleCommands(line) {
			found += wrong(t, words)
		}
		require.NotEmptyf(t, found, "%s", line)
	}
}

// commandLines gives the commands of a block: all lines of sh, those behind a
// prompt of console. Lines that end in a backslash are joined.
func commandLines(b block) []string {
	var out []string
	text := strings.ReplaceAll(strings.Join(b.lines, "\n"), "\\\n", " ")
	for _, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if b.lang == "console" {
			command, ok := strings.CutPrefix(line, "$ ")
			if !ok {
				continue
			}
			line = command
		} else if b.lang != "sh" {
			return nil
		}
		if line != "" && !strings.HasPrefix(line, "#") {
			out = append(out, line)
		}
	}
	return out
}

// substitution is a variable that gets what commands print.
var substitution = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*=\$\((.*)\)$`)

var assignment = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*=`)

// simpleCommands splits a line of shell into its simple commands, each as
// words without quotes; assignments before a command are left out, and what
// stands behind a redirection.
func simpleCommands(line string) [][]string {
	var all [][]string
	var now []string
	flush := func() {
		for len(now) > 0 && assignment.MatchString(now[0]) {
			now = now[1:]
		}
		if len(now) > 0 {
			all = append(all, now)
		}
		now = nil
	}
	if m := substitution.FindStringSubmatch(line); m != nil {
		line = m[1]
	}
	for _, w := range shellWords(line) {
		switch {
		case w == "&&" || w == "||" || w == "|" || w == ";":
			flush()
		case strings.HasPrefix(w, ">"):
			now = append(now, ">")
		default:
			now = append(now, w)
		}
	}
	flush()
	for i, words := range all {
		for j, w := range words {
			if w == ">" {
				all[i] = words[:j]
				break
			}
		}
	}
	return all
}

// shellWords splits at blanks outside of quotes and takes the quotes off.
func shellWords(line string) []string {
	var words []string
	var b strings.Builder
	quote, inWord := rune(0), false
	for _, r := range line {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '\'' || r == '"'):
			quote, inWord = r, true
		case quote == 0 && r == ' ':
			if inWord {
				words = append(words, b.String())
			}
			b.Reset()
			inWord = false
		default:
			b.WriteRune(r)
			inWord = true
		}
	}
	if inWord {
		words = append(words, b.String())
	}
	return words
}

// wrong says what is wrong with one simple command; "" when nothing is found.
func wrong(t *testing.T, words []string) string {
	t.Helper()
	name, args := words[0], words[1:]
	switch {
	case name == "make":
		return wrongMake(t, args)
	case name == "go" && len(args) > 1 && args[0] == "run":
		program := strings.TrimPrefix(args[1], "./")
		if !ours[program] {
			return "there is no program " + args[1]
		}
		return programs(t).complaint(t, program, args[2:])
	case strings.HasPrefix(name, "scripts/"):
		return wrongScript(t, name, args)
	case ours[strings.TrimPrefix(name, "bin/")]:
		if why := wrongFault(t, words); why != "" {
			return why
		}
		return programs(t).complaint(t, strings.TrimPrefix(name, "bin/"), args)
	case foreign[name]:
		return ""
	}
	return "the program is not known to this test"
}

func wrongMake(t *testing.T, args []string) string {
	t.Helper()
	makefile := read(t, "Makefile")
	for _, a := range args {
		pattern := `(?m)^` + regexp.QuoteMeta(a) + `:`
		if name, _, isVariable := strings.Cut(a, "="); isVariable {
			pattern = `(?m)^` + regexp.QuoteMeta(name) + ` \?=`
		}
		if !regexp.MustCompile(pattern).MatchString(makefile) {
			return "the Makefile has no " + a
		}
	}
	return ""
}

func wrongScript(t *testing.T, name string, args []string) string {
	t.Helper()
	if _, err := os.Stat(filepath.Join(root, name)); err != nil {
		return "there is no such script"
	}
	if name != "scripts/test.sh" {
		return ""
	}
	script := read(t, name)
	for _, part := range args {
		if !strings.Contains(script, "\npart_"+part+"()") {
			return "the suite has no part " + part
		}
	}
	return ""
}

// wrongFault looks up a fault switch in the lab's source: to ask the lab, one
// would have to start it.
func wrongFault(t *testing.T, words []string) string {
	t.Helper()
	if words[0] != "lab" || len(words) < 2 || words[1] != "fault" {
		return ""
	}
	var names []string
	files, err := filepath.Glob(filepath.Join(root, "lab", "*", "faults.go"))
	require.NoError(t, err)
	for _, f := range files {
		text, err := os.ReadFile(f)
		require.NoError(t, err)
		for _, m := range fault.FindAllStringSubmatch(string(text), -1) {
			names = append(names, m[1])
		}
	}
	require.NotEmpty(t, names)
	for _, w := range words[2:] {
		if slices.Contains(names, w) {
			return ""
		}
	}
	return "the lab has no such fault"
}
