package sim

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/lab/host"
)

// startPatience bounds the wait of proserve for its broker.
const startPatience = 20 * time.Second

// proserve db [-S port] [-DBService replserv|replagent] [-pf file] [options]
func proserve(p *proc) int {
	p.banner()
	args, err := p.expand(p.args)
	if err == nil && (len(args) == 0 || strings.HasPrefix(args[0], "-")) {
		err = say(msgUsage, "proserve db [-S port] [-DBService name] [options]")
	}
	var db string
	if err == nil {
		db, err = p.existing(args[0])
	}
	if err == nil {
		err = p.startBroker(db, args[1:])
	}
	if err != nil {
		return p.failed(err)
	}
	stamp := time.Now().Format("15:04:05")
	fmt.Fprintln(p.out, stamp+" BROKER  "+msgBrokerStarts.format(db))
	return 0
}

// expand replaces "-pf file" by the words of the file.
func (p *proc) expand(args []string) ([]string, error) {
	var all []string
	for i := 0; i < len(args); i++ {
		if args[i] != "-pf" || i+1 >= len(args) {
			all = append(all, args[i])
			continue
		}
		i++
		path, err := p.path(args[i])
		if err != nil {
			return nil, err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, say(msgCannotOpen, args[i], 2)
		}
		for _, line := range strings.Split(string(b), "\n") {
			line, _, _ = strings.Cut(line, "#")
			all = append(all, strings.Fields(line)...)
		}
	}
	return all, nil
}

// startBroker starts the broker in the background and waits until it serves.
func (p *proc) startBroker(db string, args []string) error {
	if mode := holder(db, p.cfg.Host); mode != "" {
		return inUse(db, mode)
	}
	if err := os.MkdirAll(p.cfg.runDir(db), 0o755); err != nil {
		return err
	}
	report := filepath.Join(p.cfg.runDir(db), fmt.Sprintf("start-%d", os.Getpid()))
	defer func() { _ = os.Remove(report) }()
	if err := os.Setenv(startEnv, report); err != nil {
		return err
	}
	defer func() { _ = os.Unsetenv(startEnv) }()
	if err := os.Setenv("DLC", p.dlc); err != nil {
		return err
	}
	_, err := host.Daemon(filepath.Join(p.cfg.runDir(db), "broker.out"), filepath.Join(p.dlc, "bin", "_mprosrv"), append([]string{db}, args...)...)
	if err != nil {
		return err
	}
	for late := time.Now().Add(startPatience); time.Now().Before(late); time.Sleep(2 * time.Millisecond) {
		var r result
		if readJSON(report, &r) != nil {
			continue
		}
		if r.Error != nil {
			return r.Error.err()
		}
		return nil
	}
	return say(msgNoBroker, db)
}

// stopPatience bounds the wait for a broker's end.
const stopPatience = 20 * time.Second

// proshut [-shutdownTimeout n] db -by|-byF|-replSync (manual, PROSHUT).
func proshut(p *proc) int {
	p.banner()
	limit, limited := p.takeValue("-shutdownTimeout")
	normal, emergency, sync := p.take("-by"), p.take("-byF"), p.take("-replSync")
	if p.take("-b") {
		normal = true
	}
	if len(p.args) != 1 {
		return p.fail(msgUsage, "proshut [-shutdownTimeout n] db -by|-byF|-replSync")
	}
	db, err := p.existing(p.args[0])
	if err != nil {
		return p.failed(err)
	}
	if holder(db, p.cfg.Host) != modeMulti {
		return p.fail(msgNoServer, db)
	}
	minutes := 10
	if limited {
		minutes = number(strings.TrimSuffix(limit, "m"), 10)
	}
	if !normal && !emergency && !sync {
		// Without a word it is a menu, which waits for an answer.
		fmt.Fprint(p.out, msgShutdownMenu.words)
		switch p.answer() {
		case "2":
		case "3":
			emergency = true
		default:
			return p.cfg.FailCode
		}
	}
	if sync {
		quiet, err := p.awaitSync(db, p.cfg.Pace.minutes(minutes))
		if err != nil {
			return p.failed(err)
		}
		defer func() { _ = quiet.Close() }()
	}
	if err := p.stopBroker(db, emergency); err != nil {
		return p.failed(err)
	}
	p.say(msgShutdownDone)
	return 0
}

// stopBroker shuts a database down and waits for the end.
func (p *proc) stopBroker(db string, emergency bool) error {
	if _, err := p.askBroker(db, call{Op: "shutdown", On: emergency}); err != nil {
		return err
	}
	for late := time.Now().Add(stopPatience); time.Now().Before(late); time.Sleep(2 * time.Millisecond) {
		if holder(db, p.cfg.Host) == "" {
			return nil
		}
	}
	return say(msgNoEnd, db)
}

// awaitSync throws clients out and waits until every connected target has
// everything; when the time is over it asks what to do. The clients stay out
// until the peer is closed.
func (p *proc) awaitSync(db string, most time.Duration) (*peer, error) {
	quiet, r, err := p.quieten(db)
	if err != nil {
		return nil, err
	}
	if r.State.Role != roleSource {
		_ = quiet.Close()
		return nil, say(msgNotEnabled, filepath.Base(db), roleSource)
	}
	for {
		if p.inStep(db, r.Trx, most) {
			lg(db, asServer, 'I', msgAllSent)
			lg(db, asServer, 'I', msgAllTargetsSynced)
			p.say(msgAllTargetsSynced)
			return quiet, nil
		}
		fmt.Fprint(p.out, msgSyncTimeout.words)
		switch strings.ToLower(p.answer()) {
		case "e", "1":
			continue
		case "f", "2":
			return quiet, nil
		}
		_ = quiet.Close()
		return nil, say(msgSyncAbandoned)
	}
}

// inStep waits until the server says that every agent has the transaction.
func (p *proc) inStep(db string, trx uint64, most time.Duration) bool {
	for late := time.Now().Add(most); ; time.Sleep(3 * time.Millisecond) {
		if s := p.cfg.serverState(db); s.Code == codeServerNormal && s.has(trx) {
			return true
		}
		if time.Now().After(late) {
			return false
		}
	}
}
