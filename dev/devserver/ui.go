package devserver

import (
	"context"
	"io"
	"net/http"
	"time"

	uiserver "github.com/temporalio/ui-server/v2/server"
	uiconfig "github.com/temporalio/ui-server/v2/server/config"
	uioptions "github.com/temporalio/ui-server/v2/server/server_options"

	"github.com/switchback-dr/switchback/dr"
)

// startUI serves the Temporal UI with everything that an operator needs:
// start, signal, update, cancel and terminate. It returns when the UI answers.
func startUI(ctx context.Context, o Options, port int, temporal string) (*uiserver.Server, error) {
	cfg := &uiconfig.Config{
		TemporalGRPCAddress: temporal,
		Host:                o.IP,
		Port:                port,
		EnableUI:            true,
		DefaultNamespace:    o.Namespace,
		DisableNewsFetch:    true,
		NotifyOnNewVersion:  false,
		HideLogs:            true,
		// The UI is served over plain HTTP: a browser would never send a
		// cookie back that is marked as secure.
		CORS: uiconfig.CORS{CookieInsecure: true},
	}
	if err := cfg.Validate(); err != nil {
		return nil, dr.Refuse("dev_ui", "the UI cannot be configured: %v", err).Because(err)
	}
	ui := uiserver.NewServer(uioptions.WithConfigProvider(cfg))
	go func() { _ = ui.Start() }()
	if err := awaitHTTP(ctx, "http://"+hostPort(o.reachIP(), port)+"/healthz"); err != nil {
		ui.Stop()
		return nil, err
	}
	return ui, nil
}

// awaitHTTP waits until url answers 200.
func awaitHTTP(ctx context.Context, url string) error {
	for {
		if answersOK(ctx, url) {
			return nil
		}
		select {
		case <-ctx.Done():
			return dr.Retry("dev_not_ready", "the UI did not answer at %s in time", url).Because(ctx.Err())
		case <-time.After(pollEvery):
		}
	}
}

func answersOK(ctx context.Context, url string) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}
