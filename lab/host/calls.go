package host

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/switchback-dr/switchback/dr"
)

// callsFile is where counted programs write that they were called.
const callsFile = "var/log/calls"

// Separators in callsFile: programs' arguments may contain anything printable
// and newlines, but hardly the control characters made for this purpose.
const (
	unitSeparator   = "\x1f"
	recordSeparator = "\x1e"
)

// shimText is what stands in a host's directory of programs under the name of
// a real one. It writes the call down, obeys fault switches and becomes the
// real program, at the cost of one start of sh and no other process.
const shimText = `#!/bin/sh
# Lab: counts calls of @NAME@, obeys the fault switches, becomes the real one.
read -r up idle </proc/uptime
call=$up@US@@NAME@
for argument; do call=$call@US@$argument; done
printf '%s@RS@' "$call" >>@CALLS@
[ -d @FAULT@ ] && exec @RUNNER@ @FAULT@ @REAL@ "$@"
exec @REAL@ "$@"
`

// Shim puts a counted stand-in for the program real at relative (a path below
// the root) on the host.
func (h *Host) Shim(relative, name, real string) error {
	// Vendors' programs also have capitals in their names (HDB).
	if err := dr.CheckStepID(strings.ToLower(strings.ReplaceAll(name, "_", "-"))); err != nil {
		return fmt.Errorf("the program name %q is not allowed", name)
	}
	if err := h.Program(faultRunner, faultRunnerText); err != nil {
		return err
	}
	h.set(func() { h.shims[name] = true })
	return h.Program(relative, strings.NewReplacer(
		"@NAME@", name,
		"@US@", unitSeparator,
		"@RS@", recordSeparator,
		"@CALLS@", dr.Quote(h.Path(callsFile)),
		"@FAULT@", dr.Quote(h.Path(FaultsDir, name)),
		"@RUNNER@", dr.Quote(h.Path(faultRunner)),
		"@REAL@", dr.Quote(real),
	).Replace(shimText))
}

// Call is one call of a counted program.
type Call struct {
	Host string `json:"host"`
	// Uptime is the machine's uptime in seconds when it was called.
	Uptime float64  `json:"uptime"`
	Argv   []string `json:"argv"`
}

// Calls lists the calls of counted programs since the host was made.
func (h *Host) Calls() ([]Call, error) {
	b, err := os.ReadFile(h.Path(callsFile))
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the calls on the host %s cannot be read: %w", h.Name, err)
	}
	var all []Call
	for _, record := range strings.Split(string(b), recordSeparator) {
		fields := strings.Split(record, unitSeparator)
		if len(fields) < 2 {
			continue
		}
		up, err := strconv.ParseFloat(fields[0], 64)
		if err != nil {
			continue
		}
		all = append(all, Call{Host: h.Name, Uptime: up, Argv: fields[1:]})
	}
	return all, nil
}
