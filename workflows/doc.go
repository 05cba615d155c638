// Package workflows holds the procedures: takeover, failback and reseed, and
// the watch. Each procedure reads like the page in a vendor's manual; the
// machinery that walks a plan, opens gates and waits for people stands beside.
//
// Workflow code is deterministic. It imports the words of package dr and the
// Temporal SDK, and nothing else of this module.
package workflows
