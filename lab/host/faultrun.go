package host

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"time"
)

// faultRunner is the program that runs another one badly.
const faultRunner = "libexec/fault-run"

// faultRunnerText gets the switch directory of a program, the program and its
// arguments. The directory holds the file "kind" and, per kind, a parameter.
// Signals and exit codes are real: a killed program is killed, not imitated.
const faultRunnerText = `#!/bin/sh
# Lab: runs a program the way its fault switch says.
fault=$1; shift
read -r kind value <"$fault/kind" || exec "$@"
case $kind in
hang-before)
  exec sleep 2147483647 ;;
hang-after)
  "$@"
  exec sleep 2147483647 ;;
kill)
  # Standard input is kept for the program: sh would give a background
  # program /dev/null.
  exec 3<&0
  "$@" <&3 3<&- &
  pid=$!
  ( sleep "$value"; kill -9 $pid ) >/dev/null 2>&1 </dev/null 3<&- &
  killer=$!
  wait $pid; code=$?
  kill $killer 2>/dev/null
  [ $code -gt 128 ] && kill -9 $$
  exit $code ;;
lie)
  "$@"
  exit "$value" ;;
lie-idle)
  exit "$value" ;;
truncate)
  # What is cut off is the output; the program itself runs to its end.
  out=$(mktemp) || exit 1
  "$@" >"$out"; code=$?
  head -c "$value" "$out"
  rm -f "$out"
  exit $code ;;
*)
  echo "lab: unknown fault $kind" >&2
  exit 97 ;;
esac
`

// The kinds of faults of a program on a host.
const (
	// FaultHangBefore: the program does nothing and never ends.
	FaultHangBefore = "hang-before"
	// FaultHangAfter: it does its work and never ends.
	FaultHangAfter = "hang-after"
	// FaultKill: it is killed by SIGKILL after the value, in seconds.
	FaultKill = "kill"
	// FaultLie: it does its work and ends with the value as exit code.
	FaultLie = "lie"
	// FaultLieIdle: it does nothing and ends with the value as exit code.
	FaultLieIdle = "lie-idle"
	// FaultTruncate: only the first bytes of its output, as many as the
	// value, arrive.
	FaultTruncate = "truncate"
)

// BreakProgram sets the fault of a counted program on the host, for its next
// calls; value is the kind's parameter (see the kinds).
func (h *Host) BreakProgram(name, kind, value string) error {
	if err := h.knows(name); err != nil {
		return err
	}
	switch kind {
	case FaultHangBefore, FaultHangAfter:
	case FaultKill:
		if d, err := strconv.ParseFloat(value, 64); err != nil || d < 0 || d > time.Hour.Seconds() {
			return fmt.Errorf("%q is no number of seconds", value)
		}
	case FaultLie, FaultLieIdle:
		if code, err := strconv.Atoi(value); err != nil || code < 0 || code > 255 {
			return fmt.Errorf("%q is no exit code: 0 to 255", value)
		}
	case FaultTruncate:
		if n, err := strconv.Atoi(value); err != nil || n < 0 {
			return fmt.Errorf("%q is no number of bytes", value)
		}
	default:
		return fmt.Errorf("there is no program fault %q", kind)
	}
	// The directory is what shims look for: it appears with its content.
	if err := h.MendProgram(name); err != nil {
		return err
	}
	hidden := FaultsDir + "/." + name
	if err := h.MkdirAll(hidden, 0o755); err != nil {
		return err
	}
	if err := h.WriteFile(hidden+"/kind", kind+" "+value+"\n", 0o644); err != nil {
		return err
	}
	return os.Rename(h.Path(hidden), h.Path(FaultsDir, name))
}

// knows says whether a program of this name is counted on the host: only such
// a program can be broken.
func (h *Host) knows(name string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.shims[name] {
		return nil
	}
	return fmt.Errorf("the host %s has no program %q that can be broken: it has %v", h.Name, name, slices.Sorted(maps.Keys(h.shims)))
}

// MendProgram removes the fault of a program.
func (h *Host) MendProgram(name string) error {
	if err := h.knows(name); err != nil {
		return err
	}
	if err := os.RemoveAll(h.Path(FaultsDir, name)); err != nil {
		return fmt.Errorf("the fault of %s on %s cannot be removed: %w", name, h.Name, err)
	}
	return nil
}
