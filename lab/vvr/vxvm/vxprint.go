package vxvm

import (
	"fmt"
	"strings"

	"github.com/switchback-dr/switchback/lab/vvr/kernel"
	"github.com/switchback-dr/switchback/lab/vvr/texts"
)

// Print is vxprint: records in full (-l), single values (-F), or a short list.
// The lines rid, latency and version are constants: nothing of VVR's behaviour
// that the lab imitates depends on them.
func Print(e Env, args []string) int {
	return run(e, "vxprint", args, "gF", func(t *tool) error {
		v, err := t.view()
		if err != nil {
			return err
		}
		for _, w := range t.words {
			if !isRecord(v, w) {
				return texts.Refuse("other", fmt.Sprintf("Record %s not found", w))
			}
		}
		switch {
		case t.values["F"] != "":
			t.values1(v)
		case t.options["l"]:
			t.records(v)
		default:
			t.list(v)
		}
		return nil
	})
}

func isRecord(v kernel.View, name string) bool {
	if name == v.RVG || name == v.SRL {
		return true
	}
	for _, l := range v.Links {
		if l.Name == name {
			return true
		}
	}
	for _, w := range v.Volumes {
		if w.Name == name {
			return true
		}
	}
	return false
}

// wanted says whether a record of a kind is asked for: by its kind's letter, or
// by name, or because nothing was chosen.
func (t *tool) wanted(kind, name string) bool {
	if (t.options["V"] || t.options["P"] || t.options["v"]) && !t.options[kind] {
		return false
	}
	for _, w := range t.words {
		if w == name {
			return true
		}
	}
	return len(t.words) == 0
}

// values1 prints one value of each record.
func (t *tool) values1(v kernel.View) {
	print := func(all map[string]string) {
		out := t.values["F"]
		for name, value := range all {
			out = strings.ReplaceAll(out, "%"+name, value)
		}
		if strings.Contains(out, "%") {
			out = "-"
		}
		t.println("%s", out)
	}
	if t.wanted("V", v.RVG) && !t.options["P"] && !t.options["v"] {
		print(map[string]string{
			"name": v.RVG, "datavols": list(volumeNames(v)), "srl": v.SRL, "rlinks": list(linkNames(v, false)),
			"state": rvgState(v), "kstate": rvgKernel(v),
		})
	}
	for i, l := range v.Links {
		if t.options["P"] && t.wanted("P", l.Name) {
			print(map[string]string{
				"name": l.Name, "remote_host": l.Remote, "local_host": v.Host, "srlprot": l.SRLProt, "remote_rlink": l.RemoteName,
				"remote_dg": v.DG, "rvg": v.RVG, "synchronous": synchronous(l), "state": linkState(l), "kstate": linkKernel(v.Ends[i], l),
			})
		}
	}
}

// list is a comma separated list, "-" for none.
func list(all []string) string {
	if len(all) == 0 {
		return "-"
	}
	return strings.Join(all, ",")
}

func volumeNames(v kernel.View) (all []string) {
	for _, w := range v.Volumes {
		all = append(all, w.Name)
	}
	return all
}

func linkNames(v kernel.View, attached bool) (all []string) {
	for _, l := range v.Links {
		if l.Attached || !attached {
			all = append(all, l.Name)
		}
	}
	return all
}

func synchronous(l *kernel.Link) string {
	if l.Sync {
		return "override"
	}
	return "off"
}

func rvgState(v kernel.View) string {
	if v.Started {
		return "ACTIVE"
	}
	return "CLEAN"
}

func rvgKernel(v kernel.View) string {
	if v.Started {
		return "ENABLED"
	}
	return "DISABLED"
}

func linkState(l *kernel.Link) string {
	switch {
	case !l.Attached:
		return "STALE"
	case l.PrimaryPaused || l.SecondaryPaused:
		return "PAUSE"
	}
	return "ACTIVE"
}

func linkKernel(e kernel.End, l *kernel.Link) string {
	switch {
	case !l.Attached:
		return "DETACHED"
	case e.Connected:
		return "CONNECT"
	}
	return "ENABLED"
}

// records prints records in full.
func (t *tool) records(v kernel.View) {
	t.println("Disk group: %s", v.DG)
	if t.wanted("V", v.RVG) {
		t.rvg(v)
	}
	for i, l := range v.Links {
		if t.wanted("P", l.Name) {
			t.rlink(v, l, v.Ends[i])
		}
	}
	for _, w := range v.Volumes {
		if t.wanted("v", w.Name) {
			t.println("")
			t.println("Volume:   %s", w.Name)
			t.println("info:     len=%d", w.Size/512)
			t.println("state:    state=ACTIVE kernel=%s", rvgKernel(v))
			t.println("assoc:    rvg=%s", v.RVG)
			t.println("flags:    %s writeback", openness(v))
		}
	}
}

func (t *tool) rvg(v kernel.View) {
	t.println("")
	t.println("Rvg:      %s", v.RVG)
	t.println("info:     rid=0.1317 version=%d rvg_version=31 last_tag=%d", v.Tags, v.Tags)
	if n := len(v.Checkpoints); n > 0 {
		t.println("          checkpoint=%s", v.Checkpoints[n-1].Name)
	}
	t.println("state:    state=%s kernel=%s", rvgState(v), rvgKernel(v))
	t.println("assoc:    datavols=%s", list(volumeNames(v)))
	t.println("          srl=%s", v.SRL)
	t.println("          rlinks=%s", list(linkNames(v, false)))
	t.println("att:      rlinks=%s", list(linkNames(v, true)))
	t.println("flags:    %s", strings.Join(rvgFlags(v), " "))
}

func openness(v kernel.View) string {
	if len(v.Open) > 0 {
		return "open"
	}
	return "closed"
}

func rvgFlags(v kernel.View) []string {
	enabled := "enabled"
	if !v.Started {
		enabled = "disabled"
	}
	attached := "detached"
	if len(linkNames(v, true)) > 0 {
		attached = "attached"
	}
	flags := []string{openness(v), string(v.Role), enabled, attached}
	if v.Acting {
		flags = append(flags, "acting_secondary")
	}
	seen := map[string]bool{}
	for i, l := range v.Links {
		for _, f := range dcmFlags(v.Ends[i], l) {
			if !seen[f] && !v.Acting {
				flags = append(flags, f)
			}
			seen[f] = true
		}
	}
	return flags
}

// dcmFlags are what an RLINK's use of the DCM shows.
func dcmFlags(e kernel.End, l *kernel.Link) []string {
	var flags []string
	switch l.Mode {
	case kernel.ModeAutosync:
		flags = append(flags, "dcm_logging", "autosync")
	case kernel.ModeOverflow:
		flags = append(flags, "dcm_logging")
	case kernel.ModeFailback:
		flags = append(flags, "dcm_logging", "failback_logging")
	case kernel.ModeSRL:
	}
	switch {
	case !l.Resync:
	case l.PrimaryPaused || l.SecondaryPaused || !e.Connected:
		flags = append(flags, "resync_paused")
	default:
		flags = append(flags, "resync_started")
	}
	return flags
}

func (t *tool) rlink(v kernel.View, l *kernel.Link, e kernel.End) {
	t.println("")
	t.println("Rlink:    %s", l.Name)
	t.println("info:     timeout=500 rid=0.1422")
	t.println("          latency_high_mark=10000 latency_low_mark=9950")
	t.println("          bandwidth_limit=none")
	t.println("state:    state=%s", linkState(l))
	t.println("          synchronous=%s latencyprot=off srlprot=%s", synchronous(l), l.SRLProt)
	t.println("assoc:    rvg=%s", v.RVG)
	t.println("          remote_host=%s IP_addr=%s port=4145", l.Remote, e.IP)
	t.println("          remote_dg=%s", v.DG)
	t.println("          remote_dg_dgid=1007063636.1025.%s", l.Remote)
	t.println("          remote_rvg_version=31")
	t.println("          remote_rlink=%s", l.RemoteName)
	t.println("          remote_rlink_rid=0.1073")
	t.println("          local_host=%s IP_addr=%s port=4145", v.Host, v.IP)
	if l.Checkpoint != "" && l.Attached {
		t.println("          checkpoint=%s", l.Checkpoint)
	}
	t.println("protocol: TCP/IP")
	t.println("flags:    %s", strings.Join(linkFlags(e, l), " "))
}

func linkFlags(e kernel.End, l *kernel.Link) []string {
	pick := func(yes bool, a, b string) string {
		if yes {
			return a
		}
		return b
	}
	flags := []string{"write", pick(l.Attached, "enabled", "disabled"), pick(l.Attached, "attached", "detached")}
	if l.PrimaryPaused {
		flags = append(flags, "primary_paused")
	}
	if l.SecondaryPaused {
		flags = append(flags, "secondary_paused")
	}
	if l.Consistent {
		flags = append(flags, "consistent")
	} else {
		flags = append(flags, "inconsistent", "cant_sync")
	}
	flags = append(flags, pick(e.Connected, "connected", "disconnected"))
	flags = append(flags, dcmFlags(e, l)...)
	return append(flags, pick(l.Sync, "synchronous", "asynchronous"))
}

// list is the short listing of vxprint -ht.
func (t *tool) list(v kernel.View) {
	if !t.options["q"] {
		t.println("Disk group: %s", v.DG)
		t.println("")
		t.println("RV NAME         RLINK_CNT    KSTATE   STATE    PRIMARY  DATAVOLS  SRL")
		t.println("RL NAME         RVG          KSTATE   STATE    REM_HOST REM_DG    REM_RLNK")
		t.println("V  NAME         RVG/VSET/CO  KSTATE   STATE    LENGTH   READPOL   PREFPLEX UTYPE")
		t.println("")
	}
	if t.wanted("V", v.RVG) {
		t.println("rv %-12s %-12d %-8s %-8s %-8s %-9d %s", v.RVG, len(v.Links), rvgKernel(v), rvgState(v), string(v.Role), len(v.Volumes), v.SRL)
	}
	for i, l := range v.Links {
		if t.wanted("P", l.Name) {
			t.println("rl %-12s %-12s %-8s %-8s %-8s %-9s %s", l.Name, v.RVG, linkKernel(v.Ends[i], l), linkState(l), l.Remote, v.DG, l.RemoteName)
		}
	}
	for _, w := range v.Volumes {
		if t.wanted("v", w.Name) {
			t.println("v  %-12s %-12s %-8s %-8s %-8d %-9s %-8s %s", w.Name, v.RVG, rvgKernel(v), "ACTIVE", w.Size/512, "SELECT", "-", "fsgen")
		}
	}
}
