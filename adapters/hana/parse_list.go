package hana

import (
	"fmt"
	"strings"

	"github.com/switchback-dr/switchback/dr"
)

// Exit codes of sapcontrol -function GetProcessList.
const (
	listMixed   = 0
	listFailed  = 1
	listRunning = 3
	listStopped = 4
)

// Processes is what sapstartsrv of one host said.
type Processes struct {
	Host string `json:"host"`
	// Running is yes when every process runs, no when the only row is a
	// stopped hdbdaemon; in between, and without an answer, it is unknown.
	Running dr.Tri `json:"running"`
	// Partial is set when some processes run and some do not.
	Partial bool `json:"partial,omitempty"`
	// NoService says that sapstartsrv does not answer, which tells nothing of
	// HANA itself.
	NoService bool   `json:"no_service,omitempty"`
	Text      string `json:"text"`
	// Started is hdbdaemon's start time, by the host's clock.
	Started string `json:"started,omitempty"`
}

const listHeader = "name, description, dispstatus, textstatus, starttime, elapsedtime, pid"

// ParseProcesses reads GetProcessList. Exit code and rows must say the same.
func ParseProcesses(out string, exit int) (Processes, error) {
	if exit == listFailed {
		return Processes{NoService: strings.Contains(out, "NIECONN_REFUSED")}, fmt.Errorf("sapstartsrv does not answer (%s); start it with sapcontrol -function StartService", dr.Clip(strings.TrimSpace(out), 120))
	}
	if exit != listMixed && exit != listRunning && exit != listStopped {
		return Processes{}, fmt.Errorf("sapcontrol ended with exit code %d", exit)
	}
	_, rows, ok := strings.Cut(out, "\nGetProcessList\nOK\n"+listHeader+"\n")
	if !ok || !strings.HasSuffix(out, "\n") {
		return Processes{}, fmt.Errorf("the process list is not recognised")
	}
	var p Processes
	green, other := 0, 0
	for line := range strings.Lines(rows) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		f := strings.Split(line, ", ")
		if len(f) != 7 {
			return Processes{}, fmt.Errorf("the row %q has %d columns, not 7", dr.Clip(line, 80), len(f))
		}
		if f[2] == "GREEN" {
			green++
		} else {
			other++
		}
		if f[0] == "hdbdaemon" {
			p.Started = dr.Clip(f[4], 40)
		}
		p.Text = f[0] + " " + f[2]
	}
	switch {
	case exit == listRunning && green > 0 && other == 0:
		p.Running, p.Text = dr.Yes, fmt.Sprintf("all %d processes run", green)
	case exit == listStopped && green == 0 && other == 1 && p.Text == "hdbdaemon GRAY":
		p.Running, p.Started, p.Text = dr.No, "", "hdbdaemon is stopped"
	case exit == listMixed && green+other > 0:
		p.Partial, p.Text = true, fmt.Sprintf("%d processes run, %d do not", green, other)
	default:
		return Processes{}, fmt.Errorf("exit code %d and the rows (%d running, %d not) contradict each other", exit, green, other)
	}
	return p, nil
}

// Landscape is what landscapeHostConfiguration.py said.
type Landscape struct {
	Exit  int             `json:"exit"`
	Hosts []LandscapeHost `json:"hosts,omitempty"`
}

// LandscapeHost is one host of the landscape.
type LandscapeHost struct {
	Name   string `json:"name"`
	Active string `json:"active"`
	Status string `json:"status"`
	Role   string `json:"role,omitempty"`
}

// ParseLandscape reads both forms: keys of one host alone, and keys below
// host/<name>/. Exit codes: 0 fatal (never success), 1 down, 2 failover, 3 other
// roles, 4 ok; anything else is no answer.
func ParseLandscape(out string, exit int) (Landscape, error) {
	if exit < 1 || exit > 4 {
		return Landscape{}, fmt.Errorf("landscapeHostConfiguration.py ended with exit code %d, which is no answer", exit)
	}
	pairs, err := parseFrame(out)
	if err != nil {
		return Landscape{}, err
	}
	l := Landscape{Exit: exit}
	index := map[string]int{}
	current := -1
	for _, p := range pairs {
		key := p.key
		if rest, ok := strings.CutPrefix(p.key, "host/"); ok {
			name, k, ok := strings.Cut(rest, "/")
			if !ok {
				return Landscape{}, fmt.Errorf("the key %q is not recognised", dr.Clip(p.key, 60))
			}
			if _, ok := index[name]; !ok {
				index[name] = len(l.Hosts)
				l.Hosts = append(l.Hosts, LandscapeHost{Name: name})
			}
			key, current = k, index[name]
		} else if key == "host" {
			l.Hosts = append(l.Hosts, LandscapeHost{Name: p.value})
			current = len(l.Hosts) - 1
		}
		if current < 0 {
			continue
		}
		h := &l.Hosts[current]
		switch key {
		case "hostActive":
			h.Active = dr.Clip(p.value, 20)
		case "hostStatus":
			h.Status = dr.Clip(p.value, 20)
		case "nameServerActualRole":
			h.Role = dr.Clip(p.value, 20)
		}
	}
	if len(l.Hosts) == 0 || len(l.Hosts) > 100 {
		return Landscape{}, fmt.Errorf("it lists %d hosts", len(l.Hosts))
	}
	return l, nil
}

// words tells the landscape in words, for people.
func (l Landscape) words() string {
	names := map[int]string{1: "not enough active hosts", 2: "a host failover is going on", 3: "works with other roles than configured", 4: "ok"}
	var hosts []string
	for _, h := range l.Hosts {
		hosts = append(hosts, h.Name+" "+h.Active+"/"+h.Status)
	}
	return names[l.Exit] + " (" + strings.Join(hosts, ", ") + ")"
}
