// Package vvr is the lab's Veritas Volume Replicator: hosts with the programs
// vradmin, vxprint, vxrlink, vxrvg and vxdg over volumes that are real files,
// a write log with a capacity, bitmaps of changed regions and a replication
// that really copies.
//
// What is imitated, and from what, stands in the packages below this one:
// kernel is the state machine and the replication, vras is vradmind, vxvm are
// the programs that only ask the kernel, srl is the storage, texts is every
// message with a mark of how sure its wording is. shop is the application that
// keeps the volumes open; it is no part of VVR.
//
// Nothing here was written from the product itself: layouts and rules are those
// of published manuals, and where these are silent the tables say so.
package vvr
