// Package programs is SAP HANA's command line on a simulated host: hdbnsutil,
// HDB, sapcontrol with its server sapstartsrv, and the scripts of
// python_support, with the vendor's layouts and exit codes. They read the
// site's files and ask the daemons of their host; they keep no state of their
// own and link no database.
package programs
