package observer

import (
	"net"
	"strings"

	"github.com/go-mysql-org/go-mysql/mysql"
	protocol "github.com/go-mysql-org/go-mysql/server"

	"github.com/switchback-dr/switchback/lab/oceanbase/obsql"
)

// oracleCapability is bit 27 of the client's flags: an OceanBase driver sets it
// to say that it can speak to Oracle-mode tenants. Without it the login to such
// a tenant is refused (server source of obmp_connect).
const oracleCapability = 1 << 27

// splitLogin reads user@tenant#cluster, or cluster:tenant:user. A name without
// a tenant means sys.
func splitLogin(login string) (name, tenant, cluster string) {
	if parts := strings.Split(login, ":"); len(parts) == 3 {
		return parts[2], parts[1], parts[0]
	}
	// The last separators count: a user's name may contain either.
	if at := strings.LastIndexByte(login, '#'); at >= 0 {
		login, cluster = login[:at], login[at+1:]
	}
	at := strings.LastIndexByte(login, '@')
	if at < 0 {
		return login, "sys", cluster
	}
	return login[:at], login[at+1:], cluster
}

// identify finds the tenant and the user of a login.
func (o *Cluster) identify(login string) (*tenant, *user, error) {
	name, tenantName, cluster := splitLogin(login)
	if cluster != "" && cluster != o.Cluster {
		return nil, nil, clusterNoMatch.with()
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	t := o.state.tenantNamed(tenantName)
	switch {
	case t == nil, t.Status == statusRestore, t.Recycled:
		return nil, nil, badLoginTenant.with()
	case t.Locked:
		return nil, nil, tenantLocked.with(t.Name)
	}
	t.refresh()
	u := t.content.users[strings.ToLower(name)]
	if u == nil {
		return t, nil, nil
	}
	if u.Locked {
		return nil, nil, userLocked.with()
	}
	return t, u, nil
}

// GetCredential gives the password that the login must prove.
func (s *session) GetCredential(login string) (protocol.Credential, bool, error) {
	t, u, err := s.cluster.identify(login)
	if err != nil {
		return protocol.Credential{}, false, wire(err)
	}
	if u == nil {
		return protocol.Credential{}, false, wire(s.deniedLogin(login))
	}
	s.tenant, s.effective, s.user, s.login, s.password = t, t, u.Name, login, u.Password
	return protocol.Credential{Passwords: []string{u.Password}, AuthPluginName: mysql.AUTH_NATIVE_PASSWORD}, true, nil
}

// again asks whether the session's login would be let in now, too. Followers
// ask often for what they need of the primary, and are told at once.
func (s *session) again() error {
	t, u, err := s.cluster.identify(s.login)
	switch {
	case err != nil:
		return err
	case t != s.tenant:
		return badLoginTenant.with()
	case u == nil || u.Password != s.password:
		return s.deniedLogin(s.login)
	}
	return nil
}

func (s *session) deniedLogin(login string) *obsql.Error {
	host, _, _ := net.SplitHostPort(s.remote)
	name, _, _ := splitLogin(login)
	return accessDenied.with(name, host, "YES")
}

// OnAuthSuccess refuses clients that cannot speak to an Oracle-mode tenant.
func (s *session) OnAuthSuccess(c *protocol.Conn) error {
	if s.tenant.Mode == modeOracle && c.Capability()&oracleCapability == 0 {
		return wire(notSupported.with("Oracle tenant for current client driver is"))
	}
	return nil
}

// OnAuthFailure is for the library; the client has been told.
func (s *session) OnAuthFailure(*protocol.Conn, error) {}
