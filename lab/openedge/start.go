package openedge

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/lab/host"
	"github.com/switchback-dr/switchback/lab/labkit"
	"github.com/switchback-dr/switchback/lab/openedge/sim"
)

// Start makes the source on the first site, the targets from a backup of it,
// with the vendor's own commands, and starts them.
func (Product) Start(ctx context.Context, l *labkit.Lab) (labkit.System, error) {
	set, err := readSettings(l.Options.Settings)
	if err != nil {
		return nil, err
	}
	if l.Options.Sync {
		return nil, fmt.Errorf("OpenEdge Replication is asynchronous: start the lab without --sync")
	}
	s := &system{lab: l, set: set, asks: map[string]*asker{}, before: map[string]map[string]int{}}
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	for _, site := range l.Sites {
		s.asks[site] = &asker{address: l.Inner(site)}
		if err := s.prepareHost(site); err != nil {
			return nil, err
		}
	}
	if err := s.makeFirst(); err != nil {
		return nil, err
	}
	for _, site := range l.Sites[1:] {
		if err := s.makeTarget(site); err != nil {
			return nil, err
		}
	}
	if err := s.boot(l.Sites[0]); err != nil {
		return nil, err
	}
	if err := s.waitInStep(ctx); err != nil {
		return nil, err
	}
	for _, site := range l.Sites {
		if err := s.usualPace(site); err != nil {
			return nil, err
		}
		if s.before[site], err = s.changes(site); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// prepareHost makes the installation, the directories and the settings of a
// host.
func (s *system) prepareHost(site string) error {
	h, err := s.lab.Host(site)
	if err != nil {
		return err
	}
	for _, dir := range []string{dlc + "/bin", filepath.Dir(database), spool, afterImages, archives, "mnt", "etc/openedge"} {
		if err := h.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	if err := h.MkdirAll(host.HomeDir+"/.ssh", 0o700); err != nil {
		return err
	}
	for _, name := range sim.Tools() {
		if err := h.Install(programs, dlc+"/bin/"+name); err != nil {
			return err
		}
	}
	for _, name := range sim.Daemons() {
		if err := h.InstallPlain(programs, dlc+"/bin/"+name); err != nil {
			return err
		}
	}
	if err := s.lab.OpenLink(site, site, s.listener()); err != nil {
		return err
	}
	key, err := os.ReadFile(s.lab.ClientKey())
	if err != nil {
		return err
	}
	known, err := os.ReadFile(s.lab.KnownHosts())
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name, text string
		mode       os.FileMode
	}{
		{disks, "", 0o644},
		{dlc + "/promsgs", "", 0o644},
		{dlc + "/version", "OpenEdge Release " + s.set.release + "\n", 0o644},
		{database + ".st", s.structureText(h), 0o644},
		{database + ".pf", s.parameterText(h), 0o644},
		{database + ".repl.properties", s.propertiesText(h), 0o644},
		{startConf, startConfText, 0o644},
		{sshConfig, s.sshText(h), 0o600},
		{host.HomeDir + "/.ssh/id", string(key), 0o600},
		{host.HomeDir + "/.ssh/known_hosts", string(known), 0o600},
	} {
		if err := h.WriteFile(f.name, f.text, f.mode); err != nil {
			return err
		}
	}
	df := strings.ReplaceAll(dfText, "@DISKS@", dr.Quote(h.Path(disks)))
	if err := h.Program(host.BinDir+"/df", df); err != nil {
		return err
	}
	if err := h.Program(host.RCDir+"/50-openedge", s.rcText(h)); err != nil {
		return err
	}
	if err := s.mount(h); err != nil {
		return err
	}
	return s.writeConfig(h, s.config(h, sim.Pace{Sync: 1, Minute: s.set.pace.Minute, Second: s.set.pace.Second, Retry: 20}))
}

func (s *system) config(h *host.Host, pace sim.Pace) sim.Config {
	return sim.Config{
		Host: h.Name, Root: h.Root, Bind: s.lab.InnerHost(h.Name), Release: s.set.release, FailCode: s.set.failCode, Prompt: s.set.prompt,
		RefusePlainSeed: s.set.refusePlain, Pace: pace, Shared: s.sharedDirs(),
	}
}

// sharedDirs are directories that every host sees: the device for backups,
// where the transfer is a shared one.
func (s *system) sharedDirs() []string {
	if s.set.adapter["transfer"] != "shared" {
		return nil
	}
	return []string{s.spool(s.lab.Sites[0])}
}

// mount lets a host read the after-image extents of the other sites, where the
// settings say that they are reachable when their host is lost.
func (s *system) mount(h *host.Host) error {
	if !s.set.mounted {
		return nil
	}
	for _, site := range s.lab.Sites {
		o, err := s.lab.Host(site)
		if err != nil {
			return err
		}
		if o == h {
			continue
		}
		if err := os.Symlink(o.Path(afterImages), h.Path("mnt", site)); err != nil {
			return err
		}
	}
	return nil
}

// writeConfig writes the lab's file of a host, readable by its user.
func (s *system) writeConfig(h *host.Host, c sim.Config) error {
	if err := sim.WriteConfig(h.Path(dlc), c); err != nil {
		return fmt.Errorf("the lab's file of %s cannot be written: %w", h.Name, err)
	}
	return os.Chmod(h.Path(dlc, sim.ConfigFile), 0o644)
}

// usualPace ends the haste of the preparations.
func (s *system) usualPace(site string) error {
	return s.alter(site, func(c *sim.Config) { c.Pace = s.set.pace })
}

// alter changes the lab's file of a site.
func (s *system) alter(site string, change func(c *sim.Config)) error {
	h, err := s.lab.Host(site)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := sim.ReadConfig(h.Path(dlc))
	if err != nil {
		return err
	}
	change(&c)
	return s.writeConfig(h, c)
}

// makeFirst makes the source and the backup that the targets come from.
func (s *system) makeFirst() error {
	site := s.lab.Sites[0]
	h, err := s.lab.Host(site)
	if err != nil {
		return err
	}
	db := h.Path(database)
	for _, argv := range [][]string{
		{"prostrct", "create", db, db + ".st", "-blocksize", "4096"},
		{"procopy", h.Path(dlc, "empty4"), db},
		{"rfutil", db, "-C", "mark", "backedup"},
		{"rfutil", db, "-C", "aimage", "begin"},
		{"proutil", db, "-C", "enableSiteReplication", "source"},
		{"probkup", db, h.Path(spool, firstBackup), "-REPLTargetCreation"},
	} {
		if err := s.run(site, argv...); err != nil {
			return err
		}
	}
	return nil
}

// makeTarget restores the backup on another site and starts it.
func (s *system) makeTarget(site string) error {
	first, err := s.lab.Host(s.lab.Sites[0])
	if err != nil {
		return err
	}
	h, err := s.lab.Host(site)
	if err != nil {
		return err
	}
	out, exit, err := h.Run("/bin/cp", first.Path(spool, firstBackup), h.Path(spool, firstBackup))
	if err != nil || exit.Code != 0 {
		return fmt.Errorf("the first backup did not come to %s: %s", site, strings.TrimSpace(out)+fmt.Sprint(err))
	}
	if err := s.run(site, "prorest", h.Path(database), h.Path(spool, firstBackup), "-REPLTransition"); err != nil {
		return err
	}
	if s.set.properties["replication-set"] == "1" {
		// The other target will need this one's notes after a takeover.
		if err := s.run(site, "rfutil", h.Path(database), "-C", "aimage", "begin"); err != nil {
			return err
		}
	}
	return s.boot(site)
}

// run runs one of the vendor's programs, uncounted, and complains with what it
// printed.
func (s *system) run(site string, argv ...string) error {
	out, code, err := s.call(site, argv...)
	if err != nil {
		return err
	}
	if code != 0 {
		return fmt.Errorf("%s on %s ended with %d: %s", strings.Join(argv, " "), site, code, strings.TrimSpace(out))
	}
	return nil
}

func (s *system) call(site string, argv ...string) (string, int, error) {
	h, err := s.lab.Host(site)
	if err != nil {
		return "", 0, err
	}
	out, exit, err := h.Run(append([]string{"/usr/bin/env", "DLC=" + h.Path(dlc), h.Path(plain, argv[0])}, argv[1:]...)...)
	if err == nil && exit.Signal != 0 {
		return out, -1, nil
	}
	return out, exit.Code, err
}

// boot runs the host's start program, as its boot does.
func (s *system) boot(site string) error {
	h, err := s.lab.Host(site)
	if err != nil {
		return err
	}
	out, exit, err := h.Run(h.Path(host.RCDir, "50-openedge"), "start")
	if err == nil && exit.Code != 0 {
		err = fmt.Errorf("the start program of %s ended with %d: %s", site, exit.Code, strings.TrimSpace(out))
	}
	return err
}

// waitInStep waits until the server and every agent are in normal processing.
func (s *system) waitInStep(ctx context.Context) error {
	first := s.lab.Sites[0]
	ask := func(site string, more ...string) string {
		h, err := s.lab.Host(site)
		if err != nil {
			return ""
		}
		out, _, _ := s.call(site, append([]string{"dsrutil", h.Path(database), "-C", "status"}, append(more, "-detail")...)...)
		return strings.TrimSpace(out)
	}
	for {
		said, good := ask(first), true
		for _, site := range s.lab.Sites[1:] {
			said += " " + ask(first, agentName(site)) + " " + ask(site)
			good = good && ask(first, agentName(site)) == "3049" && ask(site) == "3049"
		}
		if good {
			return nil
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("the lab's databases do not come into step: status %s", said)
		}
	}
}
