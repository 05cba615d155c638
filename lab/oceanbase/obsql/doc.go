// Package obsql reads the SQL that a client of the simulated observer sends:
// tokens for its statements, and whole SELECTs over tables in memory. It knows
// nothing of OceanBase; a catalog gives it the tables.
//
// The dialect is the small part of MySQL's that people and tools use to look at
// views: joins, conditions, scalar subqueries, aggregates, ordering, limits.
package obsql
