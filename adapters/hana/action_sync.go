package hana

import (
	"context"
	"regexp"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// syncArgs want one secondary in sync.
type syncArgs struct {
	Primary   Place `json:"primary"`
	Secondary Place `json:"secondary"`
}

// waitSync waits until every service of every database is active.
var waitSync = kit.Spec[syncArgs]{
	Name:  "hana.wait_sync",
	Kind:  dr.KindRead,
	Doc:   "Waits on the primary until every service of every database is ACTIVE to the secondary: exit code 15 and the word ACTIVE and every row of systemReplicationStatus.py, and every row of M_SERVICE_REPLICATION. Tells whether HANA ships a full replica, a delta or only the log.",
	Check: func(a syncArgs) error { return kit.Checks(a.Primary.Check(), a.Secondary.Check()) },
	Commands: func(a syncArgs) []dr.Command {
		return append(a.Primary.commands(partStatus), dr.Command{Host: a.Primary.Site + "/" + systemDB, SQL: queryAllServices})
	},
	Probe: func(ctx context.Context, env kit.Env, a syncArgs) kit.Effect {
		sql := make(chan SQL, 1)
		go func() { sql <- a.Primary.readSQL(ctx, env) }()
		r, _, err := a.Primary.brief(ctx, env, partStatus)
		r.SQL = <-sql
		if err != nil {
			return notRead(a.Primary, err)
		}
		l := linkTo(r, a.Secondary.Name, a.Secondary.SQL.Tenants)
		how := shipment(l.Rows)
		switch l.InSync {
		case dr.Yes:
			e := kit.Done("%s is in sync with %s; %s", a.Secondary.Site, a.Primary.Site, how)
			e.Evidence = []dr.Evidence{{Name: "replication to " + a.Secondary.Site, Text: how + "; " + l.Text, At: env.Now()}}
			return e
		case dr.Unknown:
			return kit.NotKnown("whether %s is in sync is unknown: %s", a.Secondary.Site, l.Text)
		case dr.No:
		}
		e := kit.NotDone("%s is not in sync yet: %s", a.Secondary.Site, l.Text)
		e.Progress = &kit.Progress{Text: "waiting for " + a.Secondary.Site + ": " + how + progressOf(l.Rows), At: env.Now()}
		return e
	},
	ProofText: func(a syncArgs) string {
		return "systemReplicationStatus.py on " + a.Primary.main().Host + " ends with 15 and shows ACTIVE for every service to " + a.Secondary.Name + ", and so does M_SERVICE_REPLICATION"
	},
	Poll: time.Second,
}

var fullReplica = regexp.MustCompile(`Full Replica: *([0-9]{1,3}) *%`)

// progressOf tells the per cent of a full replica, which is the one part of the
// free text that may be read.
func progressOf(rows []Service) string {
	var parts []string
	for _, s := range rows {
		if m := fullReplica.FindStringSubmatch(s.Details); m != nil {
			parts = append(parts, s.Database+" "+orNone(s.Name)+" "+m[1]+" %")
		} else if !strings.EqualFold(s.Status, "ACTIVE") {
			parts = append(parts, s.Database+" "+s.Port+" "+s.Status)
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// shipment says what HANA shipped since the secondary connected: measured, not
// assumed, for a register without a forced full replica can end in one too.
func shipment(rows []Service) string {
	full, delta := 0, 0
	for _, s := range rows {
		switch {
		case strings.EqualFold(s.Status, "INITIALIZING"), s.FullStart != "" && s.Connected != "" && s.FullStart >= s.Connected:
			full++
		case s.DeltaStart != "" && s.Connected != "" && s.DeltaStart >= s.Connected:
			delta++
		}
	}
	switch {
	case full > 0:
		return "a full replica was shipped for " + dr.Count(int64(full), "service")
	case delta > 0:
		return "a delta was shipped for " + dr.Count(int64(delta), "service")
	case len(rows) == 0:
		return "nothing is known of what was shipped"
	}
	return "only the log was shipped"
}
