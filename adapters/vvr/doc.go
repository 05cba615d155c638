// Package vvr is the adapter for Veritas Volume Replicator: one replicated
// data set (RDS) of two or more hosts, each with one RVG. It speaks to the
// hosts over SSH with vradmin, vxprint, vxrlink, vxrvg and vxdg.
//
// The state that is read back decides (vxprint, vxrvg cplist, vxrlink status);
// an exit code or a sentence of a tool never does.
package vvr
