package hana

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// script answers commands by a word that stands in them; SQL answers nothing.
type script struct {
	mu      sync.Mutex
	answers map[string]kit.Output
	silent  map[string]bool
	started int
	// after changes the answers when a command is started.
	after map[string]kit.Output
}

func (s *script) Host(name string) (kit.Host, error) { return scriptHost{name: name, s: s}, nil }

type scriptHost struct {
	kit.Host
	name string
	s    *script
}

func (h scriptHost) Read(_ context.Context, c dr.Command) (kit.Output, error) {
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	if h.s.silent[h.name] {
		return kit.Output{}, dr.Retry("unreachable", "the host %s did not answer", h.name)
	}
	text := strings.Join(c.Argv, " ")
	best := ""
	for word := range h.s.answers {
		host, w, _ := strings.Cut(word, " ")
		if host == h.name && strings.Contains(text, w) && len(word) > len(best) {
			best = word
		}
	}
	if best == "" {
		return kit.Output{Exit: 127, HostTime: 1}, nil
	}
	out := h.s.answers[best]
	out.HostTime = 1
	return out, nil
}

func (h scriptHost) Look(context.Context, kit.JobKey) (kit.Job, error) {
	return kit.Job{State: kit.JobNone}, nil
}

func (h scriptHost) Void(context.Context, kit.JobKey, string) (kit.Job, error) {
	return kit.Job{State: kit.JobVoid}, nil
}

func (h scriptHost) Start(context.Context, kit.JobKey, dr.Command, kit.HostTime, time.Duration) (kit.Job, error) {
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	h.s.started++
	for k, v := range h.s.after {
		h.s.answers[k] = v
	}
	return kit.Job{State: kit.JobFinished, Started: true}, nil
}

func (s *script) env() kit.Env {
	now := noon
	var mu sync.Mutex
	return kit.Env{
		Hosts: s, Progress: func(kit.Progress) {},
		Now: func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			return now
		},
		Sleep: func(ctx context.Context, d time.Duration) error {
			mu.Lock()
			defer mu.Unlock()
			now = now.Add(d)
			return ctx.Err()
		},
		Secret: func(context.Context, string) (string, error) { return "not-a-secret", nil },
		Dial: func(context.Context, string, string) (net.Conn, error) {
			return nil, dr.Retry("sql_silent", "connection refused")
		},
	}
}

// newScript is a stopped old primary north and a secondary south.
func newScript() *script {
	cluster := kit.Output{Stdout: "begin\nend\n"}
	stopped := strings.Replace(statePrimary, "online=true", "online=false", 1)
	return &script{silent: map[string]bool{}, after: map[string]kit.Output{}, answers: map[string]kit.Output{
		"hana-n GetProcessList": {Stdout: listOfStopped, Exit: listStopped}, "hana-s GetProcessList": {Stdout: listOfRunning, Exit: listRunning},
		"hana-n -sr_state": {Stdout: stopped}, "hana-s -sr_state": {Stdout: stateSecondary}, "hana-n crm_mon": cluster, "hana-s crm_mon": cluster,
	}}
}

func places(t *testing.T) (north, south Place) {
	t.Helper()
	s, err := decode(systemYAML, northYAML, southYAML)
	require.NoError(t, err)
	return s.sites[0].Place, s.sites[1].Place
}

func run[A any](t *testing.T, s *script, spec kit.Spec[A], a A) error {
	t.Helper()
	st := spec.Step(kit.At{Phase: dr.PhasePromote, Slug: "x", Title: "Do it", Timeout: time.Minute}, a)
	_, err := kit.Execute(t.Context(), s.env(), spec.Action(), st)
	return err
}

func TestATakeoverIsSentOnlyWhileTheOldPrimaryIsProvenDown(t *testing.T) {
	north, south := places(t)
	a := takeoverArgs{On: south, Old: north, Held: heldByStop, Takeovers: -1, Run: "aa11"}
	primary := strings.NewReplacer("site name=NORTH", "site name=SOUTH").Replace(statePrimary)
	for name, c := range map[string]struct {
		change map[string]kit.Output
		silent bool
		held   string
		sent   bool
	}{
		"it is stopped":                      {nil, false, heldByStop, true},
		"it runs again":                      {map[string]kit.Output{"hana-n GetProcessList": {Stdout: listOfRunning, Exit: listRunning}}, false, heldByStop, false},
		"its list is cut off":                {map[string]kit.Output{"hana-n GetProcessList": {Stdout: listOfStopped[:90], Exit: listStopped}}, false, heldByStop, false},
		"its service is down":                {map[string]kit.Output{"hana-n GetProcessList": {Stdout: "FAIL: NIECONN_REFUSED", Exit: listFailed}}, false, heldByStop, false},
		"it does not answer":                 {nil, true, heldByStop, false},
		"it does not answer and is fenced":   {nil, true, kit.HeldByOutside, true},
		"it is silent as it was":             {nil, true, kit.HeldBySilence, true},
		"it was silent and says something":   {map[string]kit.Output{"hana-n -sr_state": {Stdout: "starting"}}, false, kit.HeldBySilence, false},
		"it never said anything readable":    {map[string]kit.Output{"hana-n -sr_state": {Stdout: "starting"}}, false, kit.HeldByOutside, true},
		"it came back as a primary":          {map[string]kit.Output{"hana-n GetProcessList": {Stdout: listOfRunning, Exit: listRunning}, "hana-n -sr_state": {Stdout: statePrimary}}, false, kit.HeldByOutside, false},
		"the secondary hangs":                {map[string]kit.Output{"hana-s -sr_state": {Exit: 124}}, false, heldByStop, false},
		"the secondary's answer is cut off":  {map[string]kit.Output{"hana-s -sr_state": {Stdout: stateSecondary[:100]}}, false, heldByStop, false},
		"a cluster took charge":              {map[string]kit.Output{"hana-s crm_mon": {Stdout: "begin\npresent\ncrm rsc_SAPHana Promoted\nend\n"}}, false, heldByStop, false},
		"the secondary is another site":      {map[string]kit.Output{"hana-s -sr_state": {Stdout: strings.Replace(stateSecondary, "site name=SOUTH", "site name=WEST", 1)}}, false, heldByStop, false},
		"a takeover is going on there":       {map[string]kit.Output{"hana-s -sr_state": {Stdout: strings.Replace(stateSecondary, "isTakeoverActive=false", "isTakeoverActive=true", 1)}}, false, heldByStop, false},
		"a handshake without the old site":   {nil, false, heldByHandshake, false},
		"the cluster's answer is not usable": {map[string]kit.Output{"hana-s crm_mon": {Stdout: "begin\n"}}, false, heldByStop, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript()
			for k, v := range c.change {
				s.answers[k] = v
			}
			s.silent["hana-n"] = c.silent
			s.after["hana-s -sr_state"] = kit.Output{Stdout: primary}
			a.Held = c.held
			err := run(t, s, takeover, a)
			if c.sent {
				require.NoError(t, err)
				require.Equal(t, 1, s.started)
				return
			}
			require.Error(t, err)
			require.Zero(t, s.started)
		})
	}
}

func TestATakeoverThatReturnsZeroWithoutEffectIsHeld(t *testing.T) {
	north, south := places(t)
	s := newScript()
	err := run(t, s, takeover, takeoverArgs{On: south, Old: north, Held: heldByStop, Takeovers: -1, Run: "aa11"})
	require.True(t, dr.HasCode(err, "no_effect"), "%v", err)
	require.ErrorContains(t, err, "still a secondary")
	require.Equal(t, 1, s.started)
}

func TestATakeoverWhoseStateIsCutOffAfterwardsIsUnknown(t *testing.T) {
	north, south := places(t)
	s := newScript()
	s.after["hana-s -sr_state"] = kit.Output{Stdout: stateSecondary[:200]}
	err := run(t, s, takeover, takeoverArgs{On: south, Old: north, Held: heldByStop, Takeovers: -1, Run: "aa11"})
	require.True(t, dr.AsError(err, "").Unknown, "%v", err)
	require.Equal(t, 1, s.started)
}

func TestNothingIsRegisteredOrStartedWhileThePrimaryIsNotOpen(t *testing.T) {
	north, south := places(t)
	a := registerArgs{On: north, Source: south, Primary: south, Mode: "sync", Operation: "logreplay", Run: "aa11"}
	s := newScript()
	require.Error(t, run(t, s, register, a), "south is still a secondary")
	require.Zero(t, s.started)
	require.Error(t, run(t, s, startSystem, systemArgs{On: north, Other: south, For: forRegister}), "the files of north say primary: a start makes a second one")
	require.Zero(t, s.started)
}

func TestAnOldPrimaryIsStartedAgainOnlyWhileNobodyTookOver(t *testing.T) {
	north, south := places(t)
	a := systemArgs{On: north, Other: south, For: forUndo}
	s := newScript()
	s.after = map[string]kit.Output{"hana-n GetProcessList": {Stdout: listOfRunning, Exit: listRunning}, "hana-n -sr_state": {Stdout: statePrimary}}
	require.NoError(t, run(t, s, startSystem, a))
	require.Equal(t, 1, s.started)
	s = newScript()
	s.answers["hana-s -sr_state"] = kit.Output{Stdout: strings.Replace(statePrimary, "site name=NORTH", "site name=SOUTH", 1)}
	require.Error(t, run(t, s, startSystem, a))
	require.Zero(t, s.started)
}

func TestKnownRefusalsOfTheToolsBecomeAdvice(t *testing.T) {
	north, south := places(t)
	r := registerArgs{On: north, Source: south}
	for exit, code := range map[int]string{128: "still_running", 149: "ssfs_differ", 0: ""} {
		err := interpretRegister(r, kit.Job{Exit: exit})
		require.Equal(t, code != "", err != nil)
		if err != nil {
			require.True(t, dr.HasCode(err, code), "%v", err)
			require.NotEmpty(t, dr.AsError(err, "").Next)
		}
	}
	require.True(t, dr.HasCode(interpretRegister(r, kit.Job{Exit: 1, Stdout: "unable to contact primary site host dba01:40006. connection refused"}), "primary_not_ready"))
	require.True(t, dr.HasCode(interpretTakeover(takeoverArgs{On: south}, kit.Job{Exit: 1, Stderr: "rc=50277"}), "hook_blocked"))
	require.NoError(t, interpretTakeover(takeoverArgs{On: south}, kit.Job{Exit: 1, Stderr: "failed"}), "the role that is read back decides")
	require.True(t, dr.HasCode(serviceDown(north, kit.Job{Exit: 1, Stdout: "FAIL: NIECONN_REFUSED (Connection refused)"}), "sapstartsrv"))
}

func TestAWrongNameOrModeIsNeverGivenToARegistration(t *testing.T) {
	north, south := places(t)
	good := registerArgs{On: north, Source: south, Primary: south, Mode: "sync", Operation: "logreplay", Run: "aa11"}
	require.NoError(t, register.Check(good))
	for name, f := range map[string]func(*registerArgs){
		"no name": func(a *registerArgs) { a.On.Name = "" }, "the word of an unreadable state": func(a *registerArgs) { a.On.Name = "unknown" },
		"the other site's name": func(a *registerArgs) { a.On.Name = "SOUTH" }, "no mode": func(a *registerArgs) { a.Mode = "" }, "no operation mode": func(a *registerArgs) { a.Operation = "" },
		"at itself": func(a *registerArgs) { a.Source = a.On }, "a run that is no run": func(a *registerArgs) { a.Run = "../x" },
	} {
		a := good
		f(&a)
		require.Error(t, register.Check(a), name)
	}
}

func TestTheHistoryTellsOutageAndLoss(t *testing.T) {
	_, south := places(t)
	e := historyEffect(primaryArgs{On: south, Takeovers: 0}, Takeover{
		Start: "2026-03-14 10:00:00.000000", End: "2026-03-14 10:00:12.500000", Source: "NORTH", Site: "SOUTH", Type: "ONLINE",
		LogTime: "2026-03-14 09:59:58.000000", ShippedTime: "2026-03-14 09:59:57.000000",
	}, noon)
	require.Contains(t, e.Text, "12.5s")
	require.Equal(t, int64(1000), e.Loss.Amount.Millis)
	e = historyEffect(primaryArgs{On: south, Takeovers: -1}, Takeover{Start: "2026-03-14 10:00:00.000000", Site: "SOUTH"}, noon)
	require.False(t, e.Loss.Amount.Known(), "no time on one side: not computable, never zero")
	require.Contains(t, e.Evidence[0].Text, "not known")
}

func TestWhatWasShippedIsMeasured(t *testing.T) {
	at := "2026-03-14 10:00:00.000000"
	later := "2026-03-14 10:00:05.000000"
	earlier := "2026-03-14 09:00:00.000000"
	require.Contains(t, shipment([]Service{{Status: "ACTIVE", Connected: at, FullStart: later}}), "full replica")
	require.Contains(t, shipment([]Service{{Status: "ACTIVE", Connected: at, FullStart: earlier, DeltaStart: later}}), "delta")
	require.Contains(t, shipment([]Service{{Status: "ACTIVE", Connected: at, FullStart: earlier, FullSync: "ACTIVE"}}), "only the log")
	require.Contains(t, progressOf([]Service{{Database: "DRT", Status: "INITIALIZING", Details: "Full Replica: 23 % (18944/82368 MB)"}}), "23 %")
}
