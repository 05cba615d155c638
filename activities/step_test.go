package activities_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/switchback-dr/switchback/activities"
	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/inventory"
	"github.com/switchback-dr/switchback/internal/reports"
)

const inventoryText = `version: 1
people: {ana: {name: Ana, roles: [dba], ssh_keys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJnQHVXSKtGFjEg8kMIc5hN6fCCELrIcr8xxVEFlWYdA"]}, ben: {name: Ben, roles: [dba], ssh_keys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG1C4c2o/aykaGmqK1AWbPe2uZaKam0ZPSxkSGfTuWWe"]}}
hosts: {db1: {address: 192.0.2.1, user: op, agent: true, known_hosts: [known_hosts]}}
systems: {orders: {product: fake, sites: {east: {}, west: {}}}}
`

// testRun is the run ID that the SDK's test environment gives.
const testRun = "default-test-run-id"

// bench is the activities over a fake product whose one action counts how often
// it really acted.
type bench struct {
	a    *activities.Activities
	env  *testsuite.TestActivityEnvironment
	acts int
	call dr.StepCall
	say  string
}

type args struct {
	Say string `json:"say"`
}

func newBench(t *testing.T) *bench {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "systems.yaml")
	require.NoError(t, os.WriteFile(path, []byte(inventoryText), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "known_hosts"), nil, 0o600))
	inv, err := inventory.Load(path, []kit.Adapter{fakeProduct{}})
	require.NoError(t, err)
	b := &bench{say: "done"}
	spec := b.spec()
	b.a = &activities.Activities{
		Inventory: inv, Actions: []kit.Action{spec.Action()}, Reports: reports.Store{Dir: dir},
		Pin: func(string) (dr.HostPin, error) {
			return dr.HostPin{Name: "db1", Address: "192.0.2.1", Port: 22, User: "op", Fingerprint: "SHA256:x"}, nil
		},
		Redact: func(s string) string { return strings.ReplaceAll(s, "hunter2", "[redacted]") },
		Now:    time.Now, Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
		Random: func() string { return "r" }, Log: slog.New(slog.DiscardHandler),
		People: func() (inventory.Who, error) { return inv.Who(), nil },
	}
	var suite testsuite.WorkflowTestSuite
	b.env = suite.NewTestActivityEnvironment()
	b.a.Register(b.env)
	sys, err := inv.System("orders")
	require.NoError(t, err)
	digest, fields, err := sys.Digest()
	require.NoError(t, err)
	pin, _ := b.a.Pin("db1")
	b.call = dr.StepCall{
		System: "orders", Product: "fake", Attempt: 1, InventoryDigest: digest, InventoryFields: fields, Pins: []dr.HostPin{pin},
		Envelope: dr.Envelope{Workflow: "dr-orders", OriginalRun: testRun, Run: testRun, Gate: dr.GateDecide, Occurrence: 1},
		Step:     spec.Step(kit.At{Phase: dr.PhasePromote, Slug: "act", Title: "Act", Timeout: time.Minute}, args{Say: "hello"}),
	}
	return b
}

// spec is a change by SQL: it needs no host.
func (b *bench) spec() kit.Spec[args] {
	return kit.Spec[args]{
		Name: "fake.act", Kind: dr.KindIrreversible, Settle: time.Nanosecond,
		Commands: func(a args) []dr.Command { return []dr.Command{{Host: "db1", SQL: "say " + a.Say}} },
		Probe: func(context.Context, kit.Env, args) kit.Effect {
			if b.acts > 0 {
				return kit.Done("%s", b.say)
			}
			return kit.NotDone("not yet")
		},
		Guard: func(context.Context, kit.Env, args) (kit.HostTime, error) { return 0, nil },
		Act:   func(context.Context, kit.Env, args) error { b.acts++; return nil },
	}
}

func (b *bench) run() (dr.StepResult, error) {
	v, err := b.env.ExecuteActivity("fake.act", b.call)
	var res dr.StepResult
	if err == nil {
		err = v.Get(&res)
	}
	return res, err
}

func TestAStepThatIsAsPlannedIsCarriedOut(t *testing.T) {
	b := newBench(t)
	res, err := b.run()
	require.NoError(t, err)
	require.Equal(t, dr.StepDone, res.State)
	require.Equal(t, 1, b.acts)
}

// TestAStepThatIsNotAsPlannedSendsNothing changes one thing between plan and
// worker at a time.
func TestAStepThatIsNotAsPlannedSendsNothing(t *testing.T) {
	cases := []struct {
		name, code string
		change     func(*dr.StepCall)
	}{
		{"a reset made it another run", "reset", func(c *dr.StepCall) { c.Envelope.Run = "another-run" }},
		{"another inventory", "inventory_differs", func(c *dr.StepCall) {
			c.InventoryDigest, c.InventoryFields = "x", map[string]string{"product": "00000000"}
		}},
		{"another host key", "pin", func(c *dr.StepCall) { c.Pins[0].Fingerprint = "SHA256:y" }},
		{"another address", "pin", func(c *dr.StepCall) { c.Pins[0].Address = "192.0.2.9" }},
		{"another rendering", "rendering", func(c *dr.StepCall) { c.Step.Commands = []string{"db1> say something else"} }},
		{"another action", "action", func(c *dr.StepCall) { c.Step.Action = "fake.other" }},
		{"another kind", "action", func(c *dr.StepCall) { c.Step.Kind = dr.KindChange }},
		{"arguments of another release", "arguments", func(c *dr.StepCall) { c.Step.Args = []byte(`{"say":"hello","more":1}`) }},
		{"an unknown system", "unknown_system", func(c *dr.StepCall) { c.System = "pay" }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			c.change(&b.call)
			_, err := b.run()
			var app *temporal.ApplicationError
			require.ErrorAs(t, err, &app)
			var de dr.Error
			require.NoError(t, app.Details(&de))
			require.Equal(t, c.code, de.Code, de.Text)
			require.True(t, app.NonRetryable())
			require.Zero(t, b.acts)
		})
	}
}

func TestNoSecretLeavesAStep(t *testing.T) {
	b := newBench(t)
	b.say = "the password is hunter2"
	res, err := b.run()
	require.NoError(t, err)
	require.NotContains(t, res.Text, "hunter2")
}
