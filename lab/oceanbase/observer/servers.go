package observer

import (
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/switchback-dr/switchback/lab/oceanbase/obsql"
)

// server is a server of the cluster as the others see it now. All servers of a
// simulated cluster are one process with a SQL port each; that a server is away
// is a switch, which closes its port and takes its replicas out.
type server struct {
	ID      int64
	Zone    string
	IP      string
	SQLPort int64
	RPCPort int64
	Since   time.Time // away since; zero: online
}

func (s server) online() bool { return s.Since.IsZero() }

// rpcOffset is between the SQL port and the RPC port: 2881 and 2882.
const rpcOffset = 1

func (o *Cluster) servers() []server {
	var all []server
	for i, at := range o.Known {
		ip, port, _ := net.SplitHostPort(at)
		n, _ := strconv.ParseInt(port, 10, 64)
		s := server{ID: int64(i + 1), Zone: fmt.Sprintf("zone%d", i+1), IP: ip, SQLPort: n, RPCPort: n + rpcOffset + int64(len(o.Known))}
		s.Since, _ = o.knobs.time(fmt.Sprintf("%s-%d", knobOffline, i+1))
		all = append(all, s)
	}
	return all
}

// span reads a cluster parameter like "3600s".
func (o *Cluster) span(name string, otherwise time.Duration) time.Duration {
	d, err := time.ParseDuration(o.state.Parameters[name])
	if err != nil {
		return otherwise
	}
	return d
}

// permanent says whether a server is away for so long that it counts as gone.
func (o *Cluster) permanent(s server) bool {
	return !s.online() && time.Since(s.Since) > o.span("server_permanent_offline_time", time.Hour)
}

// removed says whether the balancer has taken the replicas off a server that is
// gone: documented as at least twice balancer_idle_time later.
func (o *Cluster) removed(s server) bool {
	return o.permanent(s) && time.Since(s.Since) > o.span("server_permanent_offline_time", time.Hour)+2*o.span("balancer_idle_time", 10*time.Second)
}

// members are the servers that hold a replica of a tenant's log streams.
func (o *Cluster) members() []server {
	var all []server
	for _, s := range o.servers() {
		if !o.removed(s) {
			all = append(all, s)
		}
	}
	return all
}

// leader gives the server that leads a log stream: none without a majority.
func (o *Cluster) leader(t *tenant, ls int64) (server, bool) {
	if o.knobs.on(fmt.Sprintf("%s-%s-%d", knobLeaderless, t.Name, ls)) {
		return server{}, false
	}
	members := o.members()
	var online []server
	for _, s := range members {
		if s.online() {
			online = append(online, s)
		}
	}
	if 2*len(online) <= len(members) {
		return server{}, false
	}
	prefer := members[int(ls)%len(members)]
	for _, s := range online {
		if s.ID == prefer.ID {
			return s, true
		}
	}
	return online[int(ls)%len(online)], true
}

// replicasReady is what a promotion asks of servers and replicas (the page on
// switchover errors of V4.2.5, messages 6 to 8). The caller holds the lock.
func (o *Cluster) replicasReady(t *tenant, kind string) *obsql.Error {
	for _, s := range o.servers() {
		switch {
		case s.online():
		case !o.Version.checksReplicas():
			// 4.1: every server of the standby's cluster must be online.
			return refused(o.Version, kind, temporarilyOffline)
		case !o.permanent(s):
			return refused(o.Version, kind, temporarilyOffline)
		case !o.removed(s):
			return refused(o.Version, kind, permanentReplica)
		}
	}
	for _, s := range t.Streams {
		if _, ok := o.leader(t, s.ID); !ok {
			return refused(o.Version, kind, leaderless)
		}
	}
	return nil
}

// memberList is MEMBER_LIST of a leader's row: ip:port:time,...
func memberList(members []server) string {
	text := ""
	for i, s := range members {
		if i > 0 {
			text += ","
		}
		text += fmt.Sprintf("%s:%d:1", s.IP, s.RPCPort)
	}
	return text
}
