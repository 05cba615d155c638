package histories

import (
	"path/filepath"
	"strings"
)

// Path is the scenario's recording below the folder, without a suffix.
func (s Scenario) Path(dir string) string {
	return filepath.Join(dir, strings.ToLower(s.Workflow), s.Name)
}
