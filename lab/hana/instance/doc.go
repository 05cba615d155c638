// Package instance is what the programs of one simulated SAP HANA host share:
// where its files are, what the lab has told it about itself, the site's ini
// files and topology, and how programs ask the database's daemon. Paths are the
// vendor's below the lab host's root.
package instance
