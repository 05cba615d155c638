package hana

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/lab/hana/engine"
	"github.com/switchback-dr/switchback/lab/hana/hdbsql"
	"github.com/switchback-dr/switchback/lab/hana/instance"
	"github.com/switchback-dr/switchback/lab/host"
	"github.com/switchback-dr/switchback/lab/labkit"
)

// Users of the lab's databases, and the writer's table.
const (
	adminUser  = "SWITCHBACK" // what procedures use
	clientUser = "APP"        // the writer
	labUser    = "LAB"        // the ledger
	schema     = "APP"
	table      = "LAB_WRITES"
)

// startPatience bounds the start of the pair.
const startPatience = 60 * time.Second

// Start puts HANA on the hosts, makes the first site primary and registers the
// others, by the vendor's own commands.
func (Product) Start(ctx context.Context, l *labkit.Lab) (labkit.System, error) {
	set, err := read(l.Options.Settings, l.Options.Sync)
	if err != nil {
		return nil, err
	}
	s := &system{lab: l, set: set, passwords: map[string]string{}, confs: map[string]instance.Config{}, asks: map[string]*asker{}, own: map[string]map[string]int{}}
	for _, user := range []string{adminUser, clientUser, labUser} {
		s.passwords[user] = labkit.Password()
	}
	for i := range s.ssfs {
		b := make([]byte, 64)
		if _, err := rand.Read(b); err != nil {
			return nil, err
		}
		s.ssfs[i] = hex.EncodeToString(b)
	}
	if set.tls {
		if s.authority, err = newAuthority(l.Dir); err != nil {
			return nil, err
		}
	}
	if s.number, err = s.freeNumber(); err != nil {
		return nil, err
	}
	if err := s.prepare(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	if err := s.startFirst(ctx); err != nil {
		return nil, err
	}
	for i, site := range l.Sites[1:] {
		source := l.Sites[0]
		if s.set.topology == "multitier" {
			source = l.Sites[i]
		}
		if err := s.startSecondary(ctx, site, source); err != nil {
			return nil, err
		}
	}
	if s.set.fullSync {
		if err := s.run(l.Sites[0], "hdbnsutil", "-sr_fullsync", "--enable"); err != nil {
			return nil, err
		}
	}
	for _, site := range l.Sites {
		if s.own[site], err = s.traced(site); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// freeNumber finds an instance number whose ports nobody listens on.
func (s *system) freeNumber() (string, error) {
	for n := range 90 {
		free := true
		for _, port := range []int{30001, 30013, 30015, 40002, 50013} {
			for _, name := range s.lab.HostNames() {
				l, err := net.Listen("tcp", net.JoinHostPort(s.lab.InnerHost(name), strconv.Itoa(port+n*100)))
				if err != nil {
					free = false
					break
				}
				_ = l.Close()
			}
		}
		if free {
			return fmt.Sprintf("%02d", n), nil
		}
	}
	return "", fmt.Errorf("the lab found no free instance number: other programs listen on the ports of all of them")
}

// members are a site's hosts, the master first.
func (s *system) members(site string) []string {
	all := []string{site}
	for n := 2; n <= s.set.hosts; n++ {
		all = append(all, site+strconv.Itoa(n))
	}
	return all
}

// standby is a site's host without a volume: the last of three.
func (s *system) standby(site string) string {
	if s.set.hosts < 3 {
		return ""
	}
	return site + "3"
}

func (s *system) prepare() error {
	for _, site := range s.lab.Sites {
		first, err := s.lab.Host(site)
		if err != nil {
			return err
		}
		for _, name := range s.members(site) {
			h, err := s.lab.Host(name)
			if err != nil {
				return err
			}
			if err := s.prepareHost(h, s.config(site, h), first); err != nil {
				return err
			}
			if err := s.lab.OpenLink(site, name, s.confs[name].ReplicationPort()); err != nil {
				return err
			}
		}
	}
	return nil
}

// config is what a host knows from its installation. Hosts of its own site are
// reached directly, those of others through the sites' links.
func (s *system) config(site string, h *host.Host) instance.Config {
	c := instance.Config{
		SID: s.set.sid, Number: s.number, Host: h.Name, Listen: s.lab.InnerHost(h.Name), Hosts: map[string]string{}, Members: s.members(site),
		Standby: s.standby(site), Tenants: s.set.tenants, Schema: schema, Second: s.set.second, Transfer: s.set.transfer, Start: s.set.start, Version: s.set.version,
	}
	for _, other := range s.lab.Sites {
		for _, name := range s.members(other) {
			c.Hosts[name] = s.lab.OuterHost(name)
			if other == site {
				c.Hosts[name] = s.lab.InnerHost(name)
			}
		}
	}
	s.confs[h.Name] = c.Below(h.Root)
	return s.confs[h.Name]
}

// siteName is a site's name in system replication.
func siteName(site string) string { return strings.ToUpper(site) }

// startFirst installs the system on the first site, backs it up and enables it
// as source.
func (s *system) startFirst(ctx context.Context) error {
	site := s.lab.Sites[0]
	h, err := s.lab.Host(site)
	if err != nil {
		return err
	}
	b, err := json.Marshal(engine.Installation{Admin: adminUser, Client: clientUser, Passwords: s.passwords, Table: table})
	if err != nil {
		return err
	}
	if err := h.WriteFile("hana/data/"+s.set.sid+"/"+engine.InstallationFile, string(b), 0o600); err != nil {
		return err
	}
	if err := s.boot(site); err != nil {
		return err
	}
	if err := s.backupAll(ctx, site); err != nil {
		return err
	}
	return s.run(site, "hdbnsutil", "-sr_enable", "--name="+siteName(site))
}

// boot runs the start programs of a site's hosts, as their boot does, and waits
// for the database.
func (s *system) boot(site string) error {
	for _, name := range s.members(site) {
		h, err := s.lab.Host(name)
		if err != nil {
			return err
		}
		if err := s.runAt(h, h.Path(host.RCDir, "50-sapinit"), "start"); err != nil {
			return err
		}
	}
	for _, name := range s.members(site) {
		if err := s.run(name, "sapcontrol", "-nr", s.number, "-function", "Start"); err != nil {
			return err
		}
		if err := s.run(name, "sapcontrol", "-nr", s.number, "-function", "WaitforStarted", "30", "1"); err != nil {
			return err
		}
	}
	return nil
}

func (s *system) backupAll(ctx context.Context, site string) error {
	c, err := hdbsql.Dial(ctx, s.sqlAddress(site, ""), adminUser, s.passwords[adminUser])
	if err != nil {
		return fmt.Errorf("the lab's new HANA does not let the lab in: %w", err)
	}
	defer c.Close()
	statements := []string{"BACKUP DATA USING FILE ('initial')"}
	for _, t := range s.set.tenants {
		statements = append(statements, "BACKUP DATA FOR "+t+" USING FILE ('initial')")
	}
	for _, q := range statements {
		if err := c.Exec(ctx, q, true); err != nil {
			return fmt.Errorf("the lab's new HANA refuses %s: %w", q, err)
		}
	}
	return nil
}

// startSecondary registers a site and waits until it is in sync.
func (s *system) startSecondary(ctx context.Context, site, source string) error {
	if source != s.lab.Sites[0] {
		if err := s.run(source, "hdbnsutil", "-sr_enable"); err != nil {
			return err
		}
	}
	h, err := s.lab.Host(site)
	if err != nil {
		return err
	}
	// At its first boot the site has no database yet.
	if err := s.runAt(h, h.Path("libexec/hana-sapcontrol/sapcontrol"), "-nr", s.number, "-function", "StartService", s.set.sid); err != nil {
		return err
	}
	if err := s.run(site, "hdbnsutil", "-sr_register", "--remoteHost="+source, "--remoteInstance="+s.number, "--replicationMode="+s.set.mode,
		"--operationMode="+s.set.operation, "--name="+siteName(site)); err != nil {
		return err
	}
	if err := s.boot(site); err != nil {
		return err
	}
	return s.waitActive(ctx, source, site)
}

// waitActive waits until every service of a site is in sync.
func (s *system) waitActive(ctx context.Context, source, site string) error {
	for {
		h, err := s.lab.Host(source)
		if err != nil {
			return err
		}
		out, exit, err := h.Run(s.plain(h, "systemReplicationStatus.py"), "--site="+siteName(site))
		// A middle tier does not tell about its own secondary.
		if err == nil && (exit.Code == 15 || exit.Code == 12 && s.initialised(site)) {
			return nil
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("the lab's site %s is not in sync: %s", site, out)
		}
	}
}

// initialised says whether a site has all its volumes.
func (s *system) initialised(site string) bool {
	conf := s.confs[site]
	for i := range len(s.set.tenants) + 1 {
		id := 1
		if i > 0 {
			id = 2 + i
		}
		at := conf.Path("hana/data", conf.SID, "mnt00001", fmt.Sprintf("hdb%05d", id), "datavolume_0000.dat")
		_, missing := os.Stat(at)
		_, unfinished := os.Stat(at + ".uninitialised")
		if missing != nil || unfinished == nil {
			return false
		}
	}
	return true
}

// plain is a program itself, past its counting.
func (s *system) plain(h *host.Host, program string) string {
	return h.Path("libexec", map[string]string{
		"hdbnsutil": "hana-hdbnsutil/hdbnsutil", "sapcontrol": "hana-sapcontrol/sapcontrol", "systemReplicationStatus.py": "hana-sr-status/systemReplicationStatus.py",
	}[program])
}

// run runs a program on a host without counting it: what the lab does itself
// is nobody's command.
func (s *system) run(name, program string, args ...string) error {
	h, err := s.lab.Host(name)
	if err != nil {
		return err
	}
	return s.runAt(h, append([]string{s.plain(h, program)}, args...)...)
}

func (s *system) runAt(h *host.Host, argv ...string) error {
	out, exit, err := h.Run(argv...)
	if err != nil {
		return err
	}
	if exit.Code != 0 || exit.Signal != 0 {
		return fmt.Errorf("%s on %s ended with %d: %s", strings.Join(argv, " "), h.Name, exit.Code, strings.TrimSpace(out))
	}
	return nil
}
