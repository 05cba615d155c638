package observer

import "time"

// stepToStandby is a step of SWITCHOVER TO STANDBY.
func (c *change) stepToStandby(role, state string) (string, error) {
	o := c.cluster
	switch {
	case role == rolePrimary && state == stateNormal && o.Version.preparesStandby():
		return c.move(rolePrimary, stateStandbySoon, nil)
	case role == rolePrimary && (state == stateNormal || state == stateStandbySoon):
		// From here on no client's write is taken.
		return c.move(roleStandby, stateToStandby, nil)
	case role == roleStandby && state == stateToStandby:
		_, err := c.move(roleStandby, stateNormal, c.closeStreams)
		return "", err
	}
	return "", concurrent()
}

// closeStreams ends every log at one SCN, which the manual says may be up to
// 20 s ahead of the clock.
func (c *change) closeStreams(t *tenant) error {
	o := c.cluster
	for _, s := range t.Streams {
		if _, ok := o.leader(t, s.ID); !ok {
			return noLeader.with()
		}
	}
	end := max(time.Now().Add(time.Duration(o.Pace.Ahead)).UnixNano(), t.furthest()+1, t.Base)
	for _, s := range t.Streams {
		s.Access = accessRaw
		if err := s.setSync(end); err != nil {
			return err
		}
	}
	t.Final = end
	t.refresh()
	return nil
}

// waitStreams waits until the log of stream ls, or with 0 of all, has come as
// far as the source's. Without a source nothing is waited for: so does the
// server, and that is why nobody should promote such a tenant.
func (c *change) waitStreams(ls int64) error {
	o := c.cluster
	for {
		o.mu.Lock()
		src := c.tenant.Source
		o.mu.Unlock()
		if src == nil {
			return nil
		}
		behind, err := o.behind(c.tenant, ls, c.kind)
		if err == nil && !behind {
			return nil
		}
		// A source that does not answer refuses the statement, unless it was
		// accepted already: then its time is waited for.
		if err != nil && (ls != 0 || !retriable(err)) {
			return err
		}
		if !c.pause(time.Duration(o.Pace.Poll)) {
			return refusedf(o.Version, c.kind, waitSync, -4012)
		}
	}
}
