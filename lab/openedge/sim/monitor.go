package sim

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"time"
)

// reaches says whether a broker answers at an address.
func reaches(address string) bool {
	c, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return false
	}
	p := newPeer(c)
	defer func() { _ = p.Close() }()
	_ = p.SetDeadline(time.Now().Add(2 * time.Second))
	if _, err := p.Write([]byte("PING\n")); err != nil {
		return false
	}
	answer, err := p.in.ReadString('\n')
	return err == nil && answer == "PONG\n"
}

// monitor is the menu of DSRUTIL MONITOR, which can be fed over stdin.
func (p *proc) monitor(db string) error {
	m, err := p.open(db)
	if err != nil {
		return err
	}
	for {
		fmt.Fprintf(p.out, "%s\n\n  Database: %s\n\n", msgMonitorTitle.words, db)
		for _, line := range []string{"S.  Replication server status", "R.  Replication server remote agents", "A.  Replication agent status", "I.  Inter-agent status", "M.  Modify display defaults", "Q.  Quit"} {
			fmt.Fprintln(p.out, "  "+line)
		}
		fmt.Fprint(p.out, "\nEnter your selection: ")
		line, err := p.in.ReadString('\n')
		fmt.Fprintln(p.out)
		if err != nil && line == "" {
			return nil
		}
		switch strings.ToUpper(strings.TrimSpace(line)) {
		case "Q":
			return nil
		case "S":
			p.page(func() { p.serverPage(db, m) })
		case "R":
			p.page(func() { p.remotePage(db) })
		case "A":
			p.page(func() { p.agentPage(db) })
		}
	}
}

// page prints a page until it is left.
func (p *proc) page(print func()) {
	for {
		print()
		fmt.Fprint(p.out, "\n"+msgMonitorPage.words+" ")
		line, err := p.in.ReadString('\n')
		fmt.Fprintln(p.out)
		if err != nil || strings.EqualFold(strings.TrimSpace(line), "q") {
			return
		}
	}
}

// serverWords are what "Server is:" says.
var serverWords = map[int]string{
	codeServerInit: "Performing Initialization", codeConnecting: "Connecting to Agents", codeConfiguring: "Configuring Connected Agents",
	codeServerRecover: "Performing Failure Recovery", codeServerStartup: "Performing Startup Synchronization", codeServerNormal: "In Normal Processing",
}

func (p *proc) serverPage(db string, m *master) {
	s := p.cfg.serverState(db)
	words, ok := serverWords[s.Code]
	if !ok {
		words = "Unknown"
	}
	waiting := 0
	for _, a := range s.Agents {
		if a.Code != codeAgentNormal {
			waiting++
		}
	}
	fmt.Fprintf(p.out, "Replication Server Status\n\n  Server is: %s\n  Database: %s\n  Role: %s\n  Recovery information:\n    State: %s\n    Agents needing recovery: %d\n  Transition information: %s\n",
		words, filepath.Base(db), m.Role, "Current", waiting, "manual")
}

func (p *proc) remotePage(db string) {
	s := p.cfg.serverState(db)
	fmt.Fprintf(p.out, "Replication Server Remote Agents\n")
	for _, a := range s.Agents {
		fmt.Fprintf(p.out, "\n  Agent: %s\n  Host: %s\n  State: %s\n  Blocks acknowledged: %d\n  Source RDBMS Block (Seq / Block): %d / %d\n  Last Processed Block (Seq / Block): %d / %d\n",
			a.Name, a.Address, statusOf[a.Code].words.words, a.Pos.block(), a.Pos.Seq, a.Pos.block(), a.Pos.Seq, a.Pos.block())
	}
}

func (p *proc) agentPage(db string) {
	s := p.cfg.agentState(db)
	fmt.Fprintf(p.out, "Replication Agent Status\n")
	for _, a := range s.Agents {
		delta := "00:00:00"
		if !a.AckTime.IsZero() && s.Trx > a.Acked {
			delta = clock(time.Since(a.AckTime))
		}
		fmt.Fprintf(p.out, "\n  Agent: %s\n  State: %s\n  Ready: %s\n  Last Processed Block (Seq / Block): %d / %d\n  Current Source Database Transaction: %d\n  Last Transaction Applied to Target: %d\n  Target Current as of: %s with delta of %s\n",
			a.Name, statusOf[s.Code].words.words, "Yes", a.Pos.Seq, a.Pos.block(), s.Trx, a.Acked, ctime(a.AckTime), delta)
	}
}
