package hana

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// Reading is what was read of one site. What could not be read, or was not
// recognised, is missing, and Gaps says why. It is the Detail of a site's
// situation.
type Reading struct {
	State          *State            `json:"state,omitempty"`
	Config         *State            `json:"config,omitempty"`
	Processes      []Processes       `json:"processes,omitempty"`
	Landscape      *Landscape        `json:"landscape,omitempty"`
	Status         *Status           `json:"status,omitempty"`
	Recommendation string            `json:"recommendation,omitempty"`
	Version        string            `json:"version,omitempty"`
	Ini            map[string]string `json:"ini,omitempty"`
	// Autostart is per host; missing ones could not be read.
	Autostart map[string]dr.Tri `json:"autostart,omitempty"`
	SSFS      string            `json:"ssfs,omitempty"`
	Cluster   *Cluster          `json:"cluster,omitempty"`
	SQL       SQL               `json:"sql"`
	Hook      *Hook             `json:"hook,omitempty"`
	// LogUsed is how full the file system of the log volumes is, in per cent;
	// nil when it could not be read.
	LogUsed *int `json:"log_used,omitempty"`
	// Gaps say what is missing and why, by the name of what was asked.
	Gaps map[string]string `json:"gaps,omitempty"`
}

// gatherer collects the parts of a reading from several goroutines.
type gatherer struct {
	mu sync.Mutex
	r  Reading
	// unreachable is the first error of a host that did not answer.
	lost map[string]error
}

// run asks one command and hands its output to take, which says what is not
// recognised. A cut-off or truncated output is never taken.
func (g *gatherer) run(ctx context.Context, env kit.Env, what string, c dr.Command, take func(kit.Output) error) {
	out, err := readOn(ctx, env, c)
	g.mu.Lock()
	defer g.mu.Unlock()
	if err != nil {
		g.r.Gaps[what] = dr.AsError(err, "read").Text
		g.lost[c.Host] = err
		return
	}
	if err := take(out); err != nil {
		g.r.Gaps[what] = dr.Clip(err.Error(), 300)
	}
}

// readOn runs a reading command on its host.
func readOn(ctx context.Context, env kit.Env, c dr.Command) (kit.Output, error) {
	out, err := env.Read(ctx, c)
	if err == nil && out.Truncated {
		err = dr.Retry("cut_off", "%s printed more than is kept", c.Host)
	}
	return out, err
}

// observe reads everything of a site at once. Its error is that of the site's
// main host when no host of the site gave any answer.
func (p Place) observe(ctx context.Context, env kit.Env) (Reading, error) {
	g := &gatherer{r: Reading{Gaps: map[string]string{}, Autostart: map[string]dr.Tri{}}, lost: map[string]error{}}
	var wg sync.WaitGroup
	ask := func(what string, c dr.Command, take func(kit.Output) error) {
		wg.Go(func() { g.run(ctx, env, what, c, take) })
	}
	wg.Go(func() {
		s := p.readSQL(ctx, env)
		g.mu.Lock()
		defer g.mu.Unlock()
		g.r.SQL = s
	})
	wg.Go(func() {
		g.run(ctx, env, "sr_state", p.srState(), func(o kit.Output) error { return takeState(o, &g.r.State) })
		if g.primary() {
			wg.Go(func() { g.run(ctx, env, "sr_status", p.srStatus(), g.takeStatus) })
			wg.Go(func() { g.run(ctx, env, "recommendation", p.recommendation(), g.takeRecommendation) })
		}
	})
	ask("sr_state_configuration", p.srConfig(), func(o kit.Output) error { return takeState(o, &g.r.Config) })
	ask("landscape", p.landscape(), g.takeLandscape)
	p.askFiles(g, ask)
	ask("cluster", p.main().cluster(), g.takeCluster)
	g.r.Processes = make([]Processes, len(p.Hosts))
	for i, h := range p.Hosts {
		g.r.Processes[i] = Processes{Host: h.Name, Text: "not read"}
		ask("processes "+h.Name, p.processes(h), func(o kit.Output) error { return takeProcesses(o, h, &g.r.Processes[i]) })
		ask("autostart "+h.Name, p.autostart(h), func(o kit.Output) error {
			v, err := parseAutostart(o.Stdout)
			if err == nil {
				g.r.Autostart[h.Name] = v
			}
			return err
		})
	}
	wg.Wait()
	if len(g.lost) == len(p.Hosts) && len(g.r.Gaps) > 0 && g.r.State == nil && g.r.Config == nil && g.r.Version == "" {
		return g.r, g.lost[p.main().Host]
	}
	return g.r, nil
}

// asker runs one command beside the others and hands its output to take.
type asker func(what string, c dr.Command, take func(kit.Output) error)

// askFiles reads what stands in files, and the version.
func (p Place) askFiles(g *gatherer, ask asker) {
	ask("version", p.version(), func(o kit.Output) error {
		if g.r.Version = parseVersion(o.Stdout); g.r.Version == "" {
			return fmt.Errorf("`HDB version` is not recognised")
		}
		return nil
	})
	ask("global_ini", p.globalIni(), func(o kit.Output) error {
		if o.Exit != 0 {
			return fmt.Errorf("global.ini cannot be read")
		}
		g.r.Ini = parseIni(o.Stdout)
		return nil
	})
	ask("ssfs", p.ssfsSums(), func(o kit.Output) (err error) {
		g.r.SSFS, err = parseSums(o.Stdout)
		return err
	})
	ask("log_volume", p.logRoom(), func(o kit.Output) error {
		n, err := parseLogRoom(o.Stdout)
		if err == nil {
			g.r.LogUsed = &n
		}
		return err
	})
	if p.Provider {
		ask("hook", p.hookState(), func(o kit.Output) error {
			h, err := parseHook(o.Stdout)
			if err == nil {
				g.r.Hook = &h
			}
			return err
		})
	}
}

func (g *gatherer) primary() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.r.State != nil && g.r.State.Mode == "primary" && g.r.State.Online == dr.Yes
}

// takeState wants a complete answer of a program that ended well.
func takeState(o kit.Output, into **State) error {
	if o.Exit != 0 {
		return fmt.Errorf("hdbnsutil ended with exit code %d: %s", o.Exit, dr.Clip(strings.TrimSpace(o.Stderr+" "+o.Stdout), 120))
	}
	s, err := ParseState(o.Stdout)
	if err == nil {
		*into = &s
	}
	return err
}

func takeProcesses(o kit.Output, h HostPlace, into *Processes) error {
	v, err := ParseProcesses(o.Stdout, o.Exit)
	v.Host = h.Name
	if err != nil {
		v.Text = "unknown: " + err.Error()
	}
	*into = v
	return err
}

func (g *gatherer) takeLandscape(o kit.Output) error {
	l, err := ParseLandscape(o.Stdout, o.Exit)
	if err == nil {
		g.r.Landscape = &l
	}
	return err
}

func (g *gatherer) takeStatus(o kit.Output) error {
	s, err := ParseStatus(o.Stdout, o.Exit)
	if err == nil {
		g.r.Status = &s
	}
	return err
}

func (g *gatherer) takeRecommendation(o kit.Output) error {
	if g.r.Recommendation = parseRecommendation(o.Stdout); g.r.Recommendation == "" {
		return fmt.Errorf("getTakeoverRecommendation.py gave none of its three answers (exit code %d)", o.Exit)
	}
	return nil
}

func (g *gatherer) takeCluster(o kit.Output) error {
	c, err := parseCluster(o.Stdout)
	if err == nil {
		g.r.Cluster = &c
	}
	return err
}

// Running is no only when every host's list shows a stopped system, and yes as
// soon as one host's processes all run.
func (r Reading) Running() dr.Tri {
	if len(r.Processes) == 0 {
		return dr.Unknown
	}
	all := dr.No
	for _, p := range r.Processes {
		switch p.Running {
		case dr.Yes:
			return dr.Yes
		case dr.Unknown:
			all = dr.Unknown
		case dr.No:
		}
	}
	return all
}

// Mode is the replication mode that both states agree on; "" when they do not,
// or when neither could be read. The files alone count while the nameserver is
// down.
func (r Reading) Mode() string {
	switch {
	case r.State == nil && r.Config == nil:
		return ""
	case r.State == nil:
		return r.Config.Mode
	case r.Config == nil || r.Config.Mode == r.State.Mode:
		return r.State.Mode
	}
	return ""
}

// Name is the site's own replication name as it was read.
func (r Reading) Name() string {
	for _, s := range []*State{r.State, r.Config} {
		if s != nil && s.SiteName != "" {
			return s.SiteName
		}
	}
	return ""
}

// Masters are the hosts that the site is registered at.
func (r Reading) Masters() []string {
	for _, s := range []*State{r.State, r.Config} {
		if s != nil && len(s.Masters) > 0 {
			return s.Masters
		}
	}
	var out []string
	for k, v := range r.Ini {
		if strings.HasPrefix(k, "system_replication_site_masters/") {
			host, _, _ := strings.Cut(v, ":")
			out = append(out, host)
		}
	}
	return out
}

// OnlinePrimary says whether the site is open as a primary by its own state:
// online, mode primary, no takeover going on. A stopped old primary is none.
func (r Reading) OnlinePrimary() dr.Tri {
	switch {
	case r.Running() == dr.No:
		return dr.No
	case r.Mode() == "" || r.State == nil || r.State.Online == dr.Unknown:
		return dr.Unknown
	case r.Mode() != "primary":
		return dr.No
	case r.State.Online == dr.No:
		return dr.Unknown
	case r.State.TakeoverActive == dr.Yes:
		return dr.Unknown
	}
	return dr.Yes
}

// AcceptsWrites is decided by the state and by a login, never by one of them.
func (r Reading) AcceptsWrites() dr.Tri {
	switch r.OnlinePrimary() {
	case dr.Unknown:
		return dr.Unknown
	case dr.No:
		if r.Running() != dr.No && (r.State == nil || r.State.TakeoverActive == dr.Yes) {
			return dr.Unknown
		}
		return dr.No
	case dr.Yes:
	}
	switch {
	case r.State.Suspended == dr.Yes:
		return dr.No
	case r.SQL.Login == dr.Yes:
		return dr.Yes
	}
	return dr.Unknown
}
