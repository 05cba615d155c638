// Package demo shows Switchback on one machine: Temporal with its UI, a lab
// with two database hosts behind real SSH, a worker and a client that writes
// all the time, everything in this process and its children. It plays three
// acts (a planned takeover, a lost primary, a failback by difference), asks
// for approval at every gate, and believes the lab's ledger, not the reports,
// about what it cost.
package demo
