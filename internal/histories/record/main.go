// Command record plays every scenario against a development server and writes
// its history, with an outline for reviews, to workflows/testdata/histories:
//
//	go run ./internal/histories/record
//
// Recordings of scenarios that are gone are removed. Exit status: 0 when every
// scenario ended as its name says and was written, else 1.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"google.golang.org/protobuf/proto"

	"github.com/switchback-dr/switchback/internal/e2e"
	"github.com/switchback-dr/switchback/internal/histories"
	"github.com/switchback-dr/switchback/internal/recordings"
)

// sideBySide is how many scenarios are played at a time.
const sideBySide = 8

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := record(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "record:", err)
		os.Exit(1)
	}
}

func record(ctx context.Context) error {
	root, err := e2e.Root()
	if err != nil {
		return err
	}
	address, end, err := startServer(ctx, root)
	if err != nil {
		return err
	}
	defer end()
	c, err := client.Dial(client.Options{
		HostPort: address, Identity: histories.Identity, Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	if err != nil {
		return fmt.Errorf("no client for %s: %w", address, err)
	}
	defer c.Close()
	stage, err := histories.Open(c)
	if err != nil {
		return err
	}
	defer stage.Close()
	recorded, err := playAll(ctx, stage, root)
	if err != nil {
		return err
	}
	return write(filepath.Join(root, "workflows", "testdata", "histories"), recorded)
}

// playAll plays every scenario; nothing is written unless all ended right.
func playAll(ctx context.Context, stage *histories.Stage, root string) (map[string]*historypb.History, error) {
	var (
		mu       sync.Mutex
		wg       sync.WaitGroup
		problems []error
		recorded = map[string]*historypb.History{}
		places   = make(chan struct{}, sideBySide)
	)
	for _, sc := range histories.All() {
		wg.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			h, err := stage.Play(ctx, sc)
			if err == nil {
				err = neutral(h, root)
			}
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				problems = append(problems, err)
			}
			recorded[sc.Workflow+"/"+sc.Name] = h
		})
	}
	wg.Wait()
	return recorded, errors.Join(problems...)
}

// neutral says when a history names this machine. It looks at the wire form:
// in JSON the payloads are encoded.
func neutral(h *historypb.History, root string) error {
	text, err := proto.Marshal(h)
	if err != nil {
		return fmt.Errorf("history: %w", err)
	}
	host, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("host name: %w", err)
	}
	for _, word := range []string{host, root} {
		if strings.Contains(string(text), word) {
			return fmt.Errorf("the history of %s names this machine: %q", h.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes().GetWorkflowId(), word)
		}
	}
	return nil
}

// write replaces the recordings.
func write(dir string, recorded map[string]*historypb.History) error {
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("old recordings: %w", err)
	}
	for _, sc := range histories.All() {
		if err := recordings.Write(sc.Path(dir), recorded[sc.Workflow+"/"+sc.Name]); err != nil {
			return err
		}
	}
	fmt.Printf("recorded %d histories in %s\n", len(recorded), dir)
	return nil
}
