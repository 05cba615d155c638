package hana

import (
	"context"
	"net"
	"strconv"
	"strings"
	"sync"

	"github.com/switchback-dr/switchback/lab/hana/hdbsql"
	"github.com/switchback-dr/switchback/lab/hana/instance"
	"github.com/switchback-dr/switchback/lab/labkit"
	"github.com/switchback-dr/switchback/lab/ledger"
)

// system is the lab's running HANA.
type system struct {
	lab       *labkit.Lab
	set       settings
	number    string
	ssfs      [2]string
	passwords map[string]string
	// authority signs the certificates of the SQL ports, where there are any.
	authority *authority
	confs     map[string]instance.Config
	// own are the statements of the lab itself, per host.
	own    map[string]map[string]int
	asking sync.Mutex
	asks   map[string]*asker
}

// Entry is the inventory's entry.
func (s *system) Entry() labkit.Entry {
	e := labkit.Entry{System: "erp", Sites: map[string]map[string]any{}, Credentials: map[string]string{"erp-hana": s.passwords[adminUser]}}
	for i, site := range s.lab.Sites {
		h, err := s.lab.Host(site)
		if err != nil {
			continue
		}
		conf := s.confs[site]
		ports := map[string]int{}
		for n, t := range conf.Tenants {
			ports[t] = conf.TenantSQLPort(n)
		}
		node := map[string]any{
			"name": site, "site_name": siteName(site), "sql_address": conf.Listen, "sql_port": conf.SystemSQLPort(), "tenant_ports": ports,
			"usr_sap": h.Path("usr/sap"), "shared": h.Path("hana/shared"), "backup_dir": h.Path("hana/backup"),
			"replication_mode": s.set.mode, "operation_mode": s.set.operation,
		}
		if i > 1 && s.set.topology == "multitier" {
			node["source"] = s.lab.Sites[i-1]
		}
		if more := s.moreHosts(site); len(more) > 0 {
			node["more"] = more
		}
		e.Sites[site] = node
	}
	tenants := map[string]any{}
	for _, t := range s.set.tenants {
		tenants[t] = map[string]any{"user": adminUser, "credential": "erp-hana"}
	}
	e.Product = map[string]any{"sid": s.set.sid, "instance": s.number, "user": adminUser, "credential": "erp-hana", "tenants": tenants, "tls": "off"}
	if s.authority != nil {
		e.Product["tls"], e.Product["tls_ca"] = "verify", s.authority.path
	}
	return e
}

func (s *system) moreHosts(site string) []map[string]any {
	var more []map[string]any
	for _, name := range s.members(site)[1:] {
		more = append(more, map[string]any{"host": name, "name": name, "sql_address": s.confs[name].Listen, "sql_port": s.confs[name].SystemSQLPort()})
	}
	return more
}

// Endpoints are logins for people and tests, as DSNs of go-hdb.
func (s *system) Endpoints() map[string]string {
	dsn := func(user, at string) string { return "hdb://" + user + ":" + s.passwords[user] + "@" + at }
	all := map[string]string{"client": dsn(clientUser, s.lab.Client().Addr())}
	for _, site := range s.lab.Sites {
		all[site] = dsn(labUser, s.sqlAddress(site, s.set.tenants[0]))
		all[site+"-admin"] = dsn(adminUser, s.sqlAddress(site, ""))
	}
	return all
}

// sqlAddress is the SQL port of a tenant on a site; "" is the system database.
func (s *system) sqlAddress(site, tenant string) string {
	conf := s.confs[site]
	port := conf.SystemSQLPort()
	for n, t := range conf.Tenants {
		if t == tenant {
			port = conf.TenantSQLPort(n)
		}
	}
	return net.JoinHostPort(conf.Listen, strconv.Itoa(port))
}

// Target is the first tenant's SQL port: clients do not pass the link between
// sites.
func (s *system) Target(site string) string { return s.sqlAddress(site, s.set.tenants[0]) }

// Rows reads how often each of the writer's numbers is on a site, through the
// protocol that clients use.
func (s *system) Rows(ctx context.Context, site string) (ledger.Rows, error) {
	c, err := hdbsql.Dial(ctx, s.Target(site), labUser, s.passwords[labUser])
	if err != nil {
		return nil, err
	}
	defer c.Close()
	found, err := c.Integers(ctx, "SELECT N, COUNT(*) FROM "+schema+"."+table+" GROUP BY N")
	if err != nil {
		return nil, err
	}
	rows := ledger.Rows{}
	for _, r := range found {
		rows[r[0]] = int(r[1])
	}
	return rows, nil
}

// Changing names a program's call that changes something.
func (s *system) Changing(argv []string) string {
	verb := ""
	if len(argv) > 1 {
		verb = argv[1]
	}
	switch argv[0] {
	case "hdbnsutil":
		if strings.HasPrefix(verb, "-sr_") && !strings.HasPrefix(verb, "-sr_state") {
			return "hdbnsutil " + verb
		}
	case "HDB":
		if verb == "start" || verb == "stop" || verb == "restart" || verb == "kill" {
			return "HDB " + verb
		}
	case "sapcontrol":
		for i, a := range argv {
			if a == "-function" && i+1 < len(argv) && sapcontrolChanges[argv[i+1]] {
				return "sapcontrol " + argv[i+1]
			}
		}
	}
	return ""
}

var sapcontrolChanges = map[string]bool{
	"Start": true, "Stop": true, "StartSystem": true, "StopSystem": true, "RestartInstance": true, "StartWait": true, "StopWait": true,
	"StartService": true, "StopService": true, "RestartService": true, "RestartSystem": true,
}

// Writable asks the site itself.
func (s *system) Writable(ctx context.Context, site string) bool {
	return s.asker(site).writable(ctx)
}

// Close ends the questions to the sites; the hosts' power-off ends the rest.
func (s *system) Close() {
	for _, a := range s.asks {
		a.close()
	}
}
