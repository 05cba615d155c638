package vras

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/lab/vvr/kernel"
	"github.com/switchback-dr/switchback/lab/vvr/texts"
)

// here are commands that run where they were typed; all others run on the
// Primary, wherever they were typed.
var here = map[string]func(*run, kernel.View) error{
	"takeover": (*run).takeover,
	"makesec":  (*run).makesec,
	"printrvg": (*run).printrvg,
	"printvol": (*run).printvol,
}

// there are commands that run on the Primary.
var there = map[string]func(*run, kernel.View) error{
	"startrep":  (*run).startrep,
	"stoprep":   (*run).stoprep,
	"pauserep":  (*run).pauserep,
	"resumerep": (*run).pauserep,
	"syncrvg":   (*run).syncrvg,
	"migrate":   (*run).migrate,
	"fbsync":    (*run).fbsync,
	"resync":    (*run).resync,
	"addsec":    (*run).addsec,
	"delsec":    (*run).delsec,
	"resizesrl": (*run).resizesrl,
	"repstatus": (*run).repstatus,
}

// reading are the commands that change nothing.
var reading = map[string]bool{"printrvg": true, "printvol": true, "repstatus": true}

// exitCode is an error that is only an exit status: everything was said.
type exitCode int

// Error is never shown.
func (e exitCode) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// do runs the command here or passes it on to the Primary.
func (r *run) do(g greeting) (int, error) {
	switch r.keyword {
	case "-version":
		r.println("vradmin: VxVM lab 7.4 (simulated)")
		return 0, nil
	case "help":
		r.println("Usage: vradmin [-g diskgroup] [options] keyword arguments")
		return 0, nil
	}
	v, err := r.viewOf(r.config.Host)
	if err != nil {
		return 1, err
	}
	if err := r.known(v); err != nil {
		return 1, err
	}
	if !reading[r.keyword] {
		if !r.busy.TryLock() {
			return 1, texts.Refuse("busy", v.RVG)
		}
		defer r.busy.Unlock()
	}
	f := here[r.keyword]
	if f == nil {
		if primary := r.primaryOf(v); primary != r.config.Host && !r.ownPause(v) {
			return r.passOn(g, primary, v)
		}
		f = there[r.keyword]
	}
	err = f(r, v)
	var code exitCode
	if errors.As(err, &code) {
		return int(code), nil
	}
	return 0, err
}

// known refuses names of other disk groups and RVGs.
func (r *run) known(v kernel.View) error {
	if r.dg != "" && r.dg != v.DG || v.Deported {
		dg := r.dg
		if dg == "" {
			dg = v.DG
		}
		return texts.Refuse("no-dg", dg)
	}
	if r.name != "" && r.name != v.RVG {
		return texts.Refuse("no-rvg", r.name, v.DG)
	}
	return nil
}

// ownPause says whether a Secondary pauses its own end.
func (r *run) ownPause(v kernel.View) bool {
	return v.Role == kernel.Secondary && (r.keyword == "pauserep" || r.keyword == "resumerep")
}

// primaryOf names the Primary of the RDS as this host knows it: itself, or the
// one that it follows, or, for an acting secondary, the one that took over.
func (r *run) primaryOf(v kernel.View) string {
	if v.Role == kernel.Secondary {
		return v.Follows
	}
	if v.Acting {
		for i, l := range v.Links {
			if v.Ends[i].Other.Failback {
				return l.Remote
			}
		}
	}
	return r.config.Host
}

// passOn lets the Primary's vradmind run the command.
func (r *run) passOn(g greeting, primary string, v kernel.View) (int, error) {
	c, err := r.reachPeer(primary, greeting{Kind: "command", Argv: g.Argv, Viewer: r.viewer})
	if err != nil {
		if r.keyword == "repstatus" {
			r.lastKnown(v)
			return 0, nil
		}
		return 1, err
	}
	defer func() { _ = c.Close() }()
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		select {
		case <-r.gone:
			_ = c.Close()
		case <-stop:
		}
	}()
	code, err := r.copyFrames(c)
	if err != nil {
		return 1, texts.Refuse("lost", primary)
	}
	return code, nil
}

// target finds the one Secondary that a command is about.
func (r *run) target(v kernel.View, words []string) (string, error) {
	if len(words) > 0 {
		if _, l := v.End(words[0]); l == nil {
			return "", texts.Refuse("unknown-host", words[0], v.RVG)
		}
		return words[0], nil
	}
	var all []string
	for _, l := range v.Links {
		if !l.Removed {
			all = append(all, l.Remote)
		}
	}
	if len(all) != 1 {
		return "", texts.Refuse("usage", "name the Secondary: one of "+strings.Join(all, ", "))
	}
	return all[0], nil
}

// startrep attaches both ends and returns: the connection is made later.
func (r *run) startrep(v kernel.View) error {
	host, err := r.target(v, r.rest)
	if err != nil {
		return err
	}
	how := ""
	for _, o := range []string{"-a", "-b", "-c", "-f"} {
		if r.has(o) {
			how += o[1:]
		}
	}
	if len(how) != 1 {
		return texts.Refuse("usage", "startrep needs one of -a, -b, -c checkpoint, -f")
	}
	other, err := r.viewOf(host)
	if err != nil {
		return err
	}
	if err := sameVolumes(v, other); err != nil {
		return err
	}
	a := kernel.Attach{Remote: host, How: how, Checkpoint: r.checkpoint, DryRun: true}
	f := kernel.Follow{Primary: r.config.Host, Consistent: how == "f" || how == "b", DryRun: true}
	if err := r.ask(r.config.Host, "attach", a, nil); err != nil {
		return err
	}
	if err := r.ask(host, "follow", f, nil); err != nil {
		return err
	}
	r.println("Message from Host " + host + ":")
	r.println(texts.Line("vxrlink", "detected", v.RVG))
	for _, vol := range v.Volumes {
		r.println(texts.Line("vxrlink", "detected-vol", vol.Name, vol.Size/512, vol.Name))
	}
	if how == "f" {
		r.errorln(texts.Line("vxrlink", "att-force"))
	}
	a.DryRun, f.DryRun = false, false
	if err := r.ask(host, "follow", f, nil); err != nil {
		return err
	}
	r.stall("startrep")
	return r.ask(r.config.Host, "attach", a, nil)
}

// sameVolumes compares names and sizes of data volumes.
func sameVolumes(a, b kernel.View) error {
	for _, v := range a.Volumes {
		same := false
		for _, w := range b.Volumes {
			same = same || v.Name == w.Name && v.Size == w.Size
		}
		if !same {
			return texts.Refuse("size-mismatch", v.Name, b.Host)
		}
	}
	return nil
}

// stoprep detaches both ends. A Secondary that is out of reach is left alone
// only with -f.
func (r *run) stoprep(v kernel.View) error {
	host, err := r.target(v, r.rest)
	if err != nil {
		return err
	}
	e, l := v.End(host)
	other, err := r.viewOf(host)
	if err != nil && !r.has("-f") {
		return err
	}
	_, back := other.End(r.config.Host)
	remote := err == nil && back != nil && back.Attached
	if !l.Attached && !remote {
		return texts.Refuse("detached", l.Name)
	}
	if l.Attached && (e.Bytes > 0 || l.Mode != kernel.ModeSRL) && !r.confirmed("The Secondary is not up-to-date. Stop replication to host "+host+"?") {
		return texts.Refuse("prompt-refused")
	}
	if l.Attached {
		if err := r.ask(r.config.Host, "detach", kernel.Detach{Remote: host}, nil); err != nil {
			return err
		}
	}
	if remote {
		return r.ask(host, "detach", kernel.Detach{Remote: r.config.Host}, nil)
	}
	return nil
}

// pauserep is pauserep and resumerep, on either side.
func (r *run) pauserep(v kernel.View) error {
	host := v.Follows
	if v.Role == kernel.Primary {
		var err error
		if host, err = r.target(v, r.rest); err != nil {
			return err
		}
	}
	return r.ask(r.config.Host, "pause", kernel.Pause{Remote: host, On: r.keyword == "pauserep"}, nil)
}

// fbsync starts the failback synchronisation.
func (r *run) fbsync(v kernel.View) error {
	d := kernel.Detach{}
	if len(r.rest) > 0 {
		d.Remote = r.rest[0]
	}
	if err := r.ask(r.config.Host, "fbsync", d, nil); err != nil {
		return err
	}
	return r.waitSynced(kernel.ModeFailback)
}

// resync replays the DCM after an SRL overflow.
func (r *run) resync(kernel.View) error {
	if err := r.ask(r.config.Host, "resync", nil, nil); err != nil {
		return err
	}
	return r.waitSynced(kernel.ModeOverflow)
}

// waitSynced waits with -wait until no RLINK is in the mode.
func (r *run) waitSynced(mode kernel.Mode) error {
	for r.has("-wait") && !r.cancelled() {
		v, err := r.viewOf(r.config.Host)
		if err != nil {
			return err
		}
		busy := false
		for _, l := range v.Links {
			busy = busy || l.Attached && l.Mode == mode
		}
		if !busy {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return nil
}

// addsec adds a Secondary again that delsec removed: both RLINKs, detached.
func (r *run) addsec(v kernel.View) error {
	if r.rest[0] != r.config.Host {
		return texts.Refuse("not-primary", v.RVG, r.rest[0])
	}
	host := r.rest[1]
	other, err := r.viewOf(host)
	if err != nil {
		return err
	}
	if err := sameVolumes(v, other); err != nil {
		return err
	}
	if other.Role != kernel.Secondary {
		return texts.Refuse("config-error", host, "Primary-Primary configuration")
	}
	if _, l := other.End(r.config.Host); l == nil {
		if err := r.ask(host, "add-link", kernel.Detach{Remote: r.config.Host}, nil); err != nil {
			return err
		}
	}
	return r.ask(r.config.Host, "add-link", kernel.Detach{Remote: host}, nil)
}

// delsec removes a Secondary whose replication is stopped.
func (r *run) delsec(v kernel.View) error {
	host, err := r.target(v, r.rest)
	if err != nil {
		return err
	}
	if err := r.ask(r.config.Host, "del-link", kernel.Detach{Remote: host}, nil); err != nil {
		return err
	}
	if err := r.ask(host, "del-link", kernel.Detach{Remote: r.config.Host}, nil); err != nil {
		r.errorln(texts.Explain("vradmin", err))
	}
	return nil
}

// resizesrl gives the SRL another capacity on the Primary.
func (r *run) resizesrl(kernel.View) error {
	n, ok := parseSize(r.rest[0])
	if !ok {
		return texts.Refuse("usage", "illegal length "+r.rest[0])
	}
	return r.ask(r.config.Host, "resize-srl", kernel.Size{Bytes: n}, nil)
}
