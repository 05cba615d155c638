// Package oceanbase is the lab's OceanBase: two or three clusters, each served
// by a simulated observer process on its site's host, with a standby tenant
// that follows by network or by archive. What the observer imitates, and on
// which sources, is said in its own package.
//
// Settings (--set NAME=VALUE):
//
//	version=4.2.5.4      the servers' version; what a version can is gated by it
//	source=service       service (network) or location (archive)
//	mode=mysql           of the tenant orders: mysql or oracle
//	tenants=2            replicated tenants: orders, then fin (Oracle mode), then more
//	servers=3            servers of each cluster: 1 to 5
//	streams=2            user log streams of each tenant: 1 to 8
//	archive=off          on: the tenants archive their log from the start
//	login=sys            the inventory logs in to sys, or to the tenant itself
//	step=30ms            the time in each state of a role change
//	poll=40ms            the time between two requests for log
//	job=60ms             the time of each phase of a backup or a restore
//	ahead=2s             how far a switchover pushes SCNs ahead of the clock
package oceanbase
