package vras

import (
	"encoding/json"
	"errors"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/switchback-dr/switchback/lab/vvr/kernel"
	"github.com/switchback-dr/switchback/lab/vvr/texts"
)

// copyFrames copies the output of a command that runs on another host, and a
// person's answers the other way.
func (r *run) copyFrames(c net.Conn) (int, error) {
	in, out := json.NewDecoder(c), json.NewEncoder(c)
	for {
		var f frame
		if err := in.Decode(&f); err != nil {
			return 1, err
		}
		if f.Done {
			return f.Exit, nil
		}
		r.send(f)
		if !f.Ask {
			continue
		}
		answer := frame{}
		select {
		case answer = <-r.answers:
		case <-r.gone:
		}
		if err := out.Encode(answer); err != nil {
			return 1, err
		}
	}
}

// takeover makes this Secondary the Primary. Its Primary must be out of reach
// for the kernel and for vradmind.
func (r *run) takeover(v kernel.View) error {
	if r.has("-N") && r.has("-autofb") {
		return texts.Refuse("usage", "-N and -autofb exclude each other")
	}
	if v.Role == kernel.Secondary {
		if c, err := r.reachPeer(v.Follows, greeting{Kind: "ping"}); err == nil {
			_ = c.Close()
			return texts.Refuse("primary-up", v.Follows)
		}
	}
	return r.ask(r.config.Host, "takeover", kernel.Takeover{Failback: !r.has("-N"), Auto: r.has("-autofb")}, nil)
}

// makesec converts an original Primary. Only after it is one does the new
// Primary take it back into the RDS. A name of no host of the RDS is refused
// below, as every name without a Primary-Primary configuration is.
func (r *run) makesec(v kernel.View) error {
	name := r.rest[0]
	if _, known := r.config.Peers[name]; known && v.Role == kernel.Primary && !v.Acting {
		c, err := r.reachPeer(name, greeting{Kind: "ping"})
		if err != nil {
			return err
		}
		_ = c.Close()
	}
	r.openBefore("makesec")
	if err := r.ask(r.config.Host, "makesec", kernel.Makesec{Name: name, Force: r.has("-f")}, nil); err != nil {
		return err
	}
	return r.ask(name, "rejoin", kernel.Detach{Remote: r.config.Host}, nil)
}

// migrate exchanges the roles of the Primary and a Secondary: the Primary first
// becomes a Secondary, so that there are never two. When the other host refuses
// its half, the first is undone; when its answer is lost, nothing is.
func (r *run) migrate(v kernel.View) error {
	to, err := r.target(v, r.rest)
	if err != nil {
		return err
	}
	if !r.confirmed("Are all applications using the Primary volumes stopped?") {
		return texts.Refuse("prompt-refused")
	}
	if err := r.membersReady(v); err != nil {
		return err
	}
	r.openBefore("migrate")
	var members []string
	for _, l := range v.Links {
		if l.Remote != to && l.Attached {
			members = append(members, l.Remote)
		}
	}
	if err := r.ask(r.config.Host, "demote", kernel.Migrate{Other: to}, nil); err != nil {
		return err
	}
	r.stall("migrate")
	if err := r.promote(to, members); err != nil {
		return err
	}
	if err := r.ask(r.config.Host, "migrated", nil, nil); err != nil {
		return err
	}
	for _, m := range members {
		f := kernel.Follow{Primary: to, Consistent: true, Switch: true}
		if err := r.ask(m, "follow", f, nil); err != nil {
			r.errorln(texts.Explain("vradmin", err))
		}
	}
	return nil
}

// promote asks for the second half, and undoes the first when it is certain
// that there is none.
func (r *run) promote(to string, members []string) error {
	err := r.ask(to, "promote", kernel.Migrate{Other: r.config.Host, Members: members}, nil)
	var refused *texts.Refusal
	if err == nil || !errors.As(err, &refused) || refused.Key == "lost" {
		return err
	}
	r.errorln(texts.Explain("vradmin", err))
	if err := r.ask(r.config.Host, "undo-demote", nil, nil); err != nil {
		return err
	}
	return texts.Refuse("migrate-remote", to)
}

// settle looks after a migration whose vradmind or host died between its two
// halves: where the other host is Primary it was done, and where that host is
// read as a Secondary the original configuration is restored. The guide
// promises that for a migration that fails; what a restarted vradmind does is
// the lab's own reading of it.
func (d *daemon) settle() {
	for ; ; time.Sleep(settleEvery) {
		// Commands are refused only while there is something to settle.
		if v, err := d.viewOf(d.config.Host); err != nil || v.MigratesTo == "" || !d.busy.TryLock() {
			continue
		}
		d.settleOnce()
		d.busy.Unlock()
	}
}

// settleEvery is how often an unfinished migration is looked for.
const settleEvery = 300 * time.Millisecond

func (d *daemon) settleOnce() {
	v, err := d.viewOf(d.config.Host)
	if err != nil || v.MigratesTo == "" {
		return
	}
	other, err := d.viewOf(v.MigratesTo)
	if err != nil {
		return
	}
	op := "undo-demote"
	if other.Role == kernel.Primary {
		op = "migrated"
	}
	_ = d.ask(d.config.Host, op, nil, nil)
}

// membersReady asks every host that takes part whether it can.
func (r *run) membersReady(v kernel.View) error {
	for _, l := range v.Links {
		if !l.Attached {
			continue
		}
		if _, err := r.viewOf(l.Remote); err != nil {
			return err
		}
	}
	return nil
}

// openBefore obeys a fault switch: somebody opens the volumes just before a
// command looks.
func (r *run) openBefore(command string) {
	if _, on := kernel.Knob(r.root, "open-before-"+command); !on {
		return
	}
	k, err := r.kernelOf(r.config.Host)
	if err != nil {
		return
	}
	v, err := r.viewOf(r.config.Host)
	if err != nil {
		return
	}
	if k.Ask("hold", []string{v.Volumes[0].Name}, nil, askPatience) != nil {
		return
	}
	time.AfterFunc(2*time.Second, k.Close)
}

// parseSize reads a length: bytes, or with k, m, g; a bare number counts
// sectors of 512 bytes, as VxVM's do.
func parseSize(text string) (int64, bool) {
	if text == "" {
		return 0, false
	}
	units := map[byte]int64{'s': 512, 'k': 1 << 10, 'm': 1 << 20, 'g': 1 << 30}
	unit, known := units[text[len(text)-1]|0x20]
	if known {
		text = text[:len(text)-1]
	} else {
		unit = 512
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n * unit, err == nil && n > 0 && n < 1<<40
}

// hosts of an RDS as a view knows them, without those that were removed.
func membersOf(v kernel.View) []string {
	var all []string
	for _, l := range v.Links {
		if !l.Removed {
			all = append(all, l.Remote)
		}
	}
	slices.Sort(all)
	return all
}
