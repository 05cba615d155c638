package engine

import (
	"bytes"
	"context"
	_ "embed" // the loader of providers
	"encoding/json"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/lab/hana/instance"
)

// HA/DR providers are Python classes that the nameserver loads as global.ini
// says and calls at every event. Here each call is a Python process of its own,
// with the vendor's base class stood in for.

//go:embed hadr.py
var providerLoader string

// provider is one section [ha_dr_provider_NAME] of global.ini.
type provider struct {
	class, path string
	order       int
}

// providerPatience bounds one call.
const providerPatience = 10 * time.Second

// providerAnswer is what the loader prints last.
var providerAnswer = regexp.MustCompile(`(?m)^rc=(-?[0-9]+)\s*\z`)

// loadProviders reads which providers there are: at the start, and when
// -reloadHADRProviders says so.
func (e *engine) loadProviders() error {
	ini, err := instance.ReadIni(e.conf.GlobalIni())
	if err != nil {
		return err
	}
	var all []provider
	for _, section := range ini.Sections() {
		if !strings.HasPrefix(section, "ha_dr_provider_") {
			continue
		}
		order, err := strconv.Atoi(ini.Get(section, "execution_order"))
		if err != nil {
			return instance.Fail(1, "the section %s of global.ini has no execution_order", section)
		}
		all = append(all, provider{class: ini.Get(section, "provider"), path: ini.Get(section, "path"), order: order})
	}
	slices.SortFunc(all, func(a, b provider) int { return a.order - b.order })
	for _, p := range all {
		if _, err := e.callProvider(e.ctx, p, "about", nil); err != nil {
			return instance.Fail(1, "the HA/DR provider %s cannot be loaded: %v", p.class, err)
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.providers = all
	return nil
}

// reloaded is the operation behind -reloadHADRProviders.
func (e *engine) reloaded(context.Context, instance.Nothing) (instance.Done, error) {
	return instance.Done{}, e.loadProviders()
}

func (e *engine) callProvider(ctx context.Context, p provider, method string, args map[string]any) (int, error) {
	if args == nil {
		args = map[string]any{}
	}
	text, err := json.Marshal(args)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, providerPatience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "python3", "-c", providerLoader, p.path, p.class, method, string(text))
	var out, traced bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &traced
	err = cmd.Run()
	if traced.Len() > 0 {
		trace("%s", strings.TrimSpace(traced.String()))
	}
	m := providerAnswer.FindStringSubmatch(out.String())
	if err != nil || m == nil {
		return 0, instance.Fail(1, "%s.%s gave no answer: %v", p.class, method, err)
	}
	return strconv.Atoi(m[1])
}

// hook calls a method of every provider, in their order, until one gives
// something else than 0.
func (e *engine) hook(ctx context.Context, method string, args map[string]any) (rc int) {
	e.mu.Lock()
	all := e.providers
	e.mu.Unlock()
	for _, p := range all {
		rc, err := e.callProvider(ctx, p, method, args)
		if err != nil {
			trace("%v", err)
			continue
		}
		if rc != 0 {
			return rc
		}
	}
	return 0
}

// connectionEvery is how often the nameserver looks whether an event is due.
const connectionEvery = 50 * time.Millisecond

// tellConnections calls srConnectionChanged when the state of replication to a
// secondary changes. The first look is none.
func (e *engine) tellConnections() {
	before := map[string]string{}
	for {
		select {
		case <-time.After(connectionEvery):
		case <-e.ctx.Done():
			return
		}
		e.mu.Lock()
		none := len(e.providers) == 0
		e.mu.Unlock()
		if none || e.phaseNow() != running || e.siteNow().Secondary() {
			continue
		}
		for _, r := range e.replicationRows() {
			key := r["SECONDARY_SITE_NAME"].(string) + "/" + r["DATABASE"].(string)
			status := r["TRUE_STATUS"].(string)
			was, known := before[key]
			before[key] = status
			if !known || was == status {
				continue
			}
			e.hook(e.ctx, "srConnectionChanged", map[string]any{"ParamDict": e.connectionEvent(r, status)})
		}
	}
}

// statusCodes are those of systemReplicationStatus.py.
var statusCodes = map[string]int{statusError: 11, "UNKNOWN": 12, statusInitializing: 13, statusSyncing: 14, statusActive: 15}

func (e *engine) connectionEvent(r map[string]any, status string) map[string]any {
	system := 15
	for _, other := range e.replicationRows() {
		if other["SECONDARY_SITE_NAME"] == r["SECONDARY_SITE_NAME"] {
			system = min(system, statusCodes[other["TRUE_STATUS"].(string)])
		}
	}
	return map[string]any{
		"hostname": e.conf.Host, "port": r["PORT"], "volume": r["VOLUME_ID"], "service_name": r["SERVICE_NAME"], "database": r["DATABASE"],
		"status": statusCodes[status], "database_status": statusCodes[status], "system_status": system, "timestamp": stamp(now()),
		"is_in_sync": system == statusCodes[statusActive], "reason": r["REPLICATION_STATUS_DETAILS"], "siteName": r["SECONDARY_SITE_NAME"],
	}
}
