// Package engine is the database process of a simulated SAP HANA host: volumes
// with user tables in an embedded SQL engine and a redo log, SQL ports, the M_
// views, log shipping between sites, takeover. It is one process per host;
// everything that survives it is in files.
//
// A volume is one SQLite file. Each committed transaction writes its statements
// as one redo row into the same file in the same transaction, so that data and
// log can never disagree, whenever the process is killed. Log shipping sends
// redo rows; a secondary keeps them first and replays them then.
package engine
