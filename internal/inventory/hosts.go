package inventory

import (
	"fmt"
	"net/netip"
	"os"
	"path"
	"regexp"
	"slices"
	"sort"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/switchback-dr/switchback/dr"
)

type hostFile struct {
	Address    string   `yaml:"address"`
	Port       int      `yaml:"port"`
	User       string   `yaml:"user"`
	Keys       []string `yaml:"keys"`
	Agent      bool     `yaml:"agent"`
	KnownHosts []string `yaml:"known_hosts"`
	Jump       string   `yaml:"jump"`
	JobDir     string   `yaml:"job_dir"`
	Password   string   `yaml:"password"`
}

var (
	hostnamePattern = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*\.?$`)
	userPattern     = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.@-]{0,63}$`)
	remotePath      = regexp.MustCompile(`^(?:~|/[A-Za-z0-9._-]+)(?:/[A-Za-z0-9._-]+)*$`)
	envPattern      = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

var userHome = os.UserHomeDir

func (l *loader) loadHosts(n, defaults node) {
	var base hostFile
	base.Port, base.JobDir = 22, DefaultJobDir
	if defaults.y != nil {
		decode(defaults, &base, l.complaints)
		if defaults.has("address") {
			l.add(defaults.at("address").line, "%s.address cannot be a default; every host has its own", defaults.path)
		}
	}
	all := l.section(n, "host")
	for _, e := range all {
		l.hostNames[e.key] = true
	}
	for _, e := range all {
		f := base
		decode(e.value, &f, l.complaints)
		l.inv.Hosts[e.key] = l.host(e, f, defaults)
	}
	l.checkJumps(all)
}

// host checks one host; a field that came from the defaults is complained
// about in its line there.
func (l *loader) host(e entry, f hostFile, defaults node) Host {
	where := func(field string) node {
		if !e.value.has(field) && defaults.y != nil && defaults.has(field) {
			return defaults.at(field)
		}
		return e.value.at(field)
	}
	if !goodAddress(f.Address) {
		if f.Address == "" {
			if !e.value.has("address") {
				l.add(e.value.line, "the host %s has no address", e.key)
			} else if !e.value.at("address").absent() {
				l.add(where("address").line, "the address of host %s is empty", e.key)
			}
		} else {
			l.add(where("address").line, "the address %q of host %s is neither an IP address nor a host name", dr.Clip(f.Address, 80), e.key)
		}
	}
	if f.Port < 1 || f.Port > 65535 {
		l.add(where("port").line, "the port %d of host %s is not between 1 and 65535", f.Port, e.key)
	}
	switch {
	case f.User == "" && !e.value.has("user"):
		l.add(e.value.line, "the host %s has no user to log in as", e.key)
	case !userPattern.MatchString(f.User):
		l.add(where("user").line, "the user %q of host %s is no login name", dr.Clip(f.User, 60), e.key)
	}
	if !remotePath.MatchString(f.JobDir) || f.JobDir == "~" || slices.Contains(strings.Split(f.JobDir, "/"), "..") {
		l.add(where("job_dir").line, "the job_dir %q of host %s must be absolute or begin with ~/, of letters, digits and ._-", dr.Clip(f.JobDir, 80), e.key)
	}
	if len(f.Keys) == 0 && !f.Agent && f.Password == "" {
		l.add(e.value.line, "the host %s has no way to log in; give it keys, agent: true or a password", e.key)
	}
	if f.Password != "" && !l.credNames[f.Password] {
		// The text is not repeated: it may be the password itself.
		l.add(where("password").line, "the password of host %s is not the name of a credential under credentials", e.key)
	}
	h := Host{Name: e.key, Address: f.Address, Port: f.Port, User: f.User, UseAgent: f.Agent, PasswordCredential: f.Password, Jump: f.Jump, JobDir: path.Clean(f.JobDir)}
	h.KeyFiles = l.paths(where("keys"), f.Keys)
	h.KnownHosts = l.paths(where("known_hosts"), f.KnownHosts)
	if len(f.KnownHosts) == 0 {
		if home, err := userHome(); err == nil {
			h.KnownHosts = []string{path.Join(home, ".ssh", "known_hosts")}
		} else {
			l.add(e.value.line, "the host %s has no known_hosts and this user has no home directory", e.key)
		}
	}
	return h
}

func (l *loader) paths(at node, list []string) []string {
	var out []string
	for i, p := range list {
		item := at.at(fmt.Sprint(i))
		if p == "" {
			l.add(item.line, "%s is empty", item.path)
			continue
		}
		out = append(out, l.localPath(item, p))
	}
	return out
}

func goodAddress(a string) bool {
	if _, err := netip.ParseAddr(a); err == nil {
		return true
	}
	// What looks like an IPv4 address must be one: 10.0.0.256 is no name.
	return len(a) <= 253 && hostnamePattern.MatchString(a) && strings.Trim(a, "0123456789.") != ""
}

// checkJumps complains about jump hosts that are not there or that need
// themselves to be reached.
func (l *loader) checkJumps(all []entry) {
	for _, e := range all {
		at := e.value.at("jump")
		h := l.inv.Hosts[e.key]
		if h.Jump != "" && !l.hostNames[h.Jump] {
			l.add(at.line, "the host %s jumps over %q, which is not a host; %s", e.key, dr.Clip(h.Jump, 60), suggest(h.Jump, sortedKeys(l.hostNames)))
			continue
		}
		l.checkChain(at, e.key)
	}
}

// maxJumps bounds how many hosts one is reached through.
const maxJumps = 5

func (l *loader) checkChain(at node, host string) {
	name := host
	for range maxJumps + 1 {
		name = l.inv.Hosts[name].Jump
		switch name {
		case "":
			return
		case host:
			l.add(at.line, "the host %s can only be reached through itself; its jump hosts go in a circle", host)
			return
		}
	}
	l.add(at.line, "the host %s is reached through more than %d jump hosts", host, maxJumps)
}

// HostList gives all hosts by name.
func (inv *Inventory) HostList() []Host {
	var out []Host
	for _, name := range sortedKeys(inv.Hosts) {
		out = append(out, inv.Hosts[name])
	}
	return out
}

type credentialFile struct {
	Env  string `yaml:"env"`
	File string `yaml:"file"`
}

func (l *loader) loadCredentials(n node) {
	for _, e := range l.section(n, "credential") {
		l.credNames[e.key] = true
		var f credentialFile
		if !e.value.absent() && e.value.y.Kind != yaml.MappingNode {
			// The text is not repeated: it may be the secret itself.
			l.add(e.value.line, "the credential %s must have either env: VARIABLE or file: PATH; the secret itself never stands here", e.key)
			continue
		}
		before := len(l.list)
		decode(e.value, &f, l.complaints)
		if len(l.list) > before {
			continue
		}
		switch {
		case (f.Env == "") == (f.File == ""):
			l.add(e.value.line, "the credential %s must have either env: VARIABLE or file: PATH", e.key)
		case f.Env != "" && !envPattern.MatchString(f.Env):
			l.add(e.value.at("env").line, "%s.env is not the name of an environment variable", e.value.path)
		default:
			l.inv.Credentials[e.key] = Credential{Name: e.key, Env: f.Env, File: l.localPath(e.value.at("file"), f.File)}
		}
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
