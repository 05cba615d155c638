package oceanbase

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/lab/host"
	"github.com/switchback-dr/switchback/lab/labkit"
	"github.com/switchback-dr/switchback/lab/oceanbase/observer"
)

// The lab's system, tenant, users and pools.
const (
	tenant          = "orders"
	rootUser        = "root"
	replicationUser = "repl"
	clientUser      = "app"
	table           = "lab_writes"
	usedPool        = "orders_pool"
	sparePool       = "orders_spare"
)

// setupPatience bounds the start of the pair.
const setupPatience = 60 * time.Second

// Start puts a cluster on each site, makes the tenants on the first and
// standbys of them on the others.
func (Product) Start(ctx context.Context, l *labkit.Lab) (labkit.System, error) {
	set, err := readSettings(l.Options.Settings)
	if err != nil {
		return nil, err
	}
	s := &system{lab: l, set: set, passwords: map[string]string{}, asks: map[string]*asker{}, logged: map[string]int64{}}
	for _, name := range []string{"sys", rootUser, replicationUser, clientUser} {
		s.passwords[name] = labkit.Password()
	}
	ctx, cancel := context.WithTimeout(ctx, setupPatience)
	defer cancel()
	for i, site := range l.Sites {
		if err := s.prepareSite(site, i); err != nil {
			return nil, err
		}
		s.asks[site] = &asker{system: s, site: site}
	}
	if err := s.build(ctx); err != nil {
		return nil, err
	}
	return s, s.noteLogs()
}

// prepareSite puts the programs and the configuration of a cluster on its host
// and boots it.
func (s *system) prepareSite(site string, number int) error {
	h, err := s.lab.Host(site)
	if err != nil {
		return err
	}
	for _, dir := range []string{home + "/bin", home + "/etc", home + "/log", home + "/run", storePath, knobsPath} {
		if err := h.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	c := observer.Config{
		Dir: h.Path(storePath), Knobs: h.Path(knobsPath), Cluster: "ob" + site, ClusterID: int64(number + 1), Version: s.set.version,
		Streams: s.set.streams, Pace: s.set.pace,
	}
	for i := range s.set.servers {
		port := s.lab.Port() + i
		if i > 0 {
			if err := s.lab.OpenLink(site, site, port); err != nil {
				return err
			}
		}
		c.Listen = append(c.Listen, net.JoinHostPort(s.lab.InnerHost(site), strconv.Itoa(port)))
		c.Known = append(c.Known, net.JoinHostPort(s.lab.OuterHost(site), strconv.Itoa(port)))
	}
	b, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	if err := h.WriteFile(configPath, string(b)+"\n", 0o600); err != nil {
		return err
	}
	if err := h.InstallPlain(serverProgram, serverPath); err != nil {
		return err
	}
	for _, name := range []string{"obclient", "mysql"} {
		if err := h.Install(clientProgram, host.BinDir+"/"+name); err != nil {
			return err
		}
	}
	if err := h.Program(host.RCDir+"/50-oceanbase", strings.ReplaceAll(rcText, "@OBSERVER@", dr.Quote(h.Path(serverPath)))); err != nil {
		return err
	}
	return s.boot(site)
}

const rcText = `#!/bin/sh
# Starts the observer at boot.
[ "$1" = start ] || exit 0
exec @OBSERVER@
`

// boot runs the host's start program, as its boot does.
func (s *system) boot(site string) error {
	h, err := s.lab.Host(site)
	if err != nil {
		return err
	}
	out, exit, err := h.Run(h.Path(host.RCDir, "50-oceanbase"), "start")
	if err != nil {
		return err
	}
	if exit.Code != 0 || exit.Signal != 0 {
		return fmt.Errorf("the observer on %s did not start: %s", site, strings.TrimSpace(out))
	}
	return nil
}

// storage is the backup storage that every site reaches, as a URI. It stands on
// the third host: with a site it is not lost.
func (s *system) storage(elements ...string) (string, error) {
	h, err := s.lab.Host(labkit.Edge)
	if err != nil {
		return "", err
	}
	relative := "srv/backup/" + strings.Join(elements, "/")
	return "file://" + h.Path(relative), h.MkdirAll(relative, 0o755)
}

// noteLogs remembers how long the observers' logs are: what the lab did itself
// is nobody's command.
func (s *system) noteLogs() error {
	for _, site := range s.lab.Sites {
		h, err := s.lab.Host(site)
		if err != nil {
			return err
		}
		info, err := os.Stat(h.Path(serverLog))
		if err != nil {
			return err
		}
		s.logged[site] = info.Size()
	}
	return nil
}
