// Package histories plays every procedure to every ending, against a real
// Temporal server and with the real workflows, and records what the server
// kept. The recordings in workflows/testdata/histories are replayed against
// today's code by a test: a change that would break a run that is open during
// an upgrade fails there.
//
// A scenario is data: what is started, what the world answers, what people
// send when, and how it must end. Only the activities are scripted; they are
// registered under their real names.
package histories
