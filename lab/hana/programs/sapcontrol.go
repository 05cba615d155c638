package programs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/lab/hana/instance"
	"github.com/switchback-dr/switchback/lab/host"
)

// Exit codes of sapcontrol.
const (
	exitOK         = 0
	exitFailed     = 1
	exitTimeout    = 2
	exitAllRunning = 3
	exitAllStopped = 4
)

// SapControl is the program sapcontrol.
func SapControl(args []string) int {
	conf, err := instance.Here()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitFailed
	}
	c := &command{conf: conf, out: os.Stdout, args: args[1:]}
	return c.sapcontrolCall()
}

// call is one function of sapcontrol with its arguments.
type call struct {
	*command
	function string
	rest     []string
	host     string
	script   bool
}

func (c *command) sapcontrolCall() int {
	k := &call{command: c, host: c.conf.Host}
	number := ""
	for i := 0; i < len(c.args); i++ {
		value := ""
		if i+1 < len(c.args) {
			value = c.args[i+1]
		}
		switch c.args[i] {
		case "-nr":
			number = value
		case "-host":
			k.host = value
		case "-format":
			k.script = value == "script"
		case "-prot", "-user":
			if c.args[i] == "-user" {
				i++
			}
		case "-function":
			k.function = value
			if i+2 < len(c.args) {
				k.rest = c.args[i+2:]
			}
			i = len(c.args)
		default:
			c.say("\nNAME\n\tsapcontrol (Version: 753.00)\n\ninvalid parameter: %s", c.args[i])
			return exitFailed
		}
		i++
	}
	if n, err := strconv.Atoi(number); err != nil || fmt.Sprintf("%02d", n) != c.conf.Number {
		return k.refused(instance.ErrUnreachable)
	}
	return k.run()
}

func (k *call) run() int {
	switch k.function {
	case "GetProcessList":
		return k.processList()
	case "GetSystemInstanceList":
		return k.instanceList()
	case "Start", "Stop":
		return k.simple(k.host, k.function)
	case "RestartInstance":
		return k.simple(k.host, "Restart")
	case "StartSystem", "StopSystem":
		return k.system(strings.TrimSuffix(k.function, "System"))
	case "WaitforStarted", "WaitforStopped", "StartWait", "StopWait":
		return k.wait()
	case "StartService", "RestartService":
		return k.startService()
	case "StopService":
		return k.simple(k.host, "End")
	case "ParameterValue":
		return k.parameter()
	}
	k.say("\nNAME\n\tsapcontrol (Version: 753.00)\n\ninvalid function: %s", k.function)
	return exitFailed
}

// head prints the date and the function, as before every answer.
func (k *call) head() {
	k.say("\n%s\n%s", time.Now().Format("02.01.2006 15:04:05"), k.function)
}

func (k *call) refused(err error) int {
	k.head()
	var known *instance.Failure
	if errors.As(err, &known) {
		k.say("%s", known.Text)
	} else {
		k.say("%s", instance.Text("nirawconnect"))
	}
	return exitFailed
}

func (k *call) simple(hostName, op string) int {
	if err := askStart(k.conf, hostName, op, nil); err != nil {
		return k.refused(err)
	}
	k.head()
	k.say("OK")
	return exitOK
}

// system starts or stops every host of the site. It returns at once.
func (k *call) system(op string) int {
	if err := askStart(k.conf, k.host, "GetProcessList", nil); err != nil {
		return k.refused(err)
	}
	for _, m := range k.conf.Members {
		// A host that cannot be asked is not waited for: its state tells.
		if err := askStart(k.conf, m, op, nil); err != nil && m == k.host {
			return k.refused(err)
		}
	}
	k.head()
	k.say("OK")
	return exitOK
}

func (k *call) processList() int {
	var all []instance.Service
	if err := askStart(k.conf, k.host, "GetProcessList", &all); err != nil {
		return k.refused(err)
	}
	k.head()
	k.say("OK")
	if !k.script {
		k.say("name, description, dispstatus, textstatus, starttime, elapsedtime, pid")
	}
	running, stopped := 0, 0
	for i, s := range all {
		start, elapsed := "", ""
		if !s.Since.IsZero() {
			d := time.Since(s.Since)
			start = s.Since.Local().Format("2006 01 02 15:04:05")
			elapsed = fmt.Sprintf("%d:%02d:%02d", int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60)
		}
		if k.script {
			k.say("%d name: %s\n%d description: %s\n%d dispstatus: %s\n%d textstatus: %s\n%d starttime: %s\n%d elapsedtime: %s\n%d pid: %d",
				i, s.Name, i, s.Description, i, s.Status, i, s.Text, i, start, i, elapsed, i, s.PID)
		} else {
			k.say("%s, %s, %s, %s, %s, %s, %d", s.Name, s.Description, s.Status, s.Text, start, elapsed, s.PID)
		}
		switch s.Status {
		case "GREEN":
			running++
		case "GRAY":
			stopped++
		}
	}
	switch len(all) {
	case running:
		return exitAllRunning
	case stopped:
		return exitAllStopped
	}
	return exitOK
}

// color is the dispstatus of a whole host.
func color(all []instance.Service, err error) string {
	if err != nil || len(all) == 0 {
		return "GRAY"
	}
	seen := map[string]int{}
	for _, s := range all {
		seen[s.Status]++
	}
	switch len(all) {
	case seen["GREEN"]:
		return "GREEN"
	case seen["GRAY"]:
		return "GRAY"
	}
	return "YELLOW"
}

func (k *call) instanceList() int {
	if err := askStart(k.conf, k.host, "GetProcessList", nil); err != nil {
		return k.refused(err)
	}
	k.head()
	k.say("OK\nhostname, instanceNr, httpPort, httpsPort, startPriority, features, dispstatus")
	number, _ := strconv.Atoi(k.conf.Number)
	for _, m := range k.conf.Members {
		role := "HDB|HDB_WORKER"
		if m == k.conf.Standby {
			role = "HDB|HDB_STANDBY"
		}
		var all []instance.Service
		err := askStart(k.conf, m, "GetProcessList", &all)
		k.say("%s, %d, %d, %d, 0.3, %s, %s", m, number, k.conf.StartPort(), k.conf.StartPort()+1, role, color(all, err))
	}
	return exitOK
}

// wait is WaitforStarted and WaitforStopped TIMEOUT DELAY, and StartWait and
// StopWait, which begin by the start or stop.
func (k *call) wait() int {
	seconds := 2700
	if len(k.rest) > 0 {
		n, err := strconv.Atoi(k.rest[0])
		if err != nil || n < 0 {
			return k.refused(instance.Fail(exitFailed, "FAIL: invalid parameter"))
		}
		seconds = n
	}
	want, op := "GREEN", "Start"
	if strings.HasSuffix(k.function, "topped") || k.function == "StopWait" {
		want, op = "GRAY", "Stop"
	}
	if strings.HasSuffix(k.function, "Wait") {
		if err := askStart(k.conf, k.host, op, nil); err != nil {
			return k.refused(err)
		}
	}
	if _, early := k.conf.Fault("wait-returns-early"); early {
		k.head()
		k.say("OK")
		return exitOK
	}
	for end := time.Now().Add(time.Duration(seconds) * time.Second); ; time.Sleep(5 * time.Millisecond) {
		var all []instance.Service
		err := askStart(k.conf, k.host, "GetProcessList", &all)
		if err != nil {
			return k.refused(err)
		}
		if color(all, nil) == want {
			k.head()
			k.say("OK")
			return exitOK
		}
		if time.Now().After(end) {
			k.head()
			k.say("FAIL: process hdbdaemon HDB Daemon not %s", map[string]string{"GREEN": "running", "GRAY": "stopped"}[want])
			return exitTimeout
		}
	}
}

// startService starts sapstartsrv.
func (k *call) startService() int {
	if askStart(k.conf, k.conf.Host, "GetProcessList", nil) != nil {
		if _, err := host.Daemon(os.DevNull, filepath.Join(k.conf.Instance(), "exe/sapstartsrv")); err != nil {
			return k.refused(instance.Fail(exitFailed, "FAIL: %s", err.Error()))
		}
		for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
			if askStart(k.conf, k.conf.Host, "GetProcessList", nil) == nil {
				break
			}
		}
	}
	k.head()
	k.say("OK")
	return exitOK
}

// parameter is ParameterValue NAME: a parameter of the instance profile.
func (k *call) parameter() int {
	if err := askStart(k.conf, k.host, "GetProcessList", nil); err != nil {
		return k.refused(err)
	}
	name := ""
	if len(k.rest) > 0 {
		name = k.rest[0]
	}
	b, err := os.ReadFile(k.conf.Profile())
	if err != nil {
		return k.refused(instance.Fail(exitFailed, "FAIL: %s", err.Error()))
	}
	for _, line := range strings.Split(string(b), "\n") {
		if key, value, ok := strings.Cut(line, "="); ok && strings.TrimSpace(key) == name {
			k.head()
			k.say("OK\n%s", strings.TrimSpace(value))
			return exitOK
		}
	}
	return k.refused(instance.Fail(exitFailed, "FAIL: parameter not found"))
}
