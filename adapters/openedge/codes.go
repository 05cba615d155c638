package openedge

import "fmt"

// Status codes of dsrutil -C status -detail. Manual: OpenEdge Replication,
// "DSRUTIL status qualifier", "Detail or verbose return codes".
const (
	codeRecoveryFailed   Code = 1033
	codeInvalidTarget    Code = 1034
	codePreTransition    Code = 2080
	codeApplyingExtent   Code = 2081
	codeTransitioning    Code = 2082
	codeListening        Code = 2083
	codeAgentNormal      Code = 3049
	codeAgentTransition  Code = 3055
	codeServerNormal     Code = 6021
	codeServerTransition Code = 6022
	codeServerEnded      Code = 6060
)

var codeWords = map[Code]string{
	1001: "initial connection", 1002: "initialising", 1003: "target in a quiet point", 1032: "initial connection failed",
	1033: "recovery failed", 1034: "invalid target configuration", 1035: "agent failed", 1036: "agent ignored", 1037: "stopped", 1038: "terminated", 1063: "ended",
	2080: "pre-transition", 2081: "applying an AI extent", 2082: "transitioning", 2083: "listening", 2084: "waiting for transactions of JTA",
	3048: "startup synchronisation", 3049: "normal processing", 3050: "recovery synchronisation", 3051: "online backup of the target",
	3052: "quiet point", 3053: "before-image stall", 3054: "after-image stall", 3055: "being transitioned",
	6001: "server initialising", 6002: "server connecting to agents", 6003: "server configuring agents", 6004: "recovery processing",
	6005: "startup synchronisation", 6021: "normal processing", 6022: "performing a transition", 6023: "replication suspended", 6060: "server ended",
}

// known says whether the manual's list has the code.
func (c Code) known() bool { return codeWords[c] != "" }

// server says whether the code is one of a working replication server.
func (c Code) server() bool { return c > 6000 && c != codeServerEnded && c.known() }

// pre says whether the agent has left its server and can be transitioned.
func (c Code) pre() bool {
	return c == codePreTransition || c == codeApplyingExtent || c == codeListening
}

// String writes "3049 (normal processing)".
func (c Code) String() string {
	switch {
	case c == 0:
		return "no status"
	case c.known():
		return fmt.Sprintf("%d (%s)", int(c), codeWords[c])
	}
	return fmt.Sprintf("%d (not in the manual's list)", int(c))
}
