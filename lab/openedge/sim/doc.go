// Package sim imitates the programs of Progress OpenEdge and OpenEdge
// Replication where operators and their tools touch them: files beside a
// database, processes, messages with numbers, refusals and prompts.
//
// A database is real files: a control area (.db), data and before-image
// extents with numbered records, after-image extents that fill, are locked and
// archived, a log, a lock file. Programs are processes of a lab host; a broker
// serves clients over TCP, a replication server ships after-image notes to the
// other site's agent over TCP. Whoever holds the lock file is the only one who
// writes to a database; the others ask the holder over a local socket, which
// stands for the shared memory of the real product.
//
// Everything that these programs say stands in texts.go, with the kind of
// source that confirms it.
package sim
