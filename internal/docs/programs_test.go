package docs

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// built are the programs that people type, built once for all tests.
type built struct{ dir string }

var (
	buildOnce sync.Once
	buildDir  string
	errBuild  error

	// printed keeps what programs print, by command line: pages name the
	// same commands again and again.
	printed = map[string]string{}
)

func TestMain(m *testing.M) {
	status := m.Run()
	if buildDir != "" {
		_ = os.RemoveAll(buildDir)
	}
	os.Exit(status)
}

// programs builds worker, starter, chatops and lab. The development server is too large
// to be built for this: its flags are looked up in its source.
func programs(t *testing.T) built {
	t.Helper()
	buildOnce.Do(func() {
		if buildDir, errBuild = os.MkdirTemp("", "switchback-docs-"); errBuild != nil {
			return
		}
		cmd := exec.Command("go", "build", "-o", buildDir+string(filepath.Separator), "./worker", "./starter", "./chatops", "./lab")
		cmd.Dir = root
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if errBuild = cmd.Run(); errBuild != nil {
			errBuild = &exec.Error{Name: out.String(), Err: errBuild}
		}
	})
	require.NoError(t, errBuild)
	return built{buildDir}
}

// run gives everything that a program prints; its exit status does not matter.
func (b built) run(t *testing.T, program string, args ...string) string {
	t.Helper()
	line := program + " " + strings.Join(args, " ")
	if out, ok := printed[line]; ok {
		return out
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(b.dir, program), args...)
	cmd.Dir = t.TempDir()
	out, err := cmd.CombinedOutput()
	if err != nil {
		require.ErrorAs(t, err, new(*exec.ExitError))
	}
	printed[line] = string(out)
	return string(out)
}

// complaint says what is wrong with the arguments of one of our programs; ""
// when they are right as far as can be told without carrying them out.
func (b built) complaint(t *testing.T, program string, args []string) string {
	t.Helper()
	words, flags := split(args)
	sub := ""
	if len(words) > 0 {
		sub = words[0]
	}
	switch program {
	case "starter":
		return b.starter(t, sub, words, flags)
	case "worker", "chatops":
		if known := b.run(t, program, "no-such-command"); sub != "" && !hasWord(known, sub) {
			return program + " has no command " + sub
		}
		return missing(b.run(t, program, "run", "-h"), "-", flags)
	case "lab":
		usage := b.run(t, "lab")
		if sub != "" && !strings.Contains(usage, "lab "+sub+" ") {
			return "lab has no command " + sub
		}
		if sub == "up" && len(words) == 2 && !hasWord(usage[strings.LastIndex(usage, "Products:"):], words[1]) {
			return "the lab has no product " + words[1]
		}
		return missing(usage, "--", flags)
	case "dev":
		return devComplaint(t, sub, flags)
	}
	return "there is no program " + program
}

func (b built) starter(t *testing.T, sub string, words, flags []string) string {
	t.Helper()
	topic := sub
	if sub == "help" {
		if len(words) < 2 {
			return ""
		}
		topic = words[1]
	}
	page := b.run(t, "starter", "help", topic)
	if strings.Contains(page, "there is no help about") {
		return "starter has no command " + topic
	}
	if sub == "plan" || sub == "link" {
		if len(words) < 3 || !hasWord(page, words[1]) {
			return "starter " + sub + " needs a procedure and a system"
		}
	}
	return missing(page, "--", flags)
}

// devComplaint reads the source of the development server.
func devComplaint(t *testing.T, sub string, flags []string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "dev", "*.go"))
	require.NoError(t, err)
	var source strings.Builder
	for _, f := range files {
		text, err := os.ReadFile(f)
		require.NoError(t, err)
		source.Write(text)
	}
	for _, word := range append([]string{sub}, flags...) {
		if !strings.Contains(source.String(), `"`+word+`"`) {
			return "dev has no " + word
		}
	}
	return ""
}

var flagName = regexp.MustCompile(`^--?([a-z][a-z-]*)`)

// split parts the arguments into words and the names of flags. The value of a
// flag is taken for a word, which harms nobody: words are looked at from the
// first one on.
func split(args []string) (words, flags []string) {
	for _, a := range args {
		if m := flagName.FindStringSubmatch(a); m != nil {
			flags = append(flags, m[1])
			continue
		}
		words = append(words, a)
	}
	return words, flags
}

// missing names the first flag that a usage text does not have.
func missing(usage, dashes string, flags []string) string {
	for _, f := range flags {
		if !regexp.MustCompile(`(^|[\s\[(|])` + dashes + regexp.QuoteMeta(f) + `($|[\s\])|])`).MatchString(usage) {
			return "there is no flag --" + f
		}
	}
	return ""
}

func hasWord(text, word string) bool {
	return regexp.MustCompile(`\b` + regexp.QuoteMeta(word) + `\b`).MatchString(text)
}
