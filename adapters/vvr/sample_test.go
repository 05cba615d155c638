package vvr

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters/adaptertest"
	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// sample is one host as its tools would show it. The layouts are those of the
// guides for 5.0 to 7.x: vxprint -l and -Pl, vxrlink status, vxrvg cplist,
// vradmin printrvg, repstatus and printvol, with other names and numbers.
type sample struct {
	site, vvr  string
	role       string
	open       bool
	kernel     string
	flags      string
	links      []sampleLink
	checkpoint []string
	// rds lists the hosts as "Primary NAME" or "Secondary NAME"; errors are
	// lines below Config Errors.
	rds     []string
	errors  []string
	noDCM   bool
	sizes   string
	extra   string
	down    bool
	noRVG   bool
	noDG    bool
	vradmin string
}

type sampleLink struct {
	to     string
	flags  string
	status string
}

func (s sample) output() string {
	var b strings.Builder
	p := func(tag, text string, rc int) {
		for _, l := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
			if l != "" {
				fmt.Fprintf(&b, "%s %s\n", tag, l)
			}
		}
		fmt.Fprintf(&b, "rc %s %d\n", tag, rc)
	}
	b.WriteString("begin 1\n")
	if s.noDG {
		p("dg", "otherdg              enabled              1007063636.1025."+s.site, 0)
		p("rvg", "VxVM vxprint ERROR V-5-1-582 Disk group hrdg: No such disk group", 11)
		p("rlink", "VxVM vxprint ERROR V-5-1-582 Disk group hrdg: No such disk group", 11)
		b.WriteString("end ok\n")
		return b.String()
	}
	p("dg", "hrdg                 enabled              1007063636.1025."+s.site, 0)
	if s.noRVG {
		p("rvg", "VxVM vxprint ERROR V-5-1-924 Record hr_rvg not found", 11)
	} else {
		p("rvg", s.rvg(), 0)
	}
	p("rlink", s.rlinks(), 0)
	if s.role == rolePrimary {
		for _, l := range s.links {
			p("status", "VxVM VVR vxrlink INFO V-5-1-4467 "+strings.ReplaceAll(l.status, "@", "rlk_"+l.to+"_hr_rvg"), 0)
		}
		p("cp", "Name                 MBytes  % Log   Started/Completed\n----                 ------  ------  -----------------\n"+strings.Join(s.checkpoint, "\n"), 0)
	}
	if s.vradmin != "" {
		p("rds", s.vradmin, 1)
	} else {
		p("rds", s.printrvg(), 0)
		p("vol", s.printvol(), 0)
	}
	b.WriteString(s.extra)
	b.WriteString("end ok\n")
	return b.String()
}

func (s sample) rvg() string {
	open := "closed"
	if s.open {
		open = "open"
	}
	return `Disk group: hrdg

Rvg:      hr_rvg
info:     rid=0.1317 version=3 rvg_version=31 last_tag=3
state:    state=ACTIVE kernel=` + s.kernel + `
assoc:    datavols=hr_dv01,hr_dv02
          srl=hr_srl
          rlinks=rlk_x
att:      rlinks=rlk_x
flags:    ` + open + " " + s.role + " " + s.flags
}

func (s sample) rlinks() string {
	var b strings.Builder
	for _, l := range s.links {
		b.WriteString(`Rlink:    rlk_` + l.to + `_hr_rvg
info:     timeout=500 rid=0.1422
          latency_high_mark=10000 latency_low_mark=9950
          bandwidth_limit=none
state:    state=ACTIVE
          synchronous=off latencyprot=off srlprot=autodcm
assoc:    rvg=hr_rvg
          remote_host=` + l.to + ` IP_addr=192.0.2.12 port=4145
          remote_dg=hrdg
          remote_dg_dgid=1007063636.1025.x
          remote_rvg_version=31
          remote_rlink=rlk_` + s.vvr + `_hr_rvg
          remote_rlink_rid=0.1073
          local_host=` + s.vvr + ` IP_addr=192.0.2.11 port=4145
protocol: TCP/IP
flags:    write enabled ` + l.flags + "\n")
	}
	// An RLINK of another RVG in the same disk group is nobody's business.
	b.WriteString("Rlink:    rlk_other\ninfo:     timeout=500 rid=0.9\nassoc:    rvg=other_rvg\n          remote_host=elsewhere\nflags:    write detached\n")
	return b.String()
}

func (s sample) printrvg() string {
	b := "Replicated Data Set: hr_rvg\n"
	for _, h := range s.rds {
		role, name, _ := strings.Cut(h, " ")
		local := ""
		if name == s.vvr {
			local = "    <localhost>"
		}
		b += role + ":\n\tHostName: " + name + local + "\n\tRvgName: hr_rvg\n\tDgName: hrdg\n\tdatavol_cnt: 2\n\tsrl: hr_srl\n\tRLinks:\n\t    name=rlk_x, detached=on, synchronous=off\n"
	}
	if len(s.errors) > 0 {
		b += "Config Errors:\n"
		for _, e := range s.errors {
			b += "\t" + e + "\n"
		}
	}
	return b
}

func (s sample) printvol() string {
	n := len(s.rds)
	row := func(k, v string) string { return k + strings.Repeat("  "+v, n) + "\n" }
	names := ""
	for _, h := range s.rds {
		_, name, _ := strings.Cut(h, " ")
		names += "  " + name
	}
	dcm := "DCM"
	if s.noDCM {
		dcm = "-"
	}
	size := "65536"
	if s.sizes != "" {
		size = s.sizes
	}
	b := "Replicated Data Set: hr_rvg\nTY  PRIMARY   SECONDARY\n" + "h" + names + "\n" + row("dg", "hrdg") + row("rv", "hr_rvg")
	for _, v := range []string{"hr_dv01", "hr_dv02"} {
		b += row("v", v) + row("sz", "65536") + row("pn", "1") + row("fl", dcm)
	}
	return strings.Replace(b, "sz  65536", "sz  "+size, 1)
}

const (
	good     = "attached consistent connected asynchronous"
	stale    = "detached consistent disconnected asynchronous"
	cutOff   = "attached consistent disconnected asynchronous"
	catching = "attached inconsistent can_sync connected asynchronous"
	toDCM    = "attached consistent connected asynchronous dcm_logging"
	clean    = "Rlink @ is up to date"
	late     = "Rlink @ has 118 outstanding writes, occupying 5904 Kbytes (2%) on the SRL"
	far      = "Rlink @ has 99118 outstanding writes, occupying 990400 Kbytes (40%) on the SRL"
)

// scene is three hosts; it is the set of hosts that answer with the samples.
type scene struct {
	t     *testing.T
	hosts map[string]*sample
	memo  *dr.Memory
	base  *dr.Baseline
	set   string
	// snap adds the sites' snapshot commands.
	snap     bool
	finished []kit.FinishedStep
	from     dr.Phase
	// ran are commands that a step started; effect is what they do.
	ran    []string
	effect func(*scene) kit.Job
}

// normal is seattle replicating to london and tokyo.
func normal(t *testing.T) *scene {
	rds := []string{"Primary seattle-rep", "Secondary london-rep", "Secondary tokyo-rep"}
	sec := func(site string, others ...string) *sample {
		s := &sample{site: site, vvr: site + "-rep", role: roleSecondary, kernel: kernelEnabled, flags: "enabled attached", rds: rds}
		for i, o := range others {
			l := sampleLink{to: o + "-rep", flags: good}
			if i > 0 {
				l.flags = stale
			}
			s.links = append(s.links, l)
		}
		return s
	}
	return &scene{t: t, hosts: map[string]*sample{
		"sea-db": {
			site: "seattle", vvr: "seattle-rep", role: rolePrimary, open: true, kernel: kernelEnabled, flags: "enabled attached", rds: rds,
			links: []sampleLink{{"london-rep", good, clean}, {"tokyo-rep", good, clean}},
		},
		"lon-db": sec("london", "seattle", "tokyo"),
		"tok-db": sec("tokyo", "seattle", "london"),
	}, base: &dr.Baseline{Primary: "seattle"}}
}

// twoPrimaries is seattle back after a takeover of london with -N.
func twoPrimaries(t *testing.T) *scene {
	s := normal(t)
	lon, sea := s.hosts["lon-db"], s.hosts["sea-db"]
	*lon = sample{
		site: "london", vvr: "london-rep", role: rolePrimary, open: true, kernel: kernelEnabled, flags: "enabled",
		rds: []string{"Primary london-rep", "Secondary tokyo-rep"}, errors: []string{"seattle-rep:\tPrimary-Primary configuration"},
		links: []sampleLink{{"seattle-rep", stale, clean}, {"tokyo-rep", stale, clean}},
	}
	sea.open, sea.links = false, []sampleLink{{"london-rep", cutOff, late}, {"tokyo-rep", cutOff, late}}
	sea.errors = []string{"london-rep:       Primary-Primary configuration"}
	s.hosts["tok-db"].links[0].flags = cutOff
	return s
}

// converted is twoPrimaries after makesec.
func converted(t *testing.T) *scene {
	s := twoPrimaries(t)
	lon, sea := s.hosts["lon-db"], s.hosts["sea-db"]
	lon.errors, sea.errors = nil, nil
	lon.rds = []string{"Primary london-rep", "Secondary seattle-rep", "Secondary tokyo-rep"}
	sea.role, sea.flags, sea.rds = roleSecondary, "enabled", lon.rds
	sea.links = []sampleLink{{to: "london-rep", flags: stale}, {to: "tokyo-rep", flags: stale}}
	return s
}

// acting is seattle back after a takeover of london with fast failback.
func acting(t *testing.T) *scene {
	s := twoPrimaries(t)
	lon, sea := s.hosts["lon-db"], s.hosts["sea-db"]
	lon.flags, lon.errors, sea.errors = "enabled failback_logging", nil, nil
	lon.rds = []string{"Primary london-rep", "Secondary seattle-rep", "Secondary tokyo-rep"}
	sea.flags, sea.rds = "enabled acting_secondary", lon.rds
	lon.links[0] = sampleLink{"seattle-rep", "attached consistent connected asynchronous dcm_logging failback_logging", "DCM is in use on Rlink @. DCM contains 88832 Kbytes."}
	return s
}

// synced is converted after the synchronisation and startrep.
func synced(t *testing.T) *scene {
	s := converted(t)
	s.hosts["lon-db"].links[0].flags = good
	s.hosts["sea-db"].links[0].flags = good
	return s
}

func (s *scene) system() *system {
	snap := ""
	if s.snap {
		snap = "snapshot: {take: [/opt/dr/snap, take], check: [/opt/dr/snap, check]}\n"
	}
	node := func(host, vvr string) adaptertest.YAML {
		return adaptertest.YAML("host: " + host + "\nvvr_host: " + vvr + "\n" + snap)
	}
	sys, err := Adapter{}.Decode(kit.Entry{
		Name: "hr", Node: adaptertest.YAML("disk_group: hrdg\nrvg: hr_rvg\n" + s.set), Hosts: func(string) bool { return true },
		Sites: []kit.SiteEntry{{Name: "seattle", Node: node("sea-db", "seattle-rep")}, {Name: "london", Node: node("lon-db", "london-rep")}, {Name: "tokyo", Node: node("tok-db", "tokyo-rep")}},
	})
	require.NoError(s.t, err)
	return sys.(*system)
}

func (s *scene) Host(name string) (kit.Host, error) { return sceneHost{s: s, name: name}, nil }

// sceneHost answers observations with its sample and anything else with the
// scene's effect.
type sceneHost struct {
	kit.Host
	s    *scene
	name string
}

func (h sceneHost) Read(context.Context, dr.Command) (kit.Output, error) {
	m := h.s.hosts[h.name]
	if m.down {
		return kit.Output{}, dr.Retry("unreachable", "the host %s did not answer", h.name)
	}
	return kit.Output{Stdout: m.output(), HostTime: 7}, nil
}

func (h sceneHost) Look(context.Context, kit.JobKey) (kit.Job, error) {
	return kit.Job{State: kit.JobNone}, nil
}

func (h sceneHost) Void(context.Context, kit.JobKey, string) (kit.Job, error) {
	return kit.Job{State: kit.JobVoid}, nil
}

func (h sceneHost) Start(_ context.Context, _ kit.JobKey, c dr.Command, _ kit.HostTime, _ time.Duration) (kit.Job, error) {
	h.s.ran = append(h.s.ran, c.Shown())
	j := kit.Job{State: kit.JobFinished, Started: true}
	if h.s.effect != nil {
		j = h.s.effect(h.s)
		j.State, j.Started = kit.JobFinished, true
	}
	return j, nil
}

func (s *scene) env() kit.Env {
	now := time.Date(2026, 3, 1, 2, 3, 4, 0, time.UTC)
	return kit.Env{
		Hosts: s, Progress: func(kit.Progress) {}, Now: func() time.Time { return now },
		Sleep: func(ctx context.Context, d time.Duration) error { now = now.Add(d); return ctx.Err() },
	}
}

func (s *scene) observe() dr.Situation {
	sys := s.system()
	return adaptertest.Observe(context.Background(), sys, s.env(), dr.Situation{System: "hr", Product: "vvr", At: s.env().Now(), Memory: s.memo, Baseline: s.base})
}

func (s *scene) plan(req dr.Request, g dr.Gate) (*kit.Draft, error) {
	d := kit.NewDraft()
	req.System, req.Reason = "hr", "test"
	return d, s.system().Plan(kit.PlanInput{Request: req, Gate: g, Situation: s.observe(), RunID: "aa11bb22", Baseline: s.base, Finished: s.finished, From: s.from}, d)
}

// lines gives a plan as "phase: command" lines, scripts shortened to what they
// run.
func (s *scene) lines(req dr.Request, g dr.Gate) []string {
	s.t.Helper()
	d, err := s.plan(req, g)
	require.NoError(s.t, err)
	return linesOf(s.t, req, g, d)
}

func linesOf(t *testing.T, req dr.Request, g dr.Gate, d *kit.Draft) []string {
	t.Helper()
	phases, err := d.Phases(dr.PhasesAfter(req.Procedure, g))
	require.NoError(t, err)
	var out []string
	for _, ph := range phases {
		for _, st := range ph.Steps {
			require.Len(t, st.Commands, 1, st.ID)
			c := st.Commands[0]
			host, _, _ := strings.Cut(c, "$ ")
			if st.Kind == dr.KindRead {
				c = host + " " + strings.TrimPrefix(st.Action, "vvr.")
				if strings.Contains(string(st.Args), "max_kb") {
					c += " nearly"
				}
			} else if i := strings.LastIndex(c, "/usr/sbin/"); i >= 0 {
				c = host + " " + c[i+len("/usr/sbin/"):]
			}
			if strings.Contains(st.ID, "wait-") && st.Action == "vvr.wait_up_to_date" {
				c += " " + st.ID[strings.LastIndex(st.ID, "wait-")+5:]
			}
			out = append(out, string(ph.Phase)+": "+c)
		}
	}
	return out
}

var (
	takePlanned   = dr.Request{Procedure: dr.ProcTakeover, Mode: dr.ModePlanned, To: "london"}
	takeUnplanned = dr.Request{Procedure: dr.ProcTakeover, Mode: dr.ModeUnplanned, To: "london"}
	goBack        = dr.Request{Procedure: dr.ProcFailback}
	seedTokyo     = dr.Request{Procedure: dr.ProcReseed, To: "tokyo"}
)
