package hana

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// primaryArgs are the arguments of the checks of a new primary.
type primaryArgs struct {
	On Place `json:"on"`
	// Takeovers is the number of rows of the takeover history before, -1 when
	// it is not known.
	Takeovers int `json:"takeovers"`
}

func (a primaryArgs) check() error {
	if a.Takeovers < -1 {
		return fmt.Errorf("the number of takeovers is not allowed")
	}
	return a.On.Check()
}

// checkRole reads the role from topology and files.
var checkRole = kit.Spec[primaryArgs]{
	Name:     "hana.check_role",
	Kind:     dr.KindRead,
	Doc:      "Reads by hdbnsutil -sr_state and -sr_stateConfiguration that the site is primary, online and in no takeover.",
	Check:    primaryArgs.check,
	Commands: func(a primaryArgs) []dr.Command { return a.On.commands(partState, partConfig, partProcesses) },
	Probe: func(ctx context.Context, env kit.Env, a primaryArgs) kit.Effect {
		r, _, err := a.On.brief(ctx, env, partState, partConfig, partProcesses)
		if err != nil {
			return notRead(a.On, err)
		}
		if err := a.On.isPrimary(r); err != nil {
			return kit.NotDone("%s", dr.AsError(err, "role").Text)
		}
		return kit.Done("%s is primary and online", a.On.Site)
	},
	ProofText: func(a primaryArgs) string {
		return "hdbnsutil -sr_state on " + a.On.main().Host + " says online: true, mode: primary, is a takeover active: false"
	},
	Poll: 500 * time.Millisecond,
}

// checkDatabases logs in to SYSTEMDB and to every tenant.
var checkDatabases = kit.Spec[primaryArgs]{
	Name:  "hana.check_databases",
	Kind:  dr.KindRead,
	Doc:   "Logs in to SYSTEMDB and to every tenant of the inventory and runs a query there; M_DATABASES must show them as active. The index servers of large tenants open late.",
	Check: primaryArgs.check,
	Commands: func(a primaryArgs) []dr.Command {
		out := append(a.On.commands(partState), dr.Command{Host: a.On.Site + "/" + systemDB, SQL: queryDatabases})
		for _, t := range a.On.SQL.Tenants {
			out = append(out, dr.Command{Host: a.On.Site + "/" + t.Name, SQL: queryDatabase})
		}
		return out
	},
	Probe: func(ctx context.Context, env kit.Env, a primaryArgs) kit.Effect {
		if _, _, err := a.On.brief(ctx, env, partState); err != nil {
			return notRead(a.On, err)
		}
		rows, err := a.On.ask(ctx, env, systemDB, queryDatabases)
		if err != nil {
			return notRead(a.On, err)
		}
		active := map[string]string{}
		for _, r := range rows {
			active[r["DATABASE_NAME"]] = r["ACTIVE_STATUS"]
		}
		for _, t := range a.On.SQL.Tenants {
			if activeTri(active[t.Name]) != dr.Yes {
				return kit.NotDone("the tenant %s of %s is not active: %s", t.Name, a.On.Site, orNone(active[t.Name]))
			}
			got, err := a.On.ask(ctx, env, t.Name, queryDatabase)
			switch {
			case dr.HasCode(err, "sql_login"):
				return notRead(a.On, err)
			case err != nil:
				return kit.NotDone("the tenant %s of %s: %s", t.Name, a.On.Site, dr.AsError(err, "sql").Text)
			case len(got) != 1 || got[0]["DATABASE_NAME"] != t.Name:
				return kit.NotKnown("the login to the tenant %s of %s leads to another database", t.Name, a.On.Site)
			}
		}
		return kit.Done("%s: SYSTEMDB and %s take logins", a.On.Site, dr.Count(int64(len(a.On.SQL.Tenants)), "tenant"))
	},
	ProofText: func(a primaryArgs) string {
		return "a login to SYSTEMDB and to " + strings.Join(append([]string{}, names(a.On.SQL.Tenants)...), ", ") + " on " + a.On.Site + " works, and M_DATABASES shows them as active"
	},
	Poll: time.Second,
}

// checkTakeover reads the new row of the takeover history: the evidence for
// outage and loss.
var checkTakeover = kit.Spec[primaryArgs]{
	Name:  "hana.check_takeover",
	Kind:  dr.KindRead,
	Doc:   "Reads the new row of M_SYSTEM_REPLICATION_TAKEOVER_HISTORY: how long the takeover took, and the difference between the last log position of the source and the last one that was shipped, which is SAP's own measure of the loss.",
	Check: primaryArgs.check,
	Commands: func(a primaryArgs) []dr.Command {
		return append(a.On.commands(partState), dr.Command{Host: a.On.Site + "/" + systemDB, SQL: queryHistory})
	},
	Probe: func(ctx context.Context, env kit.Env, a primaryArgs) kit.Effect {
		if _, _, err := a.On.brief(ctx, env, partState); err != nil {
			return notRead(a.On, err)
		}
		rows, err := a.On.ask(ctx, env, systemDB, queryHistory)
		if err != nil {
			return notRead(a.On, err)
		}
		all := takeovers(rows)
		if len(all) == 0 || a.Takeovers >= 0 && len(all) <= a.Takeovers || all[len(all)-1].Site != a.On.Name {
			return kit.NotDone("the takeover history of %s has no new row of its own (%d before, %d now)", a.On.Site, a.Takeovers, len(all))
		}
		return historyEffect(a, all[len(all)-1], env.Now())
	},
	ProofText: func(a primaryArgs) string {
		return "M_SYSTEM_REPLICATION_TAKEOVER_HISTORY on " + a.On.Site + " has one row more, of " + a.On.Name
	},
	Poll: time.Second,
}

func historyEffect(a primaryArgs, t Takeover, at time.Time) kit.Effect {
	took, rto := "how long it took is not told", span(t.Start, t.End)
	if rto >= 0 {
		took = "it took " + rto.String()
	}
	loss := &dr.LossFound{Amount: dr.UnknownAmount(), Text: "the history has no log times: the loss cannot be computed"}
	if d := span(t.LogTime, t.ShippedTime); d >= 0 {
		loss.Amount.Millis = d.Milliseconds()
		loss.Text = fmt.Sprintf("by the takeover history %s lie between the last log position of the source (%s) and the last one shipped (%s)", d, t.LogTime, t.ShippedTime)
	}
	e := kit.Done("%s took over from %s at %s (%s); %s; %s", t.Site, orNone(t.Source), t.Start, orNone(t.Type), took, loss.Text)
	e.Loss = loss
	doubt := ""
	if a.Takeovers < 0 {
		doubt = "; how many rows there were before is not known"
	}
	e.Evidence = []dr.Evidence{{Name: "takeover history", At: at, Text: fmt.Sprintf("%s from %s, %s to %s, %s, %s/%s, status %s, log %s at %s, shipped %s at %s%s",
		t.Site, orNone(t.Source), t.Start, orNone(t.End), orNone(t.Type), orNone(t.Mode), orNone(t.Operation), orNone(t.Status),
		orNone(t.LogPos), orNone(t.LogTime), orNone(t.ShippedPos), orNone(t.ShippedTime), doubt)}}
	return e
}

// span is the absolute difference of two times of the same clock, below zero
// when one of them is not told.
func span(a, b string) time.Duration {
	x, err1 := time.Parse(timeText, a)
	y, err2 := time.Parse(timeText, b)
	if err1 != nil || err2 != nil {
		return -1
	}
	return y.Sub(x).Abs()
}
