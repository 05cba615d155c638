// Package observer is the simulated OceanBase observer: one process that serves
// a whole small cluster over MySQL's wire protocol, with the views, statements,
// errors and the role state machine of physical standby tenants.
//
// What stands behind it is real where a procedure could tell: state in files
// that survive a kill, logs per log stream with their own SCN, replication over
// TCP as the replication user, backups and archives as files in directories.
// What is imitated is said where it is. Sources are the vendor's documentation
// (V4.1 to V4.3.3, chapter "Physical standby database disaster recovery", and
// "System views") and the public server source; texts that neither confirms
// have a mark in texts.go.
package observer
