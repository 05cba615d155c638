package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/worker"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/inventory"
	"github.com/switchback-dr/switchback/internal/setup"
	"github.com/switchback-dr/switchback/workflows"
)

// Options are a gateway's settings.
type Options struct {
	// Path is chatops.yaml.
	Path  string
	Kinds []Kind
	Log   *slog.Logger
	// Out gets what people read.
	Out io.Writer
}

// Run serves a gateway until ctx ends. The connection to Temporal comes from
// the environment (TEMPORAL_*), as for worker and starter. Several gateways with
// the same key may run: Temporal sees to it that each message is one.
func Run(ctx context.Context, o Options) error {
	config, err := ReadConfig(o.Path, o.Kinds)
	if err != nil {
		return err
	}
	s, err := setup.Load(config.Inventory)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := checkOwnKey(config, s.Inventory); err != nil {
		return err
	}
	c, namespace, err := setup.DialTemporal(ctx, o.Log)
	if err != nil {
		return err
	}
	defer c.Close()
	g := &Gateway{
		Config: config, Temporal: c, Namespace: namespace, Redact: s.Redact, Now: time.Now, Log: o.Log,
		Who: func() (inventory.Who, error) {
			inv, err := inventory.Load(config.Inventory, setup.Products())
			if err != nil {
				return inventory.Who{}, dr.Retry("inventory", "people cannot be read from %s: %v", config.Inventory, err)
			}
			return inv.Who(), nil
		},
	}
	for _, sys := range s.Inventory.Systems {
		g.Systems = append(g.Systems, sys.Name)
	}
	if err := g.Open(o.Kinds); err != nil {
		return err
	}
	return g.Serve(ctx, o.Out)
}

// Check reads chatops.yaml, every secret that it names and the inventory, and
// says that they fit. It connects to nothing.
func Check(o Options) error {
	config, err := ReadConfig(o.Path, o.Kinds)
	if err != nil {
		return err
	}
	inv, err := inventory.Load(config.Inventory, setup.Products())
	if err != nil {
		return err
	}
	if err := checkOwnKey(config, inv); err != nil {
		return err
	}
	g := &Gateway{Config: config, Now: time.Now, Log: o.Log, Redact: func(s string) string { return s }, Who: func() (inventory.Who, error) { return inv.Who(), nil }}
	if err := g.Open(o.Kinds); err != nil {
		return err
	}
	for _, sys := range inv.Systems {
		first, next := config.route(sys.Name)
		if len(first) == 0 {
			return dr.Refuse("chatops", "%s: no route is for the system %s: nobody would be told", o.Path, sys.Name)
		}
		fmt.Fprintf(o.Out, "%s: %s\n", sys.Name, strings.Join(append(slices.Clone(first), next...), ", "))
	}
	return nil
}

// checkOwnKey: a gateway whose key the inventory does not have would only
// produce refusals.
func checkOwnKey(c Config, inv *inventory.Inventory) error {
	g, ok := inv.Gateways[c.Name]
	if !ok {
		return dr.Refuse("chatops", "the inventory has no gateway %q", c.Name).WithNext("describe it under gateways, with its public key")
	}
	mine := string(c.key.PublicKey().Marshal())
	for _, k := range g.Keys {
		if string(k.Marshal()) == mine {
			return nil
		}
	}
	return dr.Refuse("chatops", "the key of this gateway is not under gateways.%s.ssh_keys", c.Name).WithNext("add its public key there; two may stand there while one is replaced")
}

// Serve hosts the Chat workflows, the channels and the HTTP server.
func (g *Gateway) Serve(ctx context.Context, out io.Writer) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	w := sdk.New(g.Temporal, dr.ChatTaskQueue, sdk.Options{DisableRegistrationAliasing: true, WorkerStopTimeout: 5 * time.Second})
	workflows.RegisterChat(w)
	w.RegisterActivityWithOptions(g.Follow, activity.RegisterOptions{Name: dr.ActChatFollow})
	w.RegisterActivityWithOptions(g.Deliver, activity.RegisterOptions{Name: dr.ActChatDeliver})
	if err := w.Start(); err != nil {
		return dr.Retry("temporal", "the gateway cannot start: %v", err)
	}
	defer w.Stop()
	for _, system := range g.Systems {
		o := client.StartWorkflowOptions{
			ID: dr.ChatID(system), TaskQueue: dr.ChatTaskQueue, WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
			StaticSummary: "keeps people informed about " + system,
		}
		if _, err := g.Temporal.ExecuteWorkflow(ctx, o, dr.WorkflowChat, dr.ChatInput{System: system}); err != nil {
			return dr.Retry("temporal", "the chat of %s cannot be started: %v", system, err)
		}
	}
	var running sync.WaitGroup
	failed := make(chan error, len(g.channels)+1)
	for name, c := range g.channels {
		running.Go(func() {
			if err := c.Run(ctx); err != nil && ctx.Err() == nil {
				failed <- fmt.Errorf("channel %s: %w", name, err)
			}
		})
	}
	at := ""
	if g.Config.Listen != "" {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", g.Config.Listen)
		if err != nil {
			return dr.Refuse("chatops", "the gateway cannot listen on %s: %v", g.Config.Listen, err)
		}
		at = ", http://" + l.Addr().String()
		running.Go(func() { failed <- g.serveHTTP(ctx, l) })
	}
	fmt.Fprintf(out, "gateway ready: %s, %s, namespace %s%s\n", g.Config.Name, dr.Count(int64(len(g.Systems)), "system"), g.Namespace, at)
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	stop()
	running.Wait()
	g.later.Wait()
	return err
}

func (g *Gateway) serveHTTP(ctx context.Context, l net.Listener) error {
	s := &http.Server{
		Handler: g.Handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 32 << 10,
	}
	go func() { //nolint:gosec // G118: the request to stop is over; shutting down needs a time of its own
		<-ctx.Done()
		end, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = s.Shutdown(end)
	}()
	if err := s.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// MaxBody bounds the body of any request to the gateway, in bytes.
const MaxBody = 256 << 10

// Handler serves the channels' routes and /healthz.
func (g *Gateway) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	for _, c := range g.channels {
		for pattern, h := range c.Routes() {
			mux.Handle(pattern, h)
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, MaxBody)
		mux.ServeHTTP(w, r)
	})
}
