package inventory

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/switchback-dr/switchback/dr"
)

// The length of a secret, in bytes. A shorter one cannot be kept out of
// reports: cutting every "ab" out of a text would tell what it is.
const (
	MinSecret = 4
	MaxSecret = 64 * 1024
)

// Secret gives the value of a credential, read anew each time so that a
// rotated password needs no restart. A trailing line break of a file is cut
// off. Every failure is a refusal of code "credential"; no error contains the
// value.
func (inv *Inventory) Secret(ctx context.Context, credential string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	c, ok := inv.Credentials[credential]
	if !ok {
		return "", dr.Refuse("credential", "there is no credential %q in %s", dr.Clip(credential, 60), inv.Path).
			WithNext("describe it under credentials")
	}
	value, err := c.read()
	if err != nil {
		return "", err
	}
	switch {
	case len(strings.TrimSpace(value)) < MinSecret:
		return "", dr.Refuse("credential", "the credential %s is shorter than %d characters and could not be kept out of reports", c.Name, MinSecret).
			WithNext("set a longer secret")
	case len(value) > MaxSecret:
		return "", dr.Refuse("credential", "the credential %s is larger than %s", c.Name, dr.ByteText(MaxSecret))
	case !utf8.ValidString(value) || strings.ContainsRune(value, 0):
		return "", dr.Refuse("credential", "the credential %s is not plain text", c.Name)
	}
	return value, nil
}

// Secrets gives the values of all credentials that can be read now, for a
// redactor. What cannot be read cannot be shown by this worker either.
func (inv *Inventory) Secrets(ctx context.Context) []string {
	var out []string
	for _, name := range sortedKeys(inv.Credentials) {
		if v, err := inv.Secret(ctx, name); err == nil {
			out = append(out, v)
		}
	}
	return out
}

func (c Credential) read() (string, error) {
	if c.Env != "" {
		value, ok := os.LookupEnv(c.Env)
		if !ok || value == "" {
			return "", dr.Refuse("credential", "the credential %s is missing: the environment variable %s is not set", c.Name, c.Env).
				WithNext("set it for the worker and start the worker again")
		}
		return value, nil
	}
	f, err := os.Open(c.File)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", dr.Refuse("credential", "the credential %s is missing: there is no file %s", c.Name, c.File).
			WithNext("write the file with mode 0600")
	case err != nil:
		return "", dr.Refuse("credential", "the file %s of the credential %s cannot be read: %v", c.File, c.Name, plainCause(err))
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	switch {
	case err != nil:
		return "", dr.Refuse("credential", "the file %s of the credential %s cannot be read: %v", c.File, c.Name, plainCause(err))
	case !info.Mode().IsRegular():
		return "", dr.Refuse("credential", "the file %s of the credential %s is not a regular file", c.File, c.Name)
	case info.Mode().Perm()&0o077 != 0:
		return "", dr.Refuse("credential", "the file %s of the credential %s can be read by others (mode %04o)", c.File, c.Name, info.Mode().Perm()).
			WithNext("chmod 600 %s", dr.Quote(c.File))
	}
	raw, err := io.ReadAll(io.LimitReader(f, MaxSecret+2))
	if err != nil {
		return "", dr.Refuse("credential", "the file %s of the credential %s cannot be read: %v", c.File, c.Name, plainCause(err))
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(raw), "\n"), "\r"), nil
}
