package programs

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/lab/hana/instance"
)

var modes = []string{instance.ModeSync, instance.ModeSyncmem, instance.ModeAsync}

var operationModes = []string{instance.OperationReplay, instance.OperationReadAccess, instance.OperationDelta}

// srRegister makes this site a secondary.
func (c *command) srRegister() int {
	site, err := c.conf.Load()
	if err != nil {
		return c.failed(err)
	}
	remote, _ := c.flag("remoteHost")
	number, _ := c.flag("remoteInstance")
	mode, _ := c.flag("replicationMode")
	operation, given := c.flag("operationMode")
	name, _ := c.flag("name")
	_, online := c.flag("online")
	_, force := c.flag("force_full_replica")
	if !given {
		operation = site.Parameter("operation_mode", instance.OperationReplay)
	}
	if remote == "" || number == "" || !slices.Contains(modes, mode) || !slices.Contains(operationModes, operation) {
		return c.failed(instance.Fail(1, "%s", instance.Text("register-arguments")))
	}
	if err := instance.CheckSiteName(name); err != nil {
		return c.failed(err)
	}
	c.say("adding site ...")
	if !given {
		c.say("--operationMode not set; using default from global.ini/[system_replication]/operation_mode: %s", operation)
	}
	runs := c.anyRuns()
	switch {
	case runs && !online:
		return c.failed(instance.Fail(128, "%s", instance.Text("must-be-shut-down")))
	case !runs:
		c.notResponding()
	}
	c.say("collecting information ...")
	sums, err := c.conf.SSFSSums()
	if err != nil {
		return c.failed(instance.Fail(149, "%s", instance.Text("register-ssfs")))
	}
	a := instance.RegisterArgs{
		Name: name, Mode: mode, OperationMode: operation, Hosts: c.conf.Members, SID: c.conf.SID, Number: number, SSFS: sums,
	}
	got, err := c.contact(remote, a)
	if err != nil {
		return c.failed(err)
	}
	c.say("registered at %s (%s)", c.conf.Hosts[remote], remote)
	c.say("updating local ini files ...")
	r := instance.Registration{RegisterArgs: a, Registered: got, Master: remote + ":" + portText(c.conf), Force: force}
	if runs {
		return c.done(c.ask("sr_register_online", r))
	}
	return c.done(c.conf.Registered(r))
}

func portText(conf instance.Config) string {
	_, port, _ := net.SplitHostPort(conf.Nameserver())
	return port
}

// contact asks the source to take this site as a secondary.
func (c *command) contact(remote string, a instance.RegisterArgs) (instance.Registered, error) {
	var got instance.Registered
	if slices.Contains(c.conf.Members, remote) {
		return got, instance.Fail(1, "%s", instance.Text("register-hosts"))
	}
	address, known := c.conf.At(remote, c.conf.ReplicationPort())
	if !known {
		return got, instance.Fail(1, "%s", instance.Text("remote-host"))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	err := instance.Ask(ctx, address, "register", a, &got)
	var refused *instance.Failure
	switch {
	case errors.As(err, &refused):
		// A source that is not ready looks as one that is not there.
		if strings.Contains(refused.Text, instance.Text("source-not-ready")) {
			return got, c.unreachable(remote)
		}
		return got, refused
	case err != nil:
		return got, c.unreachable(remote)
	}
	return got, nil
}

func (c *command) unreachable(remote string) error {
	c.say(instance.Text("unable-to-contact"), remote, c.conf.Port(4, 6))
	c.say("%s", instance.Text("old-style-port"))
	return instance.Fail(1, instance.Text("unable-to-contact"), remote, c.conf.Port(4, 6)+100)
}
