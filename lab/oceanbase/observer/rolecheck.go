package observer

import (
	"errors"
	"fmt"

	"github.com/switchback-dr/switchback/lab/oceanbase/obsql"
)

// checkChange is what the server looks at before it touches a tenant. The
// caller holds the lock.
func (o *Cluster) checkChange(t *tenant, kind string) error {
	if reason, ok := o.knobs.get(knobRefuse + "-" + t.Name); ok {
		return refused(o.Version, kind, reason)
	}
	if what, ok := o.knobs.get(knobUpgrade + "-" + t.Name); ok {
		return inProcedure.with(t.ID, what, kind)
	}
	switch {
	case !t.normal() && t.Role != rolePrimary && t.Role != roleStandby, !t.normal():
		return refused(o.Version, kind, statusNotNormal)
	case kind == intoStandby:
		return o.checkToStandby(t)
	case t.Role != roleStandby:
		return refused(o.Version, kind, switchoverNotMatch)
	case t.Remote:
		return refused(o.Version, kind, remoteData)
	case !resumes(kind, t.Change):
		return refused(o.Version, kind, fmt.Sprintf("%s, current switchover status is %s", switchoverNotMatch, t.Change))
	}
	if err := o.replicasReady(t, kind); err != nil {
		return err
	}
	return nil
}

// resumes says which promoting statement is accepted in which state of a
// standby: the one that began it, and either one after the cut began.
func resumes(kind, state string) bool {
	switch state {
	case stateNormal, stateFlashback, stateToPrimary:
		return true
	case stateFlashbackSoon:
		return kind == failover
	case statePrimarySoon:
		return kind == intoPrimary
	}
	return false
}

func (o *Cluster) checkToStandby(t *tenant) error {
	resumed := t.is(roleStandby, stateToStandby) || t.is(rolePrimary, stateStandbySoon)
	switch {
	case resumed:
		return nil
	case t.Change != stateNormal:
		return refused(o.Version, intoStandby, fmt.Sprintf("%s, current switchover status is %s", switchoverNotMatch, t.Change))
	case t.Role != rolePrimary:
		return refused(o.Version, intoStandby, notPrimary)
	case t.Until != maxSCN:
		return refused(o.Version, intoStandby, untilNotMax)
	}
	return nil
}

// verify is VERIFY: it checks and changes nothing. On servers that only parse
// the word it does not even check.
func (o *Cluster) verify(t *tenant, kind string) error {
	if !o.Version.verifies() {
		return nil
	}
	if !Version(t.Data).verifies() {
		return notSupported.with("verify on a tenant whose COMPATIBLE is too low is")
	}
	err := o.locked(func() error {
		if kind == intoStandby && t.is(roleStandby, stateNormal) || kind != intoStandby && t.is(rolePrimary, stateNormal) {
			return nil
		}
		return o.checkChange(t, kind)
	})
	if err != nil || kind != intoPrimary || t.Source == nil || t.is(rolePrimary, stateNormal) {
		return err
	}
	behind, err := o.behind(t, 1, kind)
	if err != nil {
		return err
	}
	if behind {
		return refusedf(o.Version, kind, waitSync, -4012)
	}
	return nil
}

func refusedf(v Version, kind, reason string, a ...any) *obsql.Error {
	return refused(v, kind, fmt.Sprintf(reason, a...))
}

// errPassing marks what may be over in a moment: the standby just waits.
var errPassing = errors.New("passing")

func retriable(err error) bool { return errors.Is(err, errPassing) }
