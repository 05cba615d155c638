package programs

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/switchback-dr/switchback/lab/hana/instance"
)

// HDB is the program HDB: start, stop, info and version of the local host.
func HDB(args []string) int {
	conf, err := instance.Here()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	c := &command{conf: conf, out: os.Stdout, args: args[1:]}
	verb := ""
	if len(c.args) > 0 {
		verb = c.args[0]
	}
	switch verb {
	case "start":
		return c.hdbStart()
	case "stop", "kill":
		return c.hdbStop()
	case "restart":
		if code := c.hdbStop(); code != 0 {
			return code
		}
		return c.hdbStart()
	case "info", "proc":
		return c.hdbInfo()
	case "version":
		c.say("HDB version info:\n  version:             %s\n  branch:              fa/hana2sp07\n  machine config:      linuxx86_64\n  git hash:            not applicable\n  compile type:        rel", c.conf.Version)
		return 0
	}
	c.say("Usage: HDB { start|stop|restart|info|proc|version }")
	return 1
}

func (c *command) using(function string) {
	c.say("%s using: %s -prot NI_HTTP -nr %s -function %s", map[bool]string{true: "Starting instance", false: "Stopping instance"}[function == "StartWait 2700 2"],
		c.conf.Path("usr/sap", c.conf.SID, "SYS/exe/hdb/sapcontrol"), c.conf.Number, function)
}

func (c *command) dated(function string) {
	c.say("\n%s\n%s\nOK", time.Now().Format("02.01.2006 15:04:05"), function)
}

func (c *command) call(function string, rest ...string) *call {
	quiet := &command{conf: c.conf, out: nowhere{}}
	return &call{command: quiet, function: function, rest: rest, host: c.conf.Host}
}

type nowhere struct{}

func (nowhere) Write(b []byte) (int, error) { return len(b), nil }

func (c *command) hdbStart() int {
	c.say("\nStartService\nImpromptu CCC initialization by 'rscpCInit'.\n  See SAP note 1266393.\nOK\nOK")
	if c.call("StartService").run() != exitOK {
		c.say("%s", instance.Text("nirawconnect"))
		return exitFailed
	}
	c.using("StartWait 2700 2")
	if c.call("Start").run() != exitOK {
		c.say("%s", instance.Text("nirawconnect"))
		return exitFailed
	}
	c.dated("Start")
	if code := c.call("WaitforStarted", "120").run(); code != exitOK {
		c.say("\n%s\nStartWait\nFAIL: process hdbdaemon HDB Daemon not running", time.Now().Format("02.01.2006 15:04:05"))
		return code
	}
	c.dated("StartWait")
	return 0
}

func (c *command) hdbStop() int {
	c.say("hdbdaemon will wait maximal 300 seconds for NewDB services finishing.")
	c.using("Stop 400")
	if c.call("Stop").run() != exitOK {
		c.say("%s", instance.Text("nirawconnect"))
		return exitFailed
	}
	c.dated("Stop")
	c.say("Waiting for stopped instance using: %s -prot NI_HTTP -nr %s -function WaitforStopped 600 2",
		c.conf.Path("usr/sap", c.conf.SID, "SYS/exe/hdb/sapcontrol"), c.conf.Number)
	if code := c.call("WaitforStopped", "120").run(); code != exitOK {
		c.say("\n%s\nWaitforStopped\nFAIL: process hdbdaemon HDB Daemon not stopped", time.Now().Format("02.01.2006 15:04:05"))
		return code
	}
	c.dated("WaitforStopped")
	c.say("hdbdaemon is stopped.")
	return 0
}

// hdbInfo prints the processes as ps does.
func (c *command) hdbInfo() int {
	c.say("USER          PID     PPID  %%CPU        VSZ        RSS COMMAND")
	user := os.Getenv("USER")
	pid := daemonPID(c.conf)
	if pid == 0 {
		return 0
	}
	line := func(pid, parent int, text string) {
		c.say("%-10s %6d %8d   0.0     300000     100000 %s", user, pid, parent, text)
	}
	line(pid, 1, "hdb.sap"+c.conf.SID+"_HDB"+c.conf.Number+" pf="+c.conf.Profile())
	if r := c.state(); r != nil {
		for _, s := range r.Services {
			line(s.PID, pid, ` \_ `+filepath.Base(s.Name))
		}
	}
	return 0
}
