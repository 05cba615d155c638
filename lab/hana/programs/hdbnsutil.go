package programs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/lab/hana/instance"
)

// command is one call of a program on its host.
type command struct {
	conf instance.Config
	out  io.Writer
	args []string
}

func (c *command) say(format string, args ...any) { _, _ = fmt.Fprintf(c.out, format+"\n", args...) }

// flag gives the value of --name=value, or of --name, and whether it is there.
func (c *command) flag(name string) (string, bool) {
	for _, a := range c.args {
		key, value, _ := strings.Cut(strings.TrimLeft(a, "-"), "=")
		if strings.HasPrefix(a, "-") && key == name {
			return value, true
		}
	}
	return "", false
}

// patience bounds the programs' own waits for a daemon.
const patience = 2 * time.Minute

func (c *command) ask(op string, args any) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return instance.Ask(ctx, c.conf.Nameserver(), op, args, nil)
}

// state asks the nameserver for its state; nil when it does not answer.
func (c *command) state() *instance.Report {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var r instance.Report
	if instance.Ask(ctx, c.conf.Nameserver(), "state", instance.Nothing{}, &r) != nil {
		return nil
	}
	return &r
}

// anyRuns says whether the database of any host of the site runs.
func (c *command) anyRuns() bool {
	for _, m := range c.conf.Members {
		var all []instance.Service
		if m != c.conf.Host && askStart(c.conf, m, "GetProcessList", &all) == nil && color(all, nil) != "GRAY" {
			return true
		}
	}
	return daemonPID(c.conf) != 0
}

// online says whether the database runs.
func (c *command) online() bool {
	r := c.state()
	return r != nil && r.Phase == "running"
}

func (c *command) notResponding() {
	c.say("nameserver %s:%d not responding.", c.conf.Host, c.conf.NameserverPort())
}

// failed prints a refusal as hdbnsutil does and gives its exit code.
func (c *command) failed(err error) int {
	exit := 1
	var known *instance.Failure
	if errors.As(err, &known) {
		exit = known.Exit
	}
	if errors.Is(err, instance.ErrUnreachable) {
		c.notResponding()
		c.say("%s", instance.Text("not-running"))
	} else {
		c.say("%s", err.Error())
	}
	c.say(instance.Text("trace-file"), c.conf.Host)
	return exit
}

// HDBNSUtil is the program hdbnsutil.
func HDBNSUtil(args []string) int {
	conf, err := instance.Here()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	c := &command{conf: conf, out: os.Stdout, args: args[1:]}
	return c.hdbnsutil()
}

func (c *command) hdbnsutil() int {
	if len(c.args) == 0 {
		return c.usage()
	}
	run, known := map[string]func() int{
		"-sr_state": c.srState, "-sr_stateConfiguration": c.srStateConfiguration, "-sr_stateHostMapping": c.srHostMapping,
		"-sr_enable": c.srEnable, "-sr_disable": c.srDisable, "-sr_register": c.srRegister, "-sr_unregister": c.srUnregister,
		"-sr_takeover": c.srTakeover, "-sr_cleanup": c.srCleanup, "-sr_fullsync": c.srFullSync, "-sr_changemode": c.srChangeMode,
		"-sr_changeReplicationMode": c.srChangeMode, "-sr_resumeSuspendedPrimary": c.srResume, "-sr_initialize": c.srInitialize,
		"-reloadHADRProviders": c.reload,
	}[c.args[0]]
	if !known {
		return c.usage()
	}
	c.args = c.args[1:]
	return run()
}

func (c *command) usage() int {
	c.say("hdbnsutil: unknown command or no command")
	for _, line := range []string{
		"hdbnsutil -sr_enable [--name=<site alias>]", "hdbnsutil -sr_disable", "hdbnsutil -sr_register --remoteHost= --remoteInstance= --replicationMode=sync|syncmem|async --operationMode=delta_datashipping|logreplay|logreplay_readaccess --name= [--online] [--force_full_replica]",
		"hdbnsutil -sr_unregister [--id=|--name=]", "hdbnsutil -sr_changeReplicationMode --mode=", "hdbnsutil -sr_takeover [--suspendPrimary] [--maxWriteTransactionWaitTime=<s>]",
		"hdbnsutil -sr_resumeSuspendedPrimary", "hdbnsutil -sr_initialize --database=|--volume=", "hdbnsutil -sr_fullsync --enable|--disable", "hdbnsutil -sr_cleanup [--force]",
		"hdbnsutil -sr_state [--sapcontrol=1]", "hdbnsutil -sr_stateConfiguration [--sapcontrol=1]", "hdbnsutil -sr_stateHostMapping", "hdbnsutil -reloadHADRProviders",
	} {
		c.say("  %s", line)
	}
	return 1
}

func (c *command) srEnable() int {
	name, _ := c.flag("name")
	if !c.online() {
		return c.failed(instance.ErrUnreachable)
	}
	c.say("nameserver is active, proceeding ...")
	if err := c.ask("sr_enable", instance.EnableArgs{Name: name}); err != nil {
		return c.failed(err)
	}
	c.say("successfully enabled system as system replication source site")
	c.say("done.")
	return 0
}

func (c *command) srDisable() int {
	c.say("checking local nameserver:")
	c.say("checking for inactive nameserver ...")
	if !c.online() {
		return c.failed(instance.ErrUnreachable)
	}
	c.say("nameserver is running, proceeding ...")
	return c.done(c.ask("sr_disable", instance.Nothing{}))
}

func (c *command) done(err error) int {
	if err != nil {
		return c.failed(err)
	}
	c.say("done.")
	return 0
}

func (c *command) srFullSync() int {
	_, on := c.flag("enable")
	_, off := c.flag("disable")
	if on == off {
		return c.usage()
	}
	return c.done(c.ask("sr_fullsync", instance.FullSyncArgs{On: on}))
}

func (c *command) srChangeMode() int {
	mode, _ := c.flag("mode")
	if !slices.Contains(modes, mode) {
		return c.usage()
	}
	return c.done(c.ask("sr_changemode", instance.ModeArgs{Mode: mode}))
}

func (c *command) srResume() int {
	return c.done(c.ask("sr_resume", instance.Nothing{}))
}

func (c *command) srInitialize() int {
	database, _ := c.flag("database")
	volume, _ := c.flag("volume")
	n, err := strconv.Atoi(volume)
	if database == "" && (err != nil || n < 1) {
		return c.usage()
	}
	return c.done(c.ask("sr_initialize", instance.InitializeArgs{Database: database, Volume: n}))
}

func (c *command) reload() int {
	if !c.online() {
		return c.failed(instance.ErrUnreachable)
	}
	return c.done(c.ask("reload_providers", instance.Nothing{}))
}

func (c *command) srCleanup() int {
	c.say("cleaning up ...")
	line := strings.Repeat("#", 77)
	c.say("%s", line)
	c.say("# WARNING: This command will break system replication setup.                #")
	c.say("#          Secondary sites must be taken over with 'hdbnsutil -sr_takeover'. #")
	c.say("%s", line)
	c.say("checking for inactive nameserver ...")
	if c.state() != nil {
		return c.failed(instance.Fail(1, "%s", instance.Text("still-running")))
	}
	c.notResponding()
	c.say("clearing local ini files ...")
	c.say("Opening persistence ...")
	c.say("run as transaction master")
	c.say("clearing topology ...")
	_, err := c.conf.Update(func(s *instance.Site) error {
		s.Clear()
		return nil
	})
	return c.done(err)
}

func (c *command) srUnregister() int {
	name, _ := c.flag("name")
	idText, _ := c.flag("id")
	id, _ := strconv.Atoi(idText)
	site, err := c.conf.Load()
	if err != nil {
		return c.failed(err)
	}
	c.say("unregistering site ...")
	if c.state() != nil {
		if site.Mode == instance.ModePrimary || site.Source {
			return c.done(c.ask("sr_unregister", instance.UnregisterArgs{ID: id, Name: name}))
		}
		return c.failed(instance.Fail(1, "%s", instance.Text("still-running")))
	}
	c.notResponding()
	if !site.Secondary() {
		return c.failed(instance.Fail(1, "%s", instance.Text("not-secondary")))
	}
	source := ""
	if len(site.Masters) > 0 {
		source, _, _ = strings.Cut(site.Masters[0], ":")
	}
	c.say("Opening persistence ...")
	c.say("run as transaction master")
	c.say("updating topology for system replication takeover ...")
	c.say("mapped host %s to %s", source, c.conf.Host)
	_, err = c.conf.Update(func(s *instance.Site) error {
		s.Clear()
		return nil
	})
	return c.done(err)
}

func (c *command) srTakeover() int {
	site, err := c.conf.Load()
	if err != nil {
		return c.failed(err)
	}
	_, suspend := c.flag("suspendPrimary")
	wait := 0
	if text, given := c.flag("maxWriteTransactionWaitTime"); given {
		if wait, err = strconv.Atoi(text); err != nil || wait < 0 {
			return c.usage()
		}
	}
	c.say("checking local nameserver ...")
	if text, blocked := c.conf.Fault("takeover-blocked"); blocked {
		if text != "" {
			c.say("%s", text)
		}
		return c.failed(instance.Fail(1, "%s", instance.Text("takeover-blocked")))
	}
	if c.state() != nil {
		return c.done(c.ask("sr_takeover", instance.TakeoverArgs{SuspendPrimary: suspend, MaxWait: wait}))
	}
	// A stopped secondary changes its files only.
	c.notResponding()
	switch {
	case !site.Secondary():
		return c.failed(instance.Fail(1, "%s", instance.Text("takeover-not-secondary")))
	case suspend:
		return c.failed(instance.Fail(1, "%s", instance.Text("handshake-unreachable")))
	}
	return c.done(c.offlineTakeover(site))
}

func (c *command) offlineTakeover(site instance.Site) error {
	_, err := c.conf.Update(func(s *instance.Site) error {
		t := instance.Takeover{
			ID: strconv.FormatInt(time.Now().UnixNano(), 16), Type: "OFFLINE", Started: time.Now().UTC(), Mode: site.Mode, OperationMode: site.OperationMode, Status: "UNKNOWN",
		}
		if own := s.ByID(s.ID); own != nil {
			if source := s.ByID(own.Source); source != nil {
				t.SourceID, t.SourceName = source.ID, source.Name
				if len(source.Hosts) > 0 {
					t.SourceHost = source.Hosts[0]
				}
			}
		}
		s.BecomePrimary(t)
		return nil
	})
	return err
}
