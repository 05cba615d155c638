package inventory

import (
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/switchback-dr/switchback/dr"
)

// When says on which side of a phase a hook runs.
type When string

// The sides of a phase.
const (
	Before When = "before"
	After  When = "after"
)

// Hook is a command or an HTTP call of the operator's own in a phase.
type Hook struct {
	Name  string
	Phase dr.Phase
	When  When
	Host  string
	Run   []string
	// Check proves the effect: exit code 0 means that it is there, 1 that it
	// is not, everything else means unknown.
	Check []string
	// HTTP is set instead of Host, Run and Check.
	HTTP *HTTPHook
	// Timeout ends a command on its host, and a call.
	Timeout dr.Duration
	Skip    dr.Skip
	// NoVeto says that its failure is recorded and the procedure goes on.
	NoVeto bool
	// After names hooks that come before this one, wherever both are planned.
	After []string
}

// HTTPHook is a signed call.
type HTTPHook struct {
	URL    string `yaml:"url"`
	Method string `yaml:"method"`
	// Body is sent instead of the description of what happens.
	Body string `yaml:"body"`
	// Key names the credential that calls are signed with; Bearer one that is
	// sent as a bearer token, "" for none.
	Key    string `yaml:"key"`
	Bearer string `yaml:"bearer"`
	// Check is asked by GET whether the effect is there: 200 yes, 404 no; ""
	// when only the call's own answer proves it.
	Check string `yaml:"check"`
	// CA is a file of certificates on the workers; "" for the machine's own.
	CA string `yaml:"ca"`
}

type hookFile struct {
	Name    string      `yaml:"name"`
	Phase   dr.Phase    `yaml:"phase"`
	When    When        `yaml:"when"`
	Host    string      `yaml:"host"`
	Run     []string    `yaml:"run"`
	Check   []string    `yaml:"check"`
	HTTP    node        `yaml:"http"`
	Timeout dr.Duration `yaml:"timeout"`
	Skip    dr.Skip     `yaml:"skip"`
	Veto    bool        `yaml:"veto"`
	After   []string    `yaml:"after"`
}

// hooks reads the list and puts it in the order in which hooks run.
func (l *loader) hooks(e entry, s *System, use *usage) {
	at := l.parts(e, "hooks")
	for _, item := range at {
		f := hookFile{Timeout: dr.Duration(DefaultTimeout), When: Before, Skip: dr.SkipNever, Veto: true}
		decode(item, &f, l.complaints)
		s.Hooks = append(s.Hooks, l.hook(item, f, use))
	}
	l.orderHooks(at, s)
}

func (l *loader) hook(at node, f hookFile, use *usage) Hook {
	h := Hook{
		Name: f.Name, Phase: f.Phase, When: f.When, Host: f.Host, Run: f.Run, Check: f.Check,
		Timeout: f.Timeout, Skip: f.Skip, NoVeto: !f.Veto, After: f.After,
	}
	known := texts(phases())
	switch {
	case !at.has("phase"):
		l.add(at.line, "%s has no phase", at.path)
	case f.Phase != "" && !slices.Contains(known, string(f.Phase)):
		l.add(at.at("phase").line, "%s.phase is %q, which is no phase; %s", at.path, dr.Clip(string(f.Phase), 60), suggest(string(f.Phase), known))
	}
	if f.When != Before && f.When != After {
		l.add(at.at("when").line, "%s.when is %q, not before or after", at.path, dr.Clip(string(f.When), 40))
	}
	if f.Skip != dr.SkipNever && f.Skip != dr.SkipDecision && f.Skip != dr.SkipFree {
		l.add(at.at("skip").line, "%s.skip is %q, not never, decision or free", at.path, dr.Clip(string(f.Skip), 40))
	}
	l.timeout(at, f.Timeout)
	byCommand := at.has("host") || at.has("run") || at.has("check")
	switch {
	case !at.has("http"):
		l.requireHost(at, f.Host, use)
		l.commands(at, map[string][]string{"run": f.Run, "check": f.Check})
	case byCommand:
		l.add(at.at("http").line, "%s has both http and a command; write two hooks", at.path)
	default:
		h.HTTP = l.httpHook(at.at("http"), use)
	}
	return h
}

// maxHookBody bounds what a call sends: it stands in the plan.
const maxHookBody = 16 * 1024

var hookMethods = []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}

func (l *loader) httpHook(at node, use *usage) *HTTPHook {
	h := HTTPHook{Method: http.MethodPost}
	decode(at, &h, l.complaints)
	l.hookURL(at, "url", h.URL)
	if at.has("check") {
		l.hookURL(at, "check", h.Check)
	}
	if !slices.Contains(hookMethods, h.Method) {
		l.add(at.at("method").line, "%s.method is %q, not one of %s", at.path, dr.Clip(h.Method, 20), strings.Join(hookMethods, ", "))
	}
	if len(h.Body) > maxHookBody || strings.ContainsRune(h.Body, 0) {
		l.add(at.at("body").line, "%s.body is larger than 16 kB or has a zero byte", at.path)
	}
	// The texts are not repeated: they may be the secrets themselves.
	if h.Key == "" || !use.credential(h.Key) {
		l.add(at.at("key").line, "%s.key is not the name of a credential under credentials; calls are signed with it", at.path)
	}
	switch {
	case h.Bearer != "" && !use.credential(h.Bearer):
		l.add(at.at("bearer").line, "%s.bearer is not the name of a credential under credentials", at.path)
	case h.Bearer != "" && (strings.HasPrefix(h.URL, "http://") || strings.HasPrefix(h.Check, "http://")):
		l.add(at.at("bearer").line, "%s.bearer would be sent unencrypted; use https", at.path)
	}
	if h.CA != "" && !filepath.IsAbs(h.CA) {
		l.add(at.at("ca").line, "%s.ca must be an absolute path on the workers", at.path)
	}
	return &h
}

// hookURL checks an address: it is shown in plans, so it holds no secret.
func (l *loader) hookURL(at node, field, text string) {
	u, err := url.Parse(text)
	plain := !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
	if err != nil || !plain || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		// The text is not repeated: a user and password may stand in it.
		l.add(at.at(field).line, "%s.%s must be an address such as https://lb.example.com/orders, without user or fragment", at.path, field)
	}
}

// orderHooks sorts the hooks so that each stands behind those that it names.
func (l *loader) orderHooks(at []node, s *System) {
	index := map[string]int{}
	for i, h := range s.Hooks {
		index[h.Name] = i
	}
	var names []string
	for _, h := range s.Hooks {
		names = append(names, h.Name)
	}
	sound := true
	for i, h := range s.Hooks {
		for _, name := range h.After {
			j, ok := index[name]
			switch {
			case !ok:
				l.add(at[i].at("after").line, "%s.after names the hook %q, which is not there; %s", at[i].path, dr.Clip(name, 60), suggest(name, names))
			case later(s.Hooks[j], h):
				l.add(at[i].at("after").line, "%s.after names %s, which runs %s %s, later than %s %s", at[i].path, name, s.Hooks[j].When, s.Hooks[j].Phase, h.When, h.Phase)
			}
			sound = sound && ok
		}
	}
	if !sound {
		return
	}
	o := hookOrder{l: l, at: at, hooks: s.Hooks, index: index, state: map[int]int{}}
	for i := range s.Hooks {
		if !o.visit(i, nil) {
			return
		}
	}
	s.Hooks = o.sorted
}

// hookOrder sorts hooks by what they name; otherwise they keep the file's order.
type hookOrder struct {
	l      *loader
	at     []node
	hooks  []Hook
	index  map[string]int
	state  map[int]int // 1: being visited, 2: placed
	sorted []Hook
}

// visit places a hook behind those that it names; false is a circle, which it
// has complained about. path are the hooks that led here.
func (o *hookOrder) visit(i int, path []string) bool {
	h := o.hooks[i]
	path = append(path, h.Name)
	switch o.state[i] {
	case 1:
		o.l.add(o.at[i].at("after").line, "%s.after goes in a circle: %s", o.at[i].path, strings.Join(path[slices.Index(path, h.Name):], " after "))
		return false
	case 2:
		return true
	}
	o.state[i] = 1
	for _, name := range h.After {
		if !o.visit(o.index[name], path) {
			return false
		}
	}
	o.state[i] = 2
	o.sorted = append(o.sorted, h)
	return true
}

// later says whether a runs behind b in some procedure that has both.
func later(a, b Hook) bool {
	for _, p := range []dr.Procedure{dr.ProcTakeover, dr.ProcFailback, dr.ProcReseed} {
		var order []dr.Phase
		for _, g := range gates {
			if g != dr.GateCutover {
				order = append(order, dr.PhasesAfter(p, g)...)
			}
		}
		order = append(order, dr.PhasesAfter(p, dr.GateCutover)...)
		place := func(h Hook) int {
			i := slices.Index(order, h.Phase)
			if i >= 0 && h.When == After {
				return 2*i + 1
			}
			return 2 * i
		}
		if i, j := place(a), place(b); i >= 0 && j >= 0 && i > j {
			return true
		}
	}
	return false
}
