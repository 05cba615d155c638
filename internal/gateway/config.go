package gateway

import (
	"fmt"
	"path/filepath"
	"slices"

	"golang.org/x/crypto/ssh"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/inventory"
)

// Config is chatops.yaml, read strictly.
type Config struct {
	// Name is the gateway's name in the inventory.
	Name string
	// Inventory is the path of systems.yaml.
	Inventory string
	// Listen is the address of the HTTP server; "" serves none.
	Listen string
	// PublicURL is how people and chats reach it; UI is the Temporal UI.
	PublicURL, UI string
	// Rehearsal: what this gateway serves is a lab.
	Rehearsal bool
	// Channels are the parts that the channels decode themselves.
	Channels map[string]inventory.Node
	Targets  map[string]Target
	Routes   []Route

	key ssh.Signer
}

// Target is a place in a channel.
type Target struct {
	Channel string `yaml:"channel"`
	To      string `yaml:"to"`
}

// Route says who is told about which systems.
type Route struct {
	// Systems are names; empty means all that no earlier route names.
	Systems []string `yaml:"systems"`
	First   []string `yaml:"first"`
	Next    []string `yaml:"next"`
}

type configFile struct {
	Version   int                       `yaml:"version"`
	Name      string                    `yaml:"name"`
	Inventory string                    `yaml:"inventory"`
	Key       inventory.SecretRef       `yaml:"key"`
	Listen    string                    `yaml:"listen"`
	PublicURL string                    `yaml:"public_url"`
	UI        string                    `yaml:"ui"`
	Rehearsal bool                      `yaml:"rehearsal"`
	Channels  map[string]inventory.Node `yaml:"channels"`
	Targets   map[string]Target         `yaml:"targets"`
	Routes    []Route                   `yaml:"routes"`
}

// ReadConfig reads chatops.yaml; kinds are the channels that this program has.
// Relative paths begin beside the file.
func ReadConfig(path string, kinds []Kind) (Config, error) {
	var f configFile
	if err := inventory.ReadDocument(path, "chatops", &f); err != nil {
		return Config{}, err
	}
	bad := func(format string, a ...any) (Config, error) {
		return Config{}, dr.Refuse("chatops", "%s: %s", path, fmt.Sprintf(format, a...)).WithNext("see docs/chatops.md")
	}
	if f.Version != 1 {
		return bad("version is %d; this release reads version 1", f.Version)
	}
	if err := dr.CheckName("gateway", f.Name); err != nil {
		return bad("%s", err)
	}
	if f.Inventory == "" {
		return bad("inventory is missing: the path of systems.yaml")
	}
	for name := range f.Channels {
		if !slices.ContainsFunc(kinds, func(k Kind) bool { return k.Name == name }) {
			return bad("there is no channel %q; this program has %s", dr.Clip(name, 40), kindNames(kinds))
		}
	}
	if why := f.checkRoutes(); why != "" {
		return bad("%s", why)
	}
	dir := filepath.Dir(path)
	f.Key.File = beside(dir, f.Key.File)
	raw, err := f.Key.Read("key")
	if err != nil {
		return Config{}, err
	}
	key, err := ssh.ParsePrivateKey([]byte(raw + "\n"))
	if err != nil || key.PublicKey().Type() != ssh.KeyAlgoED25519 {
		return bad("key is no OpenSSH private key of type ed25519 without passphrase; make one with ssh-keygen -t ed25519")
	}
	return Config{
		Name: f.Name, Inventory: beside(dir, f.Inventory), Listen: f.Listen, PublicURL: f.PublicURL, UI: f.UI, Rehearsal: f.Rehearsal,
		Channels: f.Channels, Targets: f.Targets, Routes: f.Routes, key: key,
	}, nil
}

func (f configFile) checkRoutes() string {
	for name, t := range f.Targets {
		switch _, ok := f.Channels[t.Channel]; {
		case dr.CheckName("target", name) != nil:
			return dr.CheckName("target", name).Error()
		case !ok:
			return fmt.Sprintf("targets.%s is of the channel %q, which is not under channels", name, dr.Clip(t.Channel, 40))
		}
	}
	if len(f.Routes) == 0 {
		return "routes is missing: nobody would be told anything"
	}
	for i, r := range f.Routes {
		if len(r.First) == 0 {
			return fmt.Sprintf("routes[%d].first is empty: nobody would be told", i)
		}
		for _, name := range append(slices.Clone(r.First), r.Next...) {
			if _, ok := f.Targets[name]; !ok {
				return fmt.Sprintf("routes[%d] names %q, which is not under targets", i, dr.Clip(name, 40))
			}
		}
	}
	return ""
}

func beside(dir, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

func kindNames(kinds []Kind) string {
	var names []string
	for _, k := range kinds {
		names = append(names, k.Name)
	}
	slices.Sort(names)
	return fmt.Sprint(names)
}

// route gives the targets of a system.
func (c Config) route(system string) (first, next []string) {
	for _, r := range c.Routes {
		if len(r.Systems) == 0 || slices.Contains(r.Systems, system) {
			return r.First, r.Next
		}
	}
	return nil, nil
}

// mayCome says whether decisions about a system may come from a place: only
// from where people are told about it.
func (c Config) mayCome(system, channel, place string) bool {
	first, next := c.route(system)
	for _, name := range append(slices.Clone(first), next...) {
		if t := c.Targets[name]; t.Channel == channel && t.To == place {
			return true
		}
	}
	return false
}
