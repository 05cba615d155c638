package devserver

import (
	"time"

	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/membership/static"
	sqliteplugin "go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	"go.temporal.io/server/common/primitives"
	"go.temporal.io/server/common/testing/freeport"
)

const (
	clusterName = "active"
	disabled    = "disabled"
)

// ports are the gRPC ports of the four services of a Temporal server. Only
// the frontend is for clients; the others always listen on loopback.
type ports struct{ frontend, history, matching, worker int }

func newPorts(frontend int) ports {
	return ports{
		frontend: frontend,
		history:  freeport.MustGetFreePort(),
		matching: freeport.MustGetFreePort(),
		worker:   freeport.MustGetFreePort(),
	}
}

// hosts tells each service where the others are, so that none of them has to
// find out by gossip: it saves seconds at start, above all at a restart on a
// file in which the addresses of the last process still stand.
func (p ports) hosts(o Options) map[primitives.ServiceName]static.Hosts {
	self := func(ip string, port int) static.Hosts {
		addr := hostPort(ip, port)
		return static.Hosts{All: []string{addr}, Self: addr}
	}
	return map[primitives.ServiceName]static.Hosts{
		primitives.FrontendService: self(o.reachIP(), p.frontend),
		primitives.HistoryService:  self(DefaultIP, p.history),
		primitives.MatchingService: self(DefaultIP, p.matching),
		primitives.WorkerService:   self(DefaultIP, p.worker),
	}
}

// serverConfig is the static configuration of the server.
func serverConfig(o Options, p ports, sql *config.SQL) *config.Config {
	frontend := hostPort(o.reachIP(), p.frontend)
	local := func(port int) config.Service {
		return config.Service{RPC: config.RPC{GRPCPort: port, BindOnLocalHost: true}}
	}
	return &config.Config{
		Global: config.Global{
			Membership: config.Membership{MaxJoinDuration: 30 * time.Second, BroadcastAddress: DefaultIP},
		},
		Persistence: config.Persistence{
			DefaultStore:     sqliteplugin.PluginName,
			VisibilityStore:  sqliteplugin.PluginName,
			NumHistoryShards: 1,
			DataStores:       map[string]config.DataStore{sqliteplugin.PluginName: {SQL: sql}},
		},
		ClusterMetadata: &cluster.Config{
			FailoverVersionIncrement: 10,
			MasterClusterName:        clusterName,
			CurrentClusterName:       clusterName,
			ClusterInformation: map[string]cluster.ClusterInformation{
				clusterName: {Enabled: true, InitialFailoverVersion: 1, RPCAddress: frontend},
			},
		},
		DCRedirectionPolicy: config.DCRedirectionPolicy{Policy: "noop"},
		Services: map[string]config.Service{
			"frontend": {RPC: config.RPC{GRPCPort: p.frontend, BindOnIP: o.IP}},
			"history":  local(p.history),
			"matching": local(p.matching),
			"worker":   local(p.worker),
		},
		Archival: config.Archival{
			History:    config.HistoryArchival{State: disabled},
			Visibility: config.VisibilityArchival{State: disabled},
		},
		NamespaceDefaults: config.NamespaceDefaults{Archival: config.ArchivalNamespaceDefaults{
			History:    config.HistoryArchivalNamespaceDefaults{State: disabled},
			Visibility: config.VisibilityArchivalNamespaceDefaults{State: disabled},
		}},
		PublicClient: config.PublicClient{HostPort: frontend},
	}
}

// dynamicConfig holds the settings in which this server differs from the
// defaults of Temporal.
func dynamicConfig() dynamicconfig.StaticClient {
	return dynamicconfig.StaticClient{
		// The default of 20 looks per second and shard makes every step of
		// a quiet one-shard server wait for up to 100 ms.
		dynamicconfig.TransferProcessorMaxPollRPS.Key():   2000,
		dynamicconfig.TimerProcessorMaxPollRPS.Key():      2000,
		dynamicconfig.VisibilityProcessorMaxPollRPS.Key(): 2000,
		// With a handful of pollers each further partition only adds a hop.
		dynamicconfig.MatchingNumTaskqueueReadPartitions.Key():  1,
		dynamicconfig.MatchingNumTaskqueueWritePartitions.Key(): 1,
		// Events carry the caller that the server knows, where it knows one.
		dynamicconfig.EnablePrincipalPropagation.Key(): true,
		// A search attribute added a moment ago can be used at once.
		dynamicconfig.ForceSearchAttributesCacheRefreshOnRead.Key(): true,
	}
}
