// Package inventory reads systems.yaml: the systems, their sites, hosts,
// people, policies, credentials, applications, clients, fences and hooks.
//
// The file is read strictly. An unknown, misspelt or doubled key, a value of
// the wrong type, a name that could carry shell or SQL characters and a
// reference to something that is not there are complaints, each with file and
// line; all of them are reported together, so that a file is put right in one
// go. There are no templates, aliases or includes: what is used is what is
// written. Secrets are never in the file, only where to find them.
package inventory
