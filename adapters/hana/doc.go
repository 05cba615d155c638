// Package hana teaches Switchback SAP HANA system replication: sites of one or
// more hosts, two or more of them, as multi-tier and multi-target too. It reads
// with the programs and views of the manual, over SSH as <sid>adm and over SQL,
// and believes none of them alone.
//
// References in comments: "SR Guide" is SAP's SAP HANA System Replication Guide
// for 2.0; what is only seen in public cluster agents is said so.
package hana
