package vras

import (
	"fmt"
	"strings"

	"github.com/switchback-dr/switchback/lab/vvr/kernel"
)

// seen is one host of an RDS as printrvg shows it.
type seen struct {
	name  string
	view  kernel.View
	alive bool
}

// rds gathers the Primary and the Secondaries as this host knows them.
func (r *run) rds(v kernel.View) (primary seen, secondaries []seen) {
	own := seen{r.config.Host, v, true}
	name := r.primaryOf(v)
	primary = own
	if name != r.config.Host {
		primary = r.look(name)
	}
	source := primary.view
	if !primary.alive {
		source = v
		source.Host = name
	}
	for _, m := range r.membersSeen(source, v, name) {
		if m == r.config.Host {
			secondaries = append(secondaries, own)
			continue
		}
		secondaries = append(secondaries, r.look(m))
	}
	return primary, secondaries
}

// membersSeen lists the Secondaries: the Primary's own list, or, when it is out
// of reach, this host and those that it has RLINKs to.
func (r *run) membersSeen(source, own kernel.View, primary string) []string {
	if source.Host == primary && source.Role == kernel.Primary {
		return membersOf(source)
	}
	all := []string{r.config.Host}
	for _, m := range membersOf(own) {
		if m != primary {
			all = append(all, m)
		}
	}
	return all
}

func (r *run) look(host string) seen {
	v, err := r.viewOf(host)
	return seen{host, v, err == nil}
}

// printrvg prints the RDS: layout of a public command reference; the long form
// and the errors from general knowledge.
func (r *run) printrvg(v kernel.View) error {
	primary, secondaries := r.rds(v)
	r.println("Replicated Data Set: " + v.RVG)
	r.printHost("Primary", primary, v)
	for _, s := range secondaries {
		r.printHost("Secondary", s, v)
	}
	r.configErrors(v, secondaries)
	return nil
}

func (r *run) printHost(title string, s seen, own kernel.View) {
	if !s.alive {
		title += " (Unreachable)"
	}
	r.println(title + ":")
	local := ""
	if s.name == r.viewer {
		local = "    <localhost>"
	}
	r.println("\tHostName: " + s.name + local)
	r.println("\tRvgName: " + own.RVG)
	r.println("\tDgName: " + own.DG)
	if !r.has("-l") || !s.alive {
		return
	}
	r.println(fmt.Sprintf("\tdatavol_cnt: %d", len(s.view.Volumes)))
	r.println("\tvset_cnt: 0")
	r.println("\tsrl: " + s.view.SRL)
	r.println("\tRLinks:")
	for _, l := range s.view.Links {
		r.println(fmt.Sprintf("\t    name=%s, detached=%s, synchronous=%s", l.Name, onOff(!l.Attached), onOff(l.Sync)))
	}
}

// onOff is how VVR writes a flag.
func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// configErrors prints what is wrong with the RDS as this host sees it.
func (r *run) configErrors(v kernel.View, secondaries []seen) {
	var lines []string
	for i, l := range v.Links {
		if v.Ends[i].Other.Two {
			lines = append(lines, l.Remote+":\tPrimary-Primary configuration")
		}
	}
	for _, s := range secondaries {
		if !s.alive {
			lines = append(lines, s.name+":\t"+stale)
		}
	}
	if v.Role == kernel.Secondary {
		if e, l := v.End(v.Follows); l != nil && !e.Heard {
			lines = append(lines, l.Remote+":\t"+stale)
		}
	}
	if len(lines) == 0 {
		return
	}
	r.println("Config Errors:")
	for _, l := range lines {
		r.println("\t" + l)
	}
}

// stale is what VVR says of a host that does not answer (wording from general
// knowledge).
const stale = "Pri or Sec IP not available or vradmind not running, stale information"

// printvol prints both sides' volumes, layout of a public command reference.
func (r *run) printvol(v kernel.View) error {
	primary, secondaries := r.rds(v)
	r.println("Replicated Data Set: " + v.RVG)
	for _, s := range secondaries {
		r.columns("TY  ", "PRIMARY", "SECONDARY")
		r.columns("h   ", primary.name, s.name)
		r.columns("dg  ", v.DG, v.DG)
		r.columns("rv  ", v.RVG, v.RVG)
		for i := range v.Volumes {
			r.columns("v   ", volume(primary, i, "name"), volume(s, i, "name"))
			r.columns("sz  ", volume(primary, i, "size"), volume(s, i, "size"))
			r.columns("pn  ", volume(primary, i, "plexes"), volume(s, i, "plexes"))
			r.columns("fl  ", volume(primary, i, "flags"), volume(s, i, "flags"))
		}
	}
	return nil
}

func (r *run) columns(head, left, right string) {
	r.println(strings.TrimRight(fmt.Sprintf("%s%-38s%s", head, left, right), " "))
}

func volume(s seen, i int, what string) string {
	if !s.alive || i >= len(s.view.Volumes) {
		return "-"
	}
	v := s.view.Volumes[i]
	switch what {
	case "name":
		return v.Name
	case "size":
		return fmt.Sprint(v.Size / 512)
	case "plexes":
		return "1"
	}
	if v.DCM {
		return "DCM"
	}
	return "-"
}
