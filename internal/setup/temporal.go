package setup

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	sdklog "go.temporal.io/sdk/log"

	"github.com/switchback-dr/switchback/dr"
)

// dialTimeout bounds connecting to Temporal and asking for the namespace.
const dialTimeout = 5 * time.Second

// DialTemporal connects to the Temporal that the environment names (TEMPORAL_*
// and the profiles of temporal.toml, the file that Temporal's own command line
// reads) and proves that the namespace is there. Within five seconds, or ctx's
// own deadline, it gives a client or a refusal or retry of code "temporal" in
// one sentence. log may be nil.
func DialTemporal(ctx context.Context, log *slog.Logger) (client.Client, string, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	opts, err := envconfig.LoadDefaultClientOptions()
	if err != nil {
		return nil, "", dr.Refuse("temporal", "the settings of the connection to Temporal cannot be used: %v", err).
			WithNext("check the TEMPORAL_* variables and temporal.toml").Because(err)
	}
	if opts.HostPort == "" {
		opts.HostPort = client.DefaultHostPort
	}
	if opts.Namespace == "" {
		opts.Namespace = client.DefaultNamespace
	}
	opts.Logger = sdklog.NewStructuredLogger(log)
	// Compressing a few kilobytes costs both sides more than sending them: a
	// third of a step's time on a server nearby.
	opts.ConnectionOptions.GrpcCompression = &client.GrpcCompressionNone{}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	c, err := client.DialContext(ctx, opts)
	if err != nil {
		return nil, "", unreachable(opts.HostPort, err)
	}
	if err := checkNamespace(ctx, c, opts); err != nil {
		c.Close()
		return nil, "", err
	}
	return c, opts.Namespace, nil
}

// Namespace is the one that DialTemporal would use, found without connecting.
func Namespace() string {
	opts, err := envconfig.LoadDefaultClientOptions()
	if err != nil || opts.Namespace == "" {
		return client.DefaultNamespace
	}
	return opts.Namespace
}

// checkNamespace asks for the namespace. A server that does not let this
// caller describe namespaces is believed: the first real call will tell.
func checkNamespace(ctx context.Context, c client.Client, opts client.Options) error {
	_, err := c.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: opts.Namespace})
	var missing *serviceerror.NamespaceNotFound
	var denied *serviceerror.PermissionDenied
	switch {
	case err == nil, errors.As(err, &denied):
		return nil
	case errors.As(err, &missing):
		return dr.Refuse("temporal", "the Temporal at %s has no namespace %q", opts.HostPort, opts.Namespace).
			WithNext("set TEMPORAL_NAMESPACE to the worker's namespace, or create it").Because(err)
	}
	return unreachable(opts.HostPort, err)
}

func unreachable(address string, err error) error {
	why := "it does not answer"
	var denied *serviceerror.PermissionDenied
	switch {
	case errors.As(err, &denied):
		return dr.Refuse("temporal", "the Temporal at %s does not let us in: %s", address, dr.Clip(dr.CleanLine(err.Error()), 200)).
			WithNext("check TEMPORAL_API_KEY or the TLS certificate").Because(err)
	case !errors.Is(err, context.DeadlineExceeded):
		why = lastReason(err)
	}
	return dr.Retry("temporal", "Temporal at %s is not reachable (%s)", address, why).
		WithNext("start it, or set TEMPORAL_ADDRESS; assess and plan work without it").Because(err)
}

// lastReason gives the innermost reason of a failed connection. gRPC passes it
// on only as text, wrapped as "...: dial tcp 10.0.0.1:7233: connect: connection
// refused\"".
func lastReason(err error) string {
	text := strings.TrimRight(dr.CleanLine(err.Error()), "\" ")
	if i := strings.LastIndex(text, ": "); i >= 0 {
		text = text[i+2:]
	}
	return dr.Clip(text, 200)
}
