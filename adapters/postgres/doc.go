// Package postgres is the adapter for PostgreSQL streaming replication.
//
// It decides on state that is read back (control file, process, SQL) and never
// on an exit code alone. Everything runs over SSH as the ordinary user who
// owns the server; the tools are taken from the site's bin directory.
package postgres
