package oceanbase

import (
	"fmt"
	"regexp"
	"strconv"
)

// Version is a server's or a tenant's version: 4.2.5.4.
type Version [4]int

var (
	serverVersion = regexp.MustCompile(`-OceanBase(?:_CE)?[-_ ]v?([0-9]+\.[0-9]+\.[0-9]+\.[0-9]+)`)
	plainVersion  = regexp.MustCompile(`^([0-9]{1,4})\.([0-9]{1,4})\.([0-9]{1,4})\.([0-9]{1,4})$`)
)

// parseServerVersion reads SELECT VERSION(): 5.7.25-OceanBase_CE-v4.2.5.4.
func parseServerVersion(s string) (Version, bool) {
	m := serverVersion.FindStringSubmatch(s)
	if m == nil {
		return Version{}, false
	}
	return parseVersion(m[1])
}

// parseVersion reads four numbers, as in DBA_OB_TENANTS.COMPATIBLE.
func parseVersion(s string) (Version, bool) {
	m := plainVersion.FindStringSubmatch(s)
	if m == nil {
		return Version{}, false
	}
	var v Version
	for i := range v {
		n, err := strconv.Atoi(m[i+1])
		if err != nil {
			return Version{}, false
		}
		v[i] = n
	}
	return v, true
}

// String writes 4.2.5.4.
func (v Version) String() string { return fmt.Sprintf("%d.%d.%d.%d", v[0], v[1], v[2], v[3]) }

// least says whether v is w or later.
func (v Version) least(w Version) bool {
	for i := range v {
		if v[i] != w[i] {
			return v[i] > w[i]
		}
	}
	return true
}

// The versions from which behaviour differs.
var (
	oldest  = Version{4, 1, 0, 0}
	network = Version{4, 2, 0, 0}
)

// verifies says whether VERIFY of a role statement checks anything in a tenant
// of this data version. An older server parses the word, executes nothing and
// answers OK.
func (v Version) verifies() bool {
	return v.least(Version{4, 2, 1, 8}) && !v.least(Version{4, 2, 2, 0}) ||
		v.least(Version{4, 2, 2, 0}) && !v.least(Version{4, 3, 0, 0}) ||
		v.least(Version{4, 3, 3, 0})
}

// flashes says whether FLASHBACK STANDBY LOG exists: from 4.2.5 BP4 on within
// 4.2.5, and from 4.4 on.
func (v Version) flashes() bool {
	return v.least(Version{4, 2, 5, 4}) && !v.least(Version{4, 2, 6, 0}) || v.least(Version{4, 4, 0, 0})
}
