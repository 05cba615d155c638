package kit

import (
	"cmp"
	"fmt"
	"path"
	"regexp"

	"github.com/switchback-dr/switchback/dr"
)

// RunID is what a run's short ID is made of, in arguments and in names of
// checkpoints, slots and backups.
var RunID = regexp.MustCompile(`^[0-9a-f]{1,8}$`)

// Address is what a host's name or IP address is made of.
var Address = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.:-]{0,252}[A-Za-z0-9])?$`)

var plainPath = regexp.MustCompile(`^/[A-Za-z0-9._/+@-]{1,200}$`)

// PlainPath says whether a text is an absolute path that needs no quoting and
// leads nowhere but where it says: without "..", "." and doubled slashes.
func PlainPath(p string) bool { return plainPath.MatchString(p) && path.Clean(p) == p }

// Checks gives the first complaint of several, nil when there is none.
func Checks(errs ...error) error { return cmp.Or(errs...) }

// Match complains about a value that is not what re allows. what is its name
// for people: "slot".
func Match(re *regexp.Regexp, what, v string) error {
	if !re.MatchString(v) {
		return fmt.Errorf("the %s %q is not allowed", what, dr.Clip(v, 80))
	}
	return nil
}
