package sim

import (
	"fmt"
	"os"
	"time"
)

// The columns of a log line: who wrote it, and under which user number.
const (
	asBroker  = "BROKER"
	asServer  = "RPLS"
	asAgent   = "RPLA"
	asBackup  = "BACKUP"
	asRestore = "RESTOR"
	asUtility = "DBUTIL"
	asArchive = "AIMGT"
)

// lg appends a line to the database's log:
//
//	[2031/02/03@04:05:06.789+0100] P-4711       T-1 I RPLS   12: (10436) text
//
// Severity is I, W or F. A message without a number has (-----) (manual
// "OpenEdge database log file").
func lg(db, who string, severity byte, t text, a ...any) {
	number := "(-----)"
	if t.number != 0 {
		number = fmt.Sprintf("(%d)", t.number)
	}
	user := 0
	if who != asBroker {
		user = 12
	}
	line := fmt.Sprintf("[%s] P-%-10d T-1 %c %-6s%3d: %s %s\n",
		time.Now().Format("2006/01/02@15:04:05.000-0700"), os.Getpid(), severity, who, user, number, t.plain(a...))
	appendLine(db+".lg", line)
	switch who {
	case asServer:
		appendLine(db+".repl.server.lg", line)
	case asAgent:
		appendLine(db+".repl.agent.lg", line)
	}
}

// appendLine writes with one system call, so that the lines of several
// processes do not mix. A log that cannot be written stops nothing.
func appendLine(path, line string) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return
	}
	_, _ = f.WriteString(line)
	_ = f.Close()
}
