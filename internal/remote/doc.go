// Package remote reaches the hosts of the inventory over SSH: it implements
// kit.HostSet and kit.Host.
//
// Host keys are always verified against known_hosts files; there is no
// fallback. One connection per host serves all callers. Over it the package
// keeps a few /bin/sh open into which it has loaded host.sh, so that a command
// costs one round trip and no new session. An answer counts only between two
// random marks; what login shells and their start files print does not.
//
// The exec request itself is plain enough to mean the same in csh and in sh:
// `exec /bin/sh`, or for commands that need the login environment
// `exec "$SHELL" -l`, to which one line is then fed that replaces the login
// shell by /bin/sh: variables set by the user's start files stay, aliases and
// shell functions do not. /bin/sh must be a POSIX shell.
//
// Changing commands run as jobs: see host.sh for the claim and its files.
package remote
