package oceanbase

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

var epoch = regexp.MustCompile(`^-?[0-9]{1,19}$`)

// known is a place whose identities the plan has pinned.
func (p Place) known() error {
	if err := p.Check(); err != nil {
		return err
	}
	if p.TenantID == 0 || p.Cluster == 0 {
		return fmt.Errorf("the identities of %s are missing", p.Site)
	}
	return nil
}

// Check says what is wrong with a source.
func (s Source) Check() error {
	if s.Location != "" {
		err := kit.Match(destination, "location", s.Location)
		if s.Key != "" {
			err = kit.Checks(err, dr.CheckName("credential", s.Key))
		}
		return err
	}
	if len(s.Addresses) == 0 {
		return fmt.Errorf("the source has no address")
	}
	for _, a := range s.Addresses {
		if !address(a) {
			return fmt.Errorf("the address %q of the source is not host:port", dr.Clip(a, 80))
		}
	}
	return kit.Checks(kit.Match(identifier, "user", s.User), kit.Match(identifier, "tenant", s.Tenant), dr.CheckName("credential", s.Password))
}

// look reads a place and makes sure that it is the one of the plan. The tenant
// is there and recognised, or an error says why not.
func (p Place) look(ctx context.Context, env kit.Env, want part) (Reading, error) {
	r, err := p.read(ctx, env, want)
	if err != nil {
		return r, err
	}
	return r, p.isMine(r)
}

func (p Place) isMine(r Reading) error {
	switch {
	case p.Cluster != 0 && r.Cluster != p.Cluster:
		return kit.No("%s has cluster_id %d, the plan was made for %d", p.Site, r.Cluster, p.Cluster)
	case r.Missing:
		return kit.No("there is no tenant %s at %s", p.Tenant, p.Site)
	case r.Tenant == nil:
		return dr.Hold("unread", "the tenant at %s was not recognised: %s", p.Site, r.summary()).WithNext("look at it by hand, then retry")
	case p.TenantID != 0 && r.Tenant.ID != p.TenantID:
		return kit.No("the tenant %s at %s has TENANT_ID %d, the plan was made for %d", p.Tenant, p.Site, r.Tenant.ID, p.TenantID)
	case r.Tenant.Recycled:
		return kit.No("the tenant %s at %s is in the recycle bin", p.Tenant, p.Site)
	}
	return nil
}

// notRead is the probe's answer to a reading that gave an error. A changed
// identity can never become the effect.
func notRead(err error) kit.Effect {
	e := kit.NotKnown("%s", dr.AsError(err, "read").Text)
	if dr.HasCode(err, "guard") || dr.HasCode(err, "other_cluster") {
		e.Never = err
	}
	return e
}

// progress is an answer of "not yet" with its sentence.
func progress(env kit.Env, format string, a ...any) kit.Effect {
	e := kit.NotDone(format, a...)
	e.Progress = &kit.Progress{Text: e.Text, At: env.Now()}
	return e
}

// view is the select that a person checks a step with.
func (p Place) view(cols, from string) string {
	where := ""
	if p.TenantID != 0 && from != "DBA_OB_TENANTS" && !p.Own {
		where = fmt.Sprintf(" WHERE TENANT_ID = %d", p.TenantID)
	} else if from == "DBA_OB_TENANTS" {
		where = " WHERE TENANT_NAME = " + quoteText(p.Tenant)
	}
	if p.Own {
		from = strings.Replace(from, "CDB_", "DBA_", 1)
	}
	return "SELECT " + cols + " FROM oceanbase." + from + where
}

const roleColumns = "TENANT_ROLE, STATUS, SWITCHOVER_STATUS"

// reading shows a read step's own select.
func (p Place) reading(cols, from string) []dr.Command {
	return p.command(statement(p.view(cols, from)))
}

// settleShort is for synchronous statements: their effect shows at once.
const settleShort = 2 * time.Second
