package contrib

import (
	"context"
	"fmt"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// leftWithin bounds the question to a host that did not answer before.
const leftWithin = 5 * time.Second

// vipStillThere asks the host of a site that the procedure left behind. That it
// does not answer is an answer here, with its meaning.
func vipStillThere(ctx context.Context, env kit.Env, a vipArgs) kit.Effect {
	ask, cancel := context.WithTimeout(ctx, leftWithin)
	defer cancel()
	l, _, err := vipLinks(ask, env, a)
	address := a.prefix().Addr()
	switch {
	case err != nil:
		return kit.Done("%s could not be unbound at %s, whose host %s cannot be asked (%s): when it returns it may have the address a second time, and clients may reach it; the watch looks for that and raises an alarm",
			address, a.Site, a.Host, dr.Clip(dr.AsError(err, "vip").Text, 200))
	case len(l.find(address)) > 0:
		return kit.Effect{State: kit.EffectNotDone, Text: fmt.Sprintf("%s answers again and has %s", a.Host, address), Never: dr.Hold("vip_twice",
			"%s answers again and has %s: two machines have the address", a.Host, address).WithNext("unbind it at %s by hand (ip address del %s dev %s), then retry", a.Site, a.Address, a.Interface)}
	}
	return kit.Done("%s answers again and does not have %s", a.Host, address)
}

var vipLeft = kit.Spec[vipArgs]{
	Name: "vip.left", Kind: dr.KindRead, Check: vipArgs.check,
	Doc:       "Asks a site that did not answer whether it still has a virtual address, and says what it means when it still does not.",
	Commands:  func(a vipArgs) []dr.Command { return []dr.Command{vipShow(a.Host)} },
	Probe:     vipStillThere,
	ProofText: func(a vipArgs) string { return vipProof("not there")(a) + "; or the host does not answer" },
}
