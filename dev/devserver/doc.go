// Package devserver runs a whole Temporal service inside one Go process: the
// server, its database in SQLite and the Temporal UI. Nobody has to install
// Temporal to try or to test Switchback.
//
// It is not for production: one process, one history shard, no
// authentication. It is durable, though: with a database file every answered
// request has been written and synchronised to disk, and a new start on the
// same file goes on with the open workflows.
//
// One process may run several servers, but only one on each database file,
// and must not delete a file and create it anew: the server keeps a file open
// until the process ends.
package devserver
