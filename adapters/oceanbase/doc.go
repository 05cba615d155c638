// Package oceanbase is the adapter for physical standby tenants of OceanBase:
// network based and archive based. It works by SQL alone, through the sys
// tenant of each site's cluster or through the tenant itself.
package oceanbase
