package observer

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Bounds of the histories: the oldest rows go first.
const mostEvents = 2000

// roleEvent writes a row of the tenants' event history. The manual of
// DBA_OB_TENANT_EVENT_HISTORY: MODULE is TENANT ROLE CHANGE. For a failover the
// SWITCHOVER_SCN is the one read before it began (server source).
func (o *Cluster) roleEvent(t *tenant, kind, phase string, c *change, failed error) {
	e := event{
		Tenant: t.ID, At: micros(), Module: "TENANT ROLE CHANGE", Event: strings.ToUpper(kind) + " " + phase,
		Names: []string{"STMT_STR", "TENANT_INFO"}, Values: []string{c.statement, t.info()}, Code: codeOf(failed),
	}
	if failed != nil {
		e.Error = failed.Error()
	}
	if phase == "END" {
		scn := t.sync()
		if kind == failover {
			scn = c.from
		}
		e.Cost = time.Since(c.begun).Microseconds()
		e.Names = append(e.Names, "SWITCHOVER_SCN", "COST_DETAIL", "ALL_LS")
		e.Values = append(e.Values, strconv.FormatInt(scn, 10), "{total:"+strconv.FormatInt(e.Cost, 10)+"}", t.streamText())
	}
	o.event(e)
}

func (t *tenant) streamText() string {
	var all []string
	for _, s := range t.Streams {
		all = append(all, fmt.Sprintf("{id:%d, sync_scn:%d}", s.ID, s.Sync))
	}
	return "[" + strings.Join(all, ", ") + "]"
}

// rootEvent writes a row of the root service's history. Version 4.1 has only
// this one: EVENT like '%switchover to%', the error code in VALUE2.
func (o *Cluster) rootEvent(t *tenant, what string, code int64, name, value string) {
	o.event(event{
		Tenant: t.ID, At: micros(), Root: true, Module: "standby_tenant", Event: what,
		Names: []string{"tenant_id", "ret", name}, Values: []string{strconv.FormatInt(t.ID, 10), strconv.FormatInt(code, 10), value}, Code: code,
	})
}

func (o *Cluster) event(e event) {
	o.state.Events = append(o.state.Events, e)
	if n := len(o.state.Events); n > mostEvents {
		o.state.Events = o.state.Events[n-mostEvents:]
	}
}
