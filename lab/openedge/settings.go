package openedge

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/lab/openedge/sim"
)

// settings are the lab's options of this product, by --set.
type settings struct {
	pace        sim.Pace
	release     string
	failCode    int
	prompt      string
	refusePlain bool
	aiExtents   int
	aiKB        int
	archiver    bool
	mounted     bool              // other sites' after-image extents can be read
	properties  map[string]string // of repl.properties, by name
	adapter     map[string]any    // of the inventory's node "openedge"
}

// setting reads one value.
type setting func(s *settings, value string) error

// known are all settings with what they mean.
var known = map[string]struct {
	text string
	read setting
}{
	"backup-ms":       {"time of a backup", number(0, func(s *settings) *int { return &s.pace.Backup })},
	"restore-ms":      {"time of a restore or verify", number(0, func(s *settings) *int { return &s.pace.Restore })},
	"step-ms":         {"time of a step of a transition", number(0, func(s *settings) *int { return &s.pace.Step })},
	"sync-ms":         {"least time of a synchronisation", number(0, func(s *settings) *int { return &s.pace.Sync })},
	"lag-ms":          {"how long the server keeps notes back", number(0, func(s *settings) *int { return &s.pace.Lag })},
	"minute-ms":       {"how long a minute of properties and arguments is", number(1, func(s *settings) *int { return &s.pace.Minute })},
	"second-ms":       {"how long a second of properties is", number(1, func(s *settings) *int { return &s.pace.Second })},
	"retry-ms":        {"the server's five minutes between attempts", number(1, func(s *settings) *int { return &s.pace.Retry })},
	"release":         {"OpenEdge release", word(func(s *settings) *string { return &s.release })},
	"fail-code":       {"exit code of failures without a documented one", number(0, func(s *settings) *int { return &s.failCode })},
	"prompt":          {"words of the overwrite question", word(func(s *settings) *string { return &s.prompt })},
	"plain-seed":      {"accepted or refused: a seed without -REPLTargetCreation", oneOf(func(s *settings, v string) { s.refusePlain = v == "refused" }, "accepted", "refused")},
	"ai-extents":      {"number of after-image extents", number(2, func(s *settings) *int { return &s.aiExtents })},
	"ai-kb":           {"size of each, in KB", number(2, func(s *settings) *int { return &s.aiKB })},
	"archiver":        {"on or off: AI file management", oneOf(func(s *settings, v string) { s.archiver = v == "on" }, "on", "off")},
	"extents":         {"lost or mounted: whether a lost site's after-image extents can be read", oneOf(func(s *settings, v string) { s.mounted = v == "mounted" }, "lost", "mounted")},
	"takeover":        {"failover or controlled: form of a planned takeover", choice("takeover", "failover", "controlled")},
	"reseed":          {"transition or enable: route of a reseed", choice("reseed", "transition", "enable")},
	"transfer":        {"copy or shared", choice("transfer", "copy", "shared")},
	"target-creation": {"true or false", oneOf(func(s *settings, v string) { s.adapter["target_creation"] = v == "true" }, "true", "false")},
}

// propertyNames may be set as well; the value goes into every site's
// repl.properties.
var propertyNames = []string{
	"transition", "transition-timeout", "defer-agent-startup", "connect-timeout", "critical", "repl-keep-alive", "database-role",
	"replication-set", "restart-after-transition", "auto-begin-ai", "auto-add-ai-areas", "backup-method", "recovery-backup-arguments", "online-transition",
}

func number(least int, at func(*settings) *int) setting {
	return func(s *settings, value string) error {
		n, err := strconv.Atoi(value)
		if err != nil || n < least || n > 1<<20 {
			return fmt.Errorf("it must be a number from %d on", least)
		}
		*at(s) = n
		return nil
	}
}

func word(at func(*settings) *string) setting {
	return func(s *settings, value string) error {
		*at(s) = value
		return nil
	}
}

func oneOf(set func(*settings, string), words ...string) setting {
	return func(s *settings, value string) error {
		if !slices.Contains(words, value) {
			return fmt.Errorf("it must be %s", strings.Join(words, " or "))
		}
		set(s, value)
		return nil
	}
}

func choice(field string, words ...string) setting {
	return oneOf(func(s *settings, v string) { s.adapter[field] = v }, words...)
}

// readSettings reads the options, and refuses those that it does not know.
func readSettings(given map[string]string) (*settings, error) {
	s := &settings{
		pace: sim.DefaultPace, release: "12.8", failCode: 1, aiExtents: 8, aiKB: 256, archiver: true,
		properties: map[string]string{
			"transition": "manual", "transition-timeout": "1200", "defer-agent-startup": "10080", "connect-timeout": "120", "critical": "0",
			"repl-keep-alive": "300", "database-role": "reverse", "replication-set": "0", "restart-after-transition": "1", "auto-begin-ai": "1",
			"auto-add-ai-areas": "0", "backup-method": "mark", "recovery-backup-arguments": "", "online-transition": "0",
		},
		adapter: map[string]any{},
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if slices.Contains(propertyNames, name) {
			s.properties[name] = given[name]
			continue
		}
		k, ok := known[name]
		if !ok {
			return nil, fmt.Errorf("the lab's OpenEdge has no setting %q: it has %s", name,
				strings.Join(append(slices.Sorted(maps.Keys(known)), propertyNames...), ", "))
		}
		if err := k.read(s, given[name]); err != nil {
			return nil, fmt.Errorf("the setting %s (%s) is %q: %w", name, k.text, given[name], err)
		}
	}
	return s, nil
}

// startPatience bounds the start of the pair.
const startPatience = 60 * time.Second
