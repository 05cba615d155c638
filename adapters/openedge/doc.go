// Package openedge is the adapter for Progress OpenEdge databases with
// OpenEdge Replication: takeover by transition, failback, and the manual's
// secondary replication (backup, restore, transition) as reseed.
//
// Exit codes of the vendor's tools prove almost nothing. What decides is state
// that is read back: message numbers, the role in the database's description,
// the group of status codes of both ends, files.
package openedge
