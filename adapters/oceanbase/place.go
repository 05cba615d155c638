package oceanbase

import (
	"fmt"
	"regexp"

	"github.com/switchback-dr/switchback/dr"
)

// Place is a tenant in its cluster as an action is given it: how to get there
// and what identifies it, so that no statement reaches another one.
type Place struct {
	Site string `json:"site"`
	// Addresses are the SQL ports of the cluster's observers.
	Addresses []string `json:"addresses"`
	// Login is the user with its tenant: root@sys, root@sys#obeast.
	Login string `json:"login"`
	// Password is the credential's name.
	Password string `json:"password"`
	Tenant   string `json:"tenant"`
	// Own says that the login is the tenant's own: no TENANT clause.
	Own bool `json:"own,omitempty"`
	// Cluster and TenantID are the identities read when the plan was made; 0
	// when the tenant does not exist yet.
	Cluster  int64 `json:"cluster,omitempty"`
	TenantID int64 `json:"tenant_id,omitempty"`
}

var loginName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,62}@[A-Za-z_][A-Za-z0-9_]{0,62}(#[A-Za-z_][A-Za-z0-9_]{0,62})?$`)

// Check says what is wrong with a place that came with a step.
func (p Place) Check() error {
	if err := dr.CheckName("site", p.Site); err != nil {
		return err
	}
	if err := dr.CheckName("credential", p.Password); err != nil {
		return err
	}
	if len(p.Addresses) == 0 {
		return fmt.Errorf("%s has no address", p.Site)
	}
	for _, a := range p.Addresses {
		if !address(a) {
			return fmt.Errorf("the address %q of %s is not host:port", dr.Clip(a, 80), p.Site)
		}
	}
	if !loginName.MatchString(p.Login) || !identifier.MatchString(p.Tenant) {
		return fmt.Errorf("the login or tenant of %s is not allowed", p.Site)
	}
	if p.Cluster < 0 || p.TenantID < 0 {
		return fmt.Errorf("an identity of %s is negative", p.Site)
	}
	return nil
}
