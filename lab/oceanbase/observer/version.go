package observer

import (
	"fmt"
	"strconv"
	"strings"
)

// Version is a server's version like 4.2.5.4.
type Version string

func (v Version) check() error {
	if len(v.parts()) != 4 {
		return fmt.Errorf("%q is no version like 4.2.5.4", string(v))
	}
	return nil
}

func (v Version) parts() []int {
	var all []int
	for _, p := range strings.Split(string(v), ".") {
		n, err := strconv.Atoi(p)
		if err != nil || n < 0 || n > 999 {
			return nil
		}
		all = append(all, n)
	}
	return all
}

// AtLeast compares with another version.
func (v Version) AtLeast(other Version) bool {
	a, b := v.parts(), other.parts()
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return a[i] > b[i]
		}
	}
	return len(a) >= len(b)
}

// between is at least from and below to.
func (v Version) between(from, to Version) bool { return v.AtLeast(from) && !v.AtLeast(to) }

// text is what SELECT VERSION() gives, and the greeting's version.
func (v Version) text() string { return "5.7.25-OceanBase_CE-v" + string(v) }

// compatible is the data version of tenants that this version makes.
func (v Version) compatible() string { return string(v) }

// Abilities that came with a version (release notes and server source).

// verifies says whether VERIFY really checks. Older servers parse the word and
// answer OK without executing anything.
func (v Version) verifies() bool {
	return v.between("4.2.1.8", "4.2.2.0") || v.between("4.2.2.0", "4.3.0.0") || v.AtLeast("4.3.3.0")
}

// network: LOG_RESTORE_SOURCE with SERVICE, CREATE STANDBY TENANT and the views
// of both.
func (v Version) network() bool { return v.AtLeast("4.2.0.0") }

// preparesStandby: the state PREPARE SWITCHING TO STANDBY.
func (v Version) preparesStandby() bool { return v.AtLeast("4.2.0.0") }

// flashbackLog: FLASHBACK STANDBY LOG. 4.2.5 BP4 is 4.2.5.4.
func (v Version) flashbackLog() bool {
	return v.between("4.2.5.4", "4.3.0.0") || v.AtLeast("4.4.0.0")
}

// checksReplicas: promotions look at servers and replicas one by one; older
// ones want every server of the cluster.
func (v Version) checksReplicas() bool { return v.AtLeast("4.2.0.0") }
