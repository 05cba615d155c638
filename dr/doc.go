// Package dr holds the words of disaster recovery that every other package of
// Switchback shares: systems and sites, facts, situations, plans, steps,
// decisions, losses and reports.
//
// It uses the standard library only and does no I/O. Workflows, adapters and
// the programs around them may all import it; it imports none of them.
package dr
