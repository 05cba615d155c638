package openedge

import (
	"context"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/switchback-dr/switchback/lab/labkit"
)

// system is the lab's running pair, or set.
type system struct {
	lab    *labkit.Lab
	set    *settings
	asks   map[string]*asker
	before map[string]map[string]int // what the lab itself changed, by host

	mu sync.Mutex // of the hosts' configuration
}

// Entry is the inventory's entry.
func (s *system) Entry() labkit.Entry {
	e := labkit.Entry{System: "depot", Sites: map[string]map[string]any{}, Product: maps.Clone(s.set.adapter)}
	for _, site := range s.lab.Sites {
		h, err := s.lab.Host(site)
		if err != nil {
			continue
		}
		e.Sites[site] = map[string]any{
			"dlc": h.Path(dlc), "promsgs": h.Path(dlc, "promsgs"), "database": h.Path(database), "port": s.lab.Port(),
			"address": s.lab.OuterHost(site), "agent": agentName(site), "arguments": []string{"-pf", h.Path(database) + ".pf"},
			"spool": s.spool(site), "ssh": h.Login + "@" + h.Address, "ssh_config": h.Path(sshConfig),
		}
		extents := map[string]string{}
		for _, other := range s.lab.Sites {
			if other != site {
				extents[other] = h.Path("mnt", other)
			}
		}
		if s.set.mounted {
			e.Sites[site]["extents"] = extents
		}
	}
	return e
}

// spool is a site's directory for backups: its own, or the first site's where
// the sites share one device.
func (s *system) spool(site string) string {
	if s.set.adapter["transfer"] == "shared" {
		site = s.lab.Sites[0]
	}
	h, err := s.lab.Host(site)
	if err != nil {
		return ""
	}
	return h.Path(spool)
}

// Endpoints are the brokers' addresses and the databases for people.
func (s *system) Endpoints() map[string]string {
	all := map[string]string{"client": s.lab.Client().Addr()}
	for _, site := range s.lab.Sites {
		if h, err := s.lab.Host(site); err == nil {
			all[site] = s.lab.Inner(site)
			all[site+"-database"] = h.Path(database)
			all[site+"-dlc"] = h.Path(dlc)
		}
	}
	return all
}

// Target is the broker itself: clients do not pass the link between sites.
func (s *system) Target(site string) string { return s.lab.Inner(site) }

// Writable asks the site's broker, as a client.
func (s *system) Writable(ctx context.Context, site string) bool { return s.asks[site].writable(ctx) }

// logged are lines of the database's log that show a change, whoever made it
// by whatever way.
var logged = map[string]*regexp.Regexp{
	"backup":      regexp.MustCompile(`(?m): \(1362\) `),
	"restore":     regexp.MustCompile(`(?m): \(1368\) `),
	"role switch": regexp.MustCompile(`(?m)The database role is now `),
}

// Changes counts backups, restores and changes of role from the database's log,
// since the pair was made.
func (s *system) Changes(name string) (map[string]int, error) {
	counts, err := s.changes(name)
	for what, n := range s.before[name] {
		if counts[what] -= n; counts[what] <= 0 {
			delete(counts, what)
		}
	}
	return counts, err
}

func (s *system) changes(name string) (map[string]int, error) {
	counts := map[string]int{}
	if !slices.Contains(s.lab.Sites, name) {
		return counts, nil
	}
	h, err := s.lab.Host(name)
	if err != nil {
		return nil, err
	}
	b, err := os.ReadFile(h.Path(database) + ".lg")
	if os.IsNotExist(err) {
		return counts, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the log of the database on %s cannot be read: %w", name, err)
	}
	for what, pattern := range logged {
		if n := len(pattern.FindAllIndex(b, -1)); n > 0 {
			counts["log: "+what] = n
		}
	}
	return counts, nil
}

// reading are qualifiers and options that change nothing.
var reading = map[string][]string{
	"proutil": {"busy", "holder", "describe"},
	"rfutil":  {"aimage extent list"},
	"dsrutil": {"status", "recovery", "monitor", "verify"},
}

// Changing names a program's call that changes something.
func (s *system) Changing(argv []string) string {
	words := argv[1:]
	switch argv[0] {
	case "proserve", "proshut", "prodel", "procopy":
		return argv[0]
	case "probkup":
		if slices.Contains(words, "-estimate") {
			return ""
		}
		return "probkup"
	case "prorest":
		for _, only := range []string{"-vp", "-vf", "-list", "-describe"} {
			if slices.Contains(words, only) {
				return ""
			}
		}
		return "prorest"
	case "prostrct":
		if len(words) == 0 || words[0] == "list" {
			return ""
		}
		return "prostrct " + words[0]
	case "proutil", "rfutil", "dsrutil":
		if len(words) < 3 || words[1] != "-C" {
			return ""
		}
		verb := strings.Join(words[2:], " ")
		for _, r := range reading[argv[0]] {
			if strings.HasPrefix(strings.ToLower(verb), r) {
				return ""
			}
		}
		return argv[0] + " " + verb
	}
	return ""
}

// Close ends the questions to the sites.
func (s *system) Close() {
	for _, a := range s.asks {
		a.close()
	}
}
