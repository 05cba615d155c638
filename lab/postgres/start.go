package postgres

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/lab/host"
	"github.com/switchback-dr/switchback/lab/labkit"
)

// Roles of the lab's cluster. Every one has a password; who stands in a host's
// passfile can log in there.
const (
	adminRole       = "switchback" // what procedures use
	replicationRole = "replicator" // streaming, base backup and rewind
	clientRole      = "app"        // the writer
	labRole         = "lab"        // the ledger
	clientDatabase  = "orders"
	table           = "lab_writes"
)

// startPatience bounds the start of the cluster.
const startPatience = 60 * time.Second

// Start makes one cluster, copies it to every site, and starts them.
func (p Product) Start(ctx context.Context, l *labkit.Lab) (labkit.System, error) {
	bin, err := p.bin()
	if err != nil {
		return nil, err
	}
	s := &system{lab: l, bin: bin, passwords: map[string]string{}, asks: map[string]*asker{}}
	for _, role := range []string{adminRole, replicationRole, clientRole, labRole} {
		s.passwords[role] = labkit.Password()
	}
	for _, site := range l.Sites {
		h, err := l.Host(site)
		if err != nil {
			return nil, err
		}
		s.asks[site] = &asker{dsn: s.dsn(site, clientRole)}
		if err := s.prepareHost(h); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	if err := s.makeFirst(ctx); err != nil {
		return nil, err
	}
	for _, site := range l.Sites[1:] {
		if err := s.makeStandby(site); err != nil {
			return nil, err
		}
	}
	if err := s.makeSynchronous(); err != nil {
		return nil, err
	}
	for _, site := range l.Sites {
		if err := s.boot(site); err != nil {
			return nil, err
		}
	}
	return s, s.waitStreaming(ctx, len(l.Sites)-1)
}

// prepareHost makes the directories, programs and settings of a host that are
// not in PGDATA.
func (s *system) prepareHost(h *host.Host) error {
	for dir, mode := range map[string]os.FileMode{
		"pgsql/bin": 0o755, "run": 0o755, "etc/postgresql": 0o755, "var/lib": 0o755, "var/backups": 0o700, "var/log/postgresql": 0o755,
	} {
		if err := h.MkdirAll(dir, mode); err != nil {
			return err
		}
	}
	programs, err := os.ReadDir(s.bin)
	if err != nil {
		return fmt.Errorf("PostgreSQL's programs cannot be listed: %w", err)
	}
	for _, p := range programs {
		real := s.bin + "/" + p.Name()
		if p.Name() == "postgres" {
			// Programs look for the server beside themselves, and the server
			// for its own files beside its real place.
			if err := os.Symlink(real, h.Path("pgsql/bin", p.Name())); err != nil {
				return err
			}
			continue
		}
		if err := h.Shim("pgsql/bin/"+p.Name(), p.Name(), real); err != nil {
			return err
		}
	}
	var pass strings.Builder
	for _, role := range []string{adminRole, replicationRole} {
		fmt.Fprintf(&pass, "*:*:*:%s:%s\n", role, s.passwords[role])
	}
	for _, name := range []string{passfile, "../pgpass"} {
		if err := h.WriteFile(name, pass.String(), 0o600); err != nil {
			return err
		}
	}
	if err := h.WriteFile(startConf, startConfText, 0o644); err != nil {
		return err
	}
	return h.Program(host.RCDir+"/50-postgresql", s.rcText(h))
}

// makeFirst makes the cluster on the first site: roles, table, slots.
func (s *system) makeFirst(ctx context.Context) error {
	h, err := s.lab.Host(s.lab.Sites[0])
	if err != nil {
		return err
	}
	if err := s.run(h, s.bin+"/initdb", "-D", h.Path(data), "-U", "postgres", "-k", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"); err != nil {
		return err
	}
	if err := s.writeConfig(h, "", ""); err != nil {
		return err
	}
	// Trust on the socket only until the roles have their passwords.
	if err := h.WriteFile(data+"/pg_hba.conf", "local all postgres trust\n", 0o600); err != nil {
		return err
	}
	if err := s.boot(h.Name); err != nil {
		return err
	}
	if err := s.makeContent(ctx, h); err != nil {
		return err
	}
	if err := s.run(h, s.bin+"/pg_ctl", "-D", h.Path(data), "-m", "fast", "stop"); err != nil {
		return err
	}
	return h.WriteFile(data+"/pg_hba.conf", hba, 0o600)
}

// makeStandby copies the stopped first cluster.
func (s *system) makeStandby(site string) error {
	first, err := s.lab.Host(s.lab.Sites[0])
	if err != nil {
		return err
	}
	h, err := s.lab.Host(site)
	if err != nil {
		return err
	}
	// Slots are never replicated; a copied one would hold back the log.
	script := `cp -a "$1" "$2" && rm -rf "$2"/pg_replslot/* && : >"$2"/standby.signal`
	if err := s.run(h, "/bin/sh", "-c", script, "sh", first.Path(data), h.Path(data)); err != nil {
		return err
	}
	return s.writeConfig(h, s.lab.Sites[0], "")
}

// makeSynchronous makes the first site wait for one standby, where the options
// say so. Not earlier: without a standby nothing could be committed.
func (s *system) makeSynchronous() error {
	if !s.lab.Options.Sync {
		return nil
	}
	h, err := s.lab.Host(s.lab.Sites[0])
	if err != nil {
		return err
	}
	return s.writeConfig(h, "", "1 ("+strings.Join(s.standbys(), ", ")+")")
}

// run runs a program on a host and complains with what it printed.
func (s *system) run(h *host.Host, argv ...string) error {
	out, exit, err := h.Run(argv...)
	if err != nil {
		return err
	}
	if exit.Code != 0 || exit.Signal != 0 {
		return fmt.Errorf("%s on %s ended with %d: %s", argv[0], h.Name, exit.Code, strings.TrimSpace(out))
	}
	return nil
}

// boot runs the host's start program, as its boot does.
func (s *system) boot(site string) error {
	h, err := s.lab.Host(site)
	if err != nil {
		return err
	}
	return s.run(h, h.Path(host.RCDir, "50-postgresql"), "start")
}
