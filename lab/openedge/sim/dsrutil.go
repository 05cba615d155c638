package sim

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/lab/host"
)

// Exit codes of `dsrutil -C status` (manual, "Status-only return codes").
const (
	statusPrinted, statusNotOpened, statusNotEnabled = 0, 2, 3
)

// dsrutil db -C qualifier (manual, DSRUTIL utility).
func dsrutil(p *proc) int {
	if len(p.args) < 3 || p.args[1] != "-C" {
		p.banner()
		return p.fail(msgUsage, "dsrutil db -C qualifier")
	}
	db, err := p.existing(p.args[0])
	words := p.args[2:]
	verb := strings.ToLower(words[0])
	if verb == "status" {
		if err != nil {
			p.say(msgNoDatabase, p.args[0])
			return statusNotOpened
		}
		return p.status(db)
	}
	if err != nil {
		return p.failed(err)
	}
	rest := ""
	if len(words) > 1 {
		rest = words[1]
	}
	switch verb {
	case "recovery":
		err = p.recovery(db, strings.ToLower(rest))
	case "transition":
		err = p.transition(db, strings.ToLower(rest))
	case "applyextent":
		err = p.toAgent(db, message{Op: "extent", Text: p.absolute(rest)}, msgApplied)
	case "triggertransition":
		err = p.toAgent(db, message{Op: "trigger"}, msgTriggered)
	case "terminate":
		err = p.terminate(db, words[1:])
	case "restart":
		err = p.restart(db, strings.ToLower(rest))
	case "connectagent", "startagent":
		err = p.toServer(db, call{Op: "connectagent", Text: rest}, msgConnectAsked)
	case "disablesitereplication":
		err = p.disableOnline(db, rest)
	case "verify":
		err = p.verify(db)
	case "monitor":
		err = p.monitor(db)
	default:
		err = say(msgUsage, "dsrutil db -C "+words[0])
	}
	if err != nil {
		return p.failed(err)
	}
	return 0
}

func (p *proc) absolute(path string) string {
	abs, err := p.path(path)
	if err != nil {
		return path
	}
	return abs
}

// open reads the control area of a replicated database.
func (p *proc) open(db string) (*master, error) {
	m, err := readMaster(db)
	if err != nil {
		return nil, err
	}
	if err := m.usable(db); err != nil {
		return nil, err
	}
	if m.Role == roleNone {
		return m, say(msgNotReplicated, filepath.Base(db))
	}
	return m, nil
}

// status prints the state in the form that is asked for; its exit code says
// nothing about health.
func (p *proc) status(db string) int {
	detail, verbose := p.take("-detail"), p.take("-verbose")
	m, err := p.open(db)
	if m != nil && err != nil {
		p.failed(err)
		return statusNotEnabled
	}
	if err != nil || holder(db, p.cfg.Host) != modeMulti {
		p.say(msgNotOpened, db)
		return statusNotOpened
	}
	name := ""
	if len(p.args) > 3 {
		name = p.args[3]
	}
	code, who := 0, 1
	switch {
	case m.Role == roleTarget:
		code, who = p.cfg.agentState(db).Code, 3
	case name == "":
		code = p.cfg.serverState(db).Code
	default:
		who = 2
		code = codeEnded
		if a := p.cfg.serverState(db).agent(name); a != nil {
			code = a.Code
		} else if props, err := readProperties(db); err != nil || props["control-agent."+strings.ToLower(name)] == nil {
			p.say(msgNoAgentSection, name)
			return statusNotOpened
		}
	}
	s, known := statusOf[code]
	group := s.group
	if !known {
		group = groupUnknown
	}
	switch {
	case verbose:
		fmt.Fprintf(p.out, "%d; %s\n", code, s.words.words)
	case detail:
		fmt.Fprintln(p.out, code)
	default:
		fmt.Fprintln(p.out, who*1000+group)
	}
	return statusPrinted
}

// recovery prints what a side remembers of the other (manual, DSRUTIL RECOVERY).
func (p *proc) recovery(db, which string) error {
	if _, err := p.open(db); err != nil {
		return err
	}
	want := map[string]string{"server": roleSource, "agent": roleTarget}[which]
	r, err := readRecovery(db)
	if err != nil || want == "" || r.Role != want {
		return say(msgNoRecovery, which, db)
	}
	out := func(format string, a ...any) { fmt.Fprintf(p.out, format+"\n", a...) }
	out("Replication version: %s", r.Version)
	out("Date created: %s", ctime(r.Created))
	out("Date last written: %s", ctime(r.Written))
	if which == "server" {
		out("Number of agents: %d", len(r.Agents))
	}
	for _, a := range r.Agents {
		out("")
		out("Agent: %s", a.Name)
		out("  Host: %s", a.Address)
		out("  Database: %s", filepath.Base(db))
		out("  Last AI block acknowledged: area: %d, seq: %d, loc: %d, offset: %d", a.Pos.Area, a.Pos.Seq, a.Pos.block(), a.Pos.Offset%8192)
		when := "N/A"
		if !a.AckTime.IsZero() {
			when = ctime(a.AckTime)
		}
		out("  Last AI block ACK time: %s", when)
		out("  Last transaction: %d", a.Acked)
		if which == "agent" {
			out("  Last Block: Complete")
		}
	}
	return nil
}

func (p *proc) toServer(db string, c call, done text) error {
	if _, err := p.open(db); err != nil {
		return err
	}
	s, err := p.cfg.dialLocal(db, "server")
	if err != nil {
		return say(msgServerNotRunning, db)
	}
	defer func() { _ = s.Close() }()
	if _, err := s.ask(c); err != nil {
		return err
	}
	p.say(done)
	return nil
}

func (p *proc) toAgent(db string, m message, done text) error {
	if _, err := p.open(db); err != nil {
		return err
	}
	a, err := p.cfg.dialLocal(db, "agent")
	if err != nil {
		return say(msgAgentNotRunning, db)
	}
	defer func() { _ = a.Close() }()
	var r result
	if err := a.send(m); err != nil {
		return err
	}
	if err := a.receive(&r); err != nil {
		return say(msgAgentNotRunning, db)
	}
	if r.Error != nil {
		return r.Error.err()
	}
	p.say(done)
	return nil
}

func (p *proc) terminate(db string, rest []string) error {
	m, err := p.open(db)
	if err != nil {
		return err
	}
	switch {
	case len(rest) == 1 && strings.EqualFold(rest[0], "server"):
		return p.toServer(db, call{Op: "terminate"}, msgTerminateAsked)
	case len(rest) >= 1 && strings.EqualFold(rest[0], "agent") && m.Role == roleTarget:
		return p.toAgent(db, message{Op: "terminate"}, msgTerminateAsked)
	case len(rest) >= 1 && strings.EqualFold(rest[0], "agent"):
		return p.toServer(db, call{Op: "terminateagent", Text: strings.Join(rest[1:], "")}, msgTerminateAsked)
	}
	return say(msgUsage, "dsrutil db -C terminate server|agent")
}

// restart starts the server or the agent of a running database; one that runs
// is left alone, and the log says so.
func (p *proc) restart(db, which string) error {
	m, err := p.open(db)
	if err != nil {
		return err
	}
	if holder(db, p.cfg.Host) != modeMulti {
		return say(msgNoServer, db)
	}
	program, wants := "rpserver", roleSource
	if which == "agent" {
		program, wants = "rpagent", roleTarget
	} else if which != "server" {
		return say(msgUsage, "dsrutil db -C restart server|agent")
	}
	if m.Role != wants {
		return say(msgNotEnabled, filepath.Base(db), wants)
	}
	if err := os.Setenv("DLC", p.dlc); err != nil {
		return err
	}
	// One that has ended may still be there for a moment; the new one waits.
	ended := statusOf[p.cfg.stateOf(db, which, codeEnded).Code].group == groupInactive
	if held(filepath.Join(p.cfg.runDir(db), which+".alive")) && !ended {
		lg(db, asUtility, 'W', msgRunsAlready, which)
		return say(msgRunsAlready, which)
	}
	if _, err := host.Daemon(db+".repl."+which+".out", filepath.Join(p.dlc, "bin", program), db); err != nil {
		return err
	}
	for late := time.Now().Add(startPatience); time.Now().Before(late); time.Sleep(2 * time.Millisecond) {
		if held(filepath.Join(p.cfg.runDir(db), which+".alive")) {
			break
		}
	}
	p.say(msgRestarted, which)
	return nil
}

// disableOnline ends replication of a database, open or not.
func (p *proc) disableOnline(db, as string) error {
	as = strings.ToLower(as)
	if as != roleSource && as != roleTarget {
		return say(msgUsage, "dsrutil db -C disableSiteReplication source|target")
	}
	m, err := p.open(db)
	if err != nil {
		return err
	}
	if m.Role != as {
		return say(msgNotEnabled, filepath.Base(db), as)
	}
	if as == roleSource {
		_ = p.quietly().toServer(db, call{Op: "terminate"}, msgTerminateAsked)
	} else {
		_ = p.quietly().toAgent(db, message{Op: "terminate"}, msgTerminateAsked)
	}
	return p.utility(db, call{Op: "disable", Text: as}, msgDisabledShort)
}

// quietly is the program without a voice.
func (p *proc) quietly() *proc {
	q := *p
	q.out = discard{}
	return &q
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }

// verify reads the properties for both roles and reaches for the targets
// (manual, DSRUTIL VERIFY). It prints every error.
func (p *proc) verify(db string) error {
	props, err := readProperties(db)
	if err != nil {
		return err
	}
	all := props.complaints()
	if agents, err := props.agents(); err == nil {
		for _, a := range agents {
			if !reaches(a.address) {
				all = append(all, msgUnreachable.format(a.name, a.address))
			}
		}
	}
	for _, c := range all {
		fmt.Fprintln(p.out, c)
		lg(db, asUtility, 'W', text{words: c})
	}
	if len(all) > 0 {
		return say(msgVerifyErrors, len(all))
	}
	p.say(msgVerifyGood)
	return nil
}
