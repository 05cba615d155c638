package instance

import (
	"os"
	"strings"
)

// FaultsDir holds the switches that the database and its programs obey: a file
// per fault, its content being the fault's parameter.
const FaultsDir = "var/hana-faults"

// Fault says whether a fault is switched on, and its parameter.
func (c Config) Fault(name string) (string, bool) {
	b, err := os.ReadFile(c.Path(FaultsDir, name))
	return strings.TrimSpace(string(b)), err == nil
}
