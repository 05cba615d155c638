// Package hdbsql speaks the SAP HANA SQL Command Network Protocol: the server's
// side in full for what a lab needs, and a small client for the lab's own
// writer and ledger. Layouts follow SAP's published protocol reference and the
// open drivers go-hdb and node-hdb; tests run against go-hdb itself.
//
// All numbers are little endian unless a comment says otherwise.
package hdbsql
