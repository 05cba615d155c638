package openedge

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/switchback-dr/switchback/lab/host"
	"github.com/switchback-dr/switchback/lab/labkit"
	"github.com/switchback-dr/switchback/lab/openedge/sim"
)

// Faults are OpenEdge's own: of processes, of the host's files and disks, and
// of what the programs do.
func (s *system) Faults() []labkit.Fault {
	return slices.Concat(s.processFaults(), s.fileFaults(), s.programFaults())
}

// onSite makes a switch whose first argument is a site.
func (s *system) onSite(set func(ctx context.Context, h *host.Host, rest []string, on bool) (string, error)) func(context.Context, []string, bool) (string, error) {
	return func(ctx context.Context, args []string, on bool) (string, error) {
		if len(args) == 0 || !slices.Contains(s.lab.Sites, args[0]) {
			return "", fmt.Errorf("name the site: one of %v", s.lab.Sites)
		}
		h, err := s.lab.Host(args[0])
		if err != nil {
			return "", err
		}
		return set(ctx, h, args[1:], on)
	}
}

func (s *system) fileFaults() []labkit.Fault {
	return []labkit.Fault{
		{
			Name: "stale-lk", Usage: "SITE", Text: "a lock file of another machine stands beside the database, as after a restore of the directory", Off: "removes it",
			Set: s.onSite(staleLock),
		},
		{
			Name: "backup-cut", Usage: "SITE", Text: "the newest file of the spool loses its last third", Set: s.onSite(s.cutBackup),
		},
		{
			Name: "small-structure", Usage: "SITE", Text: "the structure file names fixed extents that are too small", Off: "it fits again",
			Set: s.onSite(s.smallStructure),
		},
		{
			Name: "foreign-structure", Usage: "SITE", Text: "the structure file names paths of another host", Off: "it fits again",
			Set: s.onSite(s.foreignStructure),
		},
		{
			Name: "space", Usage: "SITE spool|data KB", Text: "so many KB are free where backups, or the database, are: df and the programs of OpenEdge see it", Off: "there is room again",
			Set: s.onSite(s.space),
		},
		{
			Name: "properties-lost", Usage: "SITE", Text: "repl.properties loses its sections for the other role", Off: "it is whole again",
			Set: s.onSite(s.loseProperties),
		},
	}
}

// staleLock leaves a lock file that nobody here can prove to be dead.
func staleLock(_ context.Context, h *host.Host, _ []string, on bool) (string, error) {
	name := database + ".lk"
	if !on {
		return "the lock file of " + h.Name + " is gone", os.Remove(h.Path(name))
	}
	if _, err := os.Stat(h.Path(name)); err == nil {
		return "", fmt.Errorf("the database on %s is open: stop it first", h.Name)
	}
	return "a lock file of the machine elsewhere stands on " + h.Name, h.WriteFile(name, "multi     4711       elsewhere\n", 0o644)
}

func (s *system) cutBackup(_ context.Context, h *host.Host, _ []string, _ bool) (string, error) {
	dir := s.spool(h.Name)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	newest, size := "", int64(0)
	var at int64
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && info.Mode().IsRegular() && e.Name() != firstBackup && info.ModTime().UnixNano() > at && info.Size() > 4096 {
			newest, size, at = filepath.Join(dir, e.Name()), info.Size(), info.ModTime().UnixNano()
		}
	}
	if newest == "" {
		return "", fmt.Errorf("the spool of %s has no backup", h.Name)
	}
	return fmt.Sprintf("%s has %d bytes of %d", newest, size*2/3, size), os.Truncate(newest, size*2/3)
}

// smallStructure leaves room for a few blocks only.
func (s *system) smallStructure(_ context.Context, h *host.Host, _ []string, on bool) (string, error) {
	text := s.structureText(h)
	if on {
		db := h.Path(database)
		text = strings.NewReplacer(
			fmt.Sprintf("d \"Order Data\":7,64;8 %s_7.d2\n", db), "",
			fmt.Sprintf("%s.d1\n", db), fmt.Sprintf("%s.d1 f 16\n", db),
		).Replace(text)
	}
	return fmt.Sprintf("the structure file of %s is too small: %t", h.Name, on), h.WriteFile(database+".st", text, 0o644)
}

func (s *system) foreignStructure(_ context.Context, h *host.Host, _ []string, on bool) (string, error) {
	text := s.structureText(h)
	if on {
		text = strings.ReplaceAll(text, h.Root+"/", "/elsewhere/")
	}
	return fmt.Sprintf("the structure file of %s names another host's paths: %t", h.Name, on), h.WriteFile(database+".st", text, 0o644)
}

func (s *system) loseProperties(_ context.Context, h *host.Host, _ []string, on bool) (string, error) {
	text := s.propertiesText(h)
	if on {
		kept, lost := "[agent]", "[server]"
		if h.Name == s.lab.Sites[0] {
			kept, lost = lost, kept
		}
		var b strings.Builder
		section := ""
		for _, line := range strings.SplitAfter(text, "\n") {
			if strings.HasPrefix(line, "[") {
				section = strings.TrimSpace(line)
			}
			if section == kept || kept == "[server]" && section != lost && section != "[transition]" {
				b.WriteString(line)
			}
		}
		text = b.String()
	}
	return fmt.Sprintf("the properties of %s serve one role only: %t", h.Name, on), h.WriteFile(database+".repl.properties", text, 0o644)
}

// space bounds what the programs can write below a directory; df tells it.
func (s *system) space(_ context.Context, h *host.Host, rest []string, on bool) (string, error) {
	if len(rest) == 0 || rest[0] != "spool" && rest[0] != "data" {
		return "", fmt.Errorf("say spool or data")
	}
	dir := s.spool(h.Name)
	if rest[0] == "data" {
		dir = h.Path(filepath.Dir(database))
	}
	kb := int64(-1)
	if on {
		n, err := strconv.ParseInt(rest[1], 10, 64)
		if err != nil || n < 0 {
			return "", fmt.Errorf("%q is no number of KB", rest[1])
		}
		kb = n
	}
	free := ""
	err := s.alter(h.Name, func(c *sim.Config) {
		if c.Disks == nil {
			c.Disks = map[string]int64{}
		}
		delete(c.Disks, dir)
		if kb >= 0 {
			c.Disks[dir] = kb << 10
		}
		for d, bytes := range c.Disks {
			free += fmt.Sprintf("%d %s\n", bytes>>10, d)
		}
	})
	if err != nil {
		return "", err
	}
	if kb < 0 {
		return dir + " on " + h.Name + " has room", h.WriteFile(disks, free, 0o644)
	}
	return fmt.Sprintf("%s on %s has %d KB free", dir, h.Name, kb), h.WriteFile(disks, free, 0o644)
}

// disks lists "KB directory" for dfText.
const disks = "var/oe-disks"

// dfText is df(1) that knows the free space of directories which the fault
// "space" bounds.
const dfText = `#!/bin/sh
# Lab: df tells the free space of directories that a fault bounds.
for last; do :; done
block=1024
for a; do case $a in -B1|--block-size=1) block=1 ;; -*m) block=1048576 ;; esac; done
case $last in /*) ;; *) last=$(pwd)/$last ;; esac
while read -r kb dir; do
  case $last/ in "$dir"/*)
    /bin/df "$@" | awk -v n=$((kb * 1024 / block)) 'NR == 2 { $4 = n } { print }'
    exit ;;
  esac
done 2>/dev/null <@DISKS@
exec /bin/df "$@"
`
