// Package host is a simulated host: an SSH server on an address of its own, a
// real shell running as an ordinary user below a root directory of its own, a
// process 1 that owns every process ever started there, and a power switch.
//
// What is simulated is only the machine's edge (power, boot, its addresses).
// Programs, files, signals, exit codes and the SSH protocol are real, so that
// whatever works on a lab host works for the same reasons on a real one.
package host
