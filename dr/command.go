package dr

import (
	"fmt"
	"regexp"
	"strings"
)

// Command is what a step sends to a host or a database, as typed data. The
// text that people approve and the text that runs both come from Render, so
// they cannot differ but for secrets, which only the executor fills in.
type Command struct {
	// Host is the inventory's host name; for SQL the endpoint's name.
	Host string `json:"host"`
	// Argv is the program and its arguments. Every argument is quoted by
	// Render: there is no place where a text becomes shell code. A step that
	// needs shell syntax runs a fixed script as Argv {"sh","-c",script,
	// "sh",args...} in which the values are positional arguments.
	Argv []string `json:"argv,omitempty"`
	// Env are variables set for the program only, as NAME=value.
	Env []string `json:"env,omitempty"`
	// Stdin is fed to the program; empty means that stdin is closed.
	Stdin string `json:"stdin,omitempty"`
	// SecretEnv maps a variable's name to a credential of the inventory. The
	// executor sends its value by stdin; Render shows only the reference.
	SecretEnv map[string]string `json:"secret_env,omitempty"`
	// SQL is a statement for the endpoint, instead of Argv.
	SQL string `json:"sql,omitempty"`
	// Login says that the program needs the user's login environment
	// (<sid>adm, proenv).
	Login bool `json:"login,omitempty"`
}

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// Check says what is wrong with a command before it is shown or sent.
func (c Command) Check() error {
	if (len(c.Argv) == 0) == (c.SQL == "") {
		return fmt.Errorf("a command has either an argv or a statement")
	}
	for _, a := range append(append([]string{}, c.Argv...), c.Env...) {
		if strings.ContainsRune(a, 0) {
			return fmt.Errorf("a command's argument contains a zero byte")
		}
	}
	for line := range strings.Lines(c.Stdin) {
		if strings.TrimRight(line, "\n") == inputEnd {
			return fmt.Errorf("a command's input contains the line %s, which ends it", inputEnd)
		}
	}
	for _, e := range c.Env {
		name, _, ok := strings.Cut(e, "=")
		if !ok || !envName.MatchString(name) {
			return fmt.Errorf("the variable %q is not NAME=value", clip(e, 60))
		}
	}
	for n := range c.SecretEnv {
		if !envName.MatchString(n) {
			return fmt.Errorf("the variable name %q is not allowed", clip(n, 60))
		}
	}
	return nil
}

// inputEnd ends the here-document of a command's input.
const inputEnd = "SWITCHBACK_INPUT"

// Render gives the command as one POSIX sh command, or the SQL statement. It
// is the text shown at gates and the text that the executor runs.
func (c Command) Render() string {
	if c.SQL != "" {
		return c.SQL
	}
	var b strings.Builder
	for _, e := range c.Env {
		name, value, _ := strings.Cut(e, "=")
		b.WriteString(name + "=" + Quote(value) + " ")
	}
	for i, a := range c.Argv {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(Quote(a))
	}
	if c.Stdin != "" {
		b.WriteString(" <<'" + inputEnd + "'\n" + strings.TrimSuffix(c.Stdin, "\n") + "\n" + inputEnd)
	}
	return b.String()
}

// Shown is Render with its place and the secrets' references in front, for
// people: "db1$ PGPASSWORD=<credential orders-db> psql ...".
func (c Command) Shown() string {
	var secrets strings.Builder
	for _, n := range sortedKeys(c.SecretEnv) {
		secrets.WriteString(n + "=<credential " + c.SecretEnv[n] + "> ")
	}
	if c.SQL != "" {
		return c.Host + "> " + c.Render()
	}
	return c.Host + "$ " + secrets.String() + c.Render()
}

var plainArg = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// Quote makes one POSIX sh word of any text without zero bytes. Words of plain
// characters stay as they are, so that commands are readable.
func Quote(s string) string {
	if plainArg.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
