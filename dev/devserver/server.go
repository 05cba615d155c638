package devserver

import (
	"context"
	"log/slog"
	"sync"
	"time"

	uiserver "github.com/temporalio/ui-server/v2/server"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/temporal"

	"github.com/switchback-dr/switchback/dr"
)

// startTimeout bounds the wait for a started server to answer.
const startTimeout = 60 * time.Second

// Server is a running Temporal server with its UI.
type Server struct {
	options Options
	ports   ports
	uiPort  int

	log      *quietLog
	store    *store
	temporal temporal.Server
	ui       *uiserver.Server
	stop     sync.Once
	stopErr  error
}

// Start runs a server and returns when it answers: the namespace exists, the
// search attributes are registered and the UI is served. Bad options give a
// *dr.Error of class refuse. ctx ends the wait, not the running server; Stop
// ends that.
func Start(ctx context.Context, options Options) (*Server, error) {
	o, err := options.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{options: o}
	if err := s.start(ctx); err != nil {
		_ = s.Stop()
		return nil, err
	}
	return s, nil
}

func (s *Server) start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	frontend, err := portOrFree(s.options.IP, s.options.Port, "the server")
	if err != nil {
		return err
	}
	s.ports = newPorts(frontend)
	if !s.options.Headless {
		if s.uiPort, err = portOrFree(s.options.IP, s.options.UIPort, "the UI"); err != nil {
			return err
		}
	}
	if s.store, err = openStore(s.options.Database); err != nil {
		return err
	}
	if err := createNamespace(s.store.sql, s.options.Namespace); err != nil {
		return err
	}
	if err := s.startTemporal(ctx); err != nil {
		return err
	}
	if !s.options.Headless {
		if s.ui, err = startUI(ctx, s.options, s.uiPort, s.Address()); err != nil {
			return err
		}
	}
	s.log.normal()
	return nil
}

func (s *Server) startTemporal(ctx context.Context) error {
	logger, err := newLog(s.options.LogLevel)
	if err != nil {
		return dr.Refuse("dev_log_level", "the server's log cannot be opened: %v", err).Because(err)
	}
	s.log = logger
	cfg := serverConfig(s.options, s.ports, s.store.sql)
	server, err := temporal.NewServer(
		temporal.WithConfig(cfg),
		temporal.ForServices(temporal.DefaultServices),
		temporal.WithStaticHosts(s.ports.hosts(s.options)),
		temporal.WithLogger(logger),
		temporal.WithAuthorizer(authorization.NewNoopAuthorizer()),
		temporal.WithClaimMapper(func(*config.Config) authorization.ClaimMapper {
			return authorization.NewNoopClaimMapper()
		}),
		temporal.WithDynamicConfigClient(dynamicConfig()),
	)
	if err != nil {
		return dr.Refuse("dev_server", "the Temporal server cannot be built: %v", err).Because(err)
	}
	s.temporal = server
	if err := server.Start(); err != nil {
		return dr.Retry("dev_server", "the Temporal server did not start: %v", err).Because(err)
	}
	c, err := client.NewLazyClient(client.Options{
		HostPort: s.Address(), Namespace: s.options.Namespace, Logger: sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	if err != nil {
		return dr.Retry("dev_server", "no client for %s: %v", s.Address(), err).Because(err)
	}
	defer c.Close()
	return awaitReady(ctx, c, s.options.Namespace)
}

// Address is the host and port for Temporal clients.
func (s *Server) Address() string { return hostPort(s.options.reachIP(), s.ports.frontend) }

// UIURL is the address of the UI for a browser; empty without a UI.
func (s *Server) UIURL() string {
	if s.options.Headless {
		return ""
	}
	return "http://" + hostPort(s.options.reachIP(), s.uiPort)
}

// Namespace is the namespace that is ready for use.
func (s *Server) Namespace() string { return s.options.Namespace }

// Stop ends the UI, then the server. It may be called more than once.
func (s *Server) Stop() error {
	s.stop.Do(func() {
		if s.ui != nil {
			s.ui.Stop()
		}
		if s.temporal != nil {
			s.log.quiet()
			s.stopErr = s.temporal.Stop()
		}
		if s.store != nil {
			s.store.close()
		}
	})
	return s.stopErr
}
