package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"

	"github.com/switchback-dr/switchback/dev/devserver"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/worker"
	"github.com/switchback-dr/switchback/lab/labkit"
)

// The ports that people know; free ones are taken when somebody has them.
const (
	port   = 7233
	uiPort = 8233
)

// stopTimeout is how long the worker finishes what it has begun when the demo
// ends: nothing of the lab is there for anybody afterwards.
const stopTimeout = 300 * time.Millisecond

// stage is everything that runs behind the performance.
type stage struct {
	dir      string
	temporal *devserver.Server
	client   client.Client
	lab      *labkit.Lab
	system   string

	closers []func() error
}

// setStage starts everything, telling what it does. What was started is ended
// again when something fails.
func setStage(ctx context.Context, p labkit.Product, o Options, s *screen) (*stage, error) {
	st := &stage{}
	parts := []struct {
		what  string
		start func(context.Context) error
	}{
		{"Temporal and its UI", st.startTemporal},
		{"two " + p.Name() + " hosts, replicating, with a client that writes", func(ctx context.Context) error { return st.startLab(ctx, p) }},
		{"a worker", st.startWorker},
	}
	if err := st.makeDir(o); err != nil {
		return nil, err
	}
	for _, part := range parts {
		s.live("starting " + part.what)
		began := time.Now()
		if err := part.start(ctx); err != nil {
			s.clear()
			return nil, errors.Join(err, st.Close())
		}
		s.done("start", part.what, time.Since(began))
	}
	return st, nil
}

// makeDir makes the directory and sends the log of every part to a file in it,
// so that nothing writes between the lines of the performance.
func (s *stage) makeDir(o Options) error {
	s.dir = o.Dir
	if s.dir == "" {
		dir, err := os.MkdirTemp("", "switchback-")
		if err != nil {
			return dr.Refuse("dir", "no temporary directory can be made: %v", err)
		}
		s.dir = dir
		if !o.Keep {
			s.closers = append(s.closers, func() error { return os.RemoveAll(dir) })
		}
	} else if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return dr.Refuse("dir", "the directory %s cannot be made: %v", s.dir, err)
	}
	if left, err := os.ReadDir(s.dir); err != nil || len(left) > 0 {
		return dr.Refuse("dir", "the directory %s is not empty", s.dir).WithNext("name one that is missing or empty")
	}
	log, err := os.Create(filepath.Join(s.dir, "demo.log"))
	if err != nil {
		return dr.Refuse("dir", "no log can be written: %v", err)
	}
	stderr := os.Stderr
	os.Stderr = log
	s.closers = append(s.closers, func() error {
		os.Stderr = stderr
		return log.Close()
	})
	return nil
}

func (s *stage) startTemporal(ctx context.Context) error {
	o := devserver.Options{Database: filepath.Join(s.dir, "temporal.db"), Port: port, UIPort: uiPort, LogLevel: "error"}
	t, err := devserver.Start(ctx, o)
	if dr.HasCode(err, "dev_port") {
		o.Port, o.UIPort = 0, 0
		t, err = devserver.Start(ctx, o)
	}
	if err != nil {
		return err
	}
	s.temporal = t
	s.closers = append(s.closers, t.Stop)
	c, err := client.DialContext(ctx, client.Options{
		HostPort: t.Address(), Namespace: t.Namespace(), Logger: sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	if err != nil {
		return dr.Retry("temporal", "no client for %s: %v", t.Address(), err).Because(err)
	}
	s.client = c
	s.closers = append(s.closers, func() error {
		c.Close()
		return nil
	})
	return nil
}

func (s *stage) startLab(ctx context.Context, p labkit.Product) error {
	l, err := labkit.Up(ctx, p, filepath.Join(s.dir, "lab"), labkit.Options{})
	if err != nil {
		return err
	}
	s.lab, s.system = l, l.Describe().System
	s.closers = append(s.closers, l.Close)
	return nil
}

// startWorker runs the worker as its own program would, connected through the
// environment. Nothing else of the environment may lead it elsewhere.
func (s *stage) startWorker(ctx context.Context) error {
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "TEMPORAL_") {
			if err := os.Unsetenv(name); err != nil {
				return fmt.Errorf("the variable %s cannot be unset: %w", name, err)
			}
		}
	}
	for name, value := range map[string]string{
		"TEMPORAL_ADDRESS": s.temporal.Address(), "TEMPORAL_NAMESPACE": s.temporal.Namespace(),
		"TEMPORAL_CONFIG_FILE": filepath.Join(s.dir, "no-temporal.toml"),
	} {
		if err := os.Setenv(name, value); err != nil {
			return fmt.Errorf("the variable %s cannot be set: %w", name, err)
		}
	}
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	ready := &signalled{seen: make(chan struct{})}
	ended := make(chan error, 1)
	go func() {
		ended <- worker.Run(work, worker.Options{
			Path: s.lab.Inventory(), WatchEvery: time.Second, Out: ready, StopTimeout: stopTimeout,
			Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
		})
	}()
	select {
	case <-ready.seen:
	case err := <-ended:
		stop()
		return err
	case <-ctx.Done():
		stop()
		<-ended
		return ctx.Err()
	}
	s.closers = append(s.closers, func() error {
		stop()
		return <-ended
	})
	return nil
}

// Close ends everything in the reverse order of its start.
func (s *stage) Close() error {
	var all error
	for i := len(s.closers) - 1; i >= 0; i-- {
		all = errors.Join(all, s.closers[i]())
	}
	s.closers = nil
	return all
}

// signalled tells that something was written to it: the worker's first line
// says that it is ready.
type signalled struct {
	once sync.Once
	seen chan struct{}
}

var _ io.Writer = (*signalled)(nil)

func (s *signalled) Write(p []byte) (int, error) {
	s.once.Do(func() { close(s.seen) })
	return len(p), nil
}
