package vxvm

import (
	"github.com/switchback-dr/switchback/lab/vvr/kernel"
	"github.com/switchback-dr/switchback/lab/vvr/texts"
)

// Rvg is vxrvg.
func Rvg(e Env, args []string) int {
	return run(e, "vxrvg", args, "gcit", func(t *tool) error {
		keyword, object, err := t.keyword()
		if err != nil {
			return err
		}
		v, err := t.view()
		if err != nil {
			return err
		}
		if object != v.RVG {
			return texts.Refuse("no-rvg", object, v.DG)
		}
		return t.rvgKeyword(keyword, v)
	})
}

func (t *tool) rvgKeyword(keyword string, v kernel.View) error {
	name := t.values["c"]
	if (keyword == "checkstart" || keyword == "checkdelete") && name == "" {
		return texts.Refuse("usage", keyword+" needs -c checkpoint")
	}
	switch keyword {
	case "checkstart":
		return t.ask("checkstart", kernel.Check{Name: name}, nil)
	case "checkend":
		if name != "" {
			return texts.Refuse("usage", "checkend takes no -c")
		}
		return t.ask("checkend", nil, nil)
	case "checkdelete":
		return t.ask("checkdelete", kernel.Check{Name: name}, nil)
	case "cplist":
		if v.Role != kernel.Primary {
			return texts.Refuse("not-primary", v.RVG, v.Host)
		}
		t.checkpoints(v, v.Checkpoints)
	case "start", "stop":
		return t.ask("start", kernel.Switch{On: keyword == "start"}, nil)
	case "getdatavols":
		for _, n := range volumeNames(v) {
			t.println("%s", n)
		}
	case "getrlinks":
		for _, n := range linkNames(v, false) {
			t.println("%s", n)
		}
	case "makeprimary", "makesecondary", "switchpri", "recover", "resync", "snapshot", "snaprestore", "snapprint", "snapdestroy", "snapback", "stats":
		return texts.Refuse("not-simulated", "vxrvg "+keyword)
	default:
		return texts.Refuse("usage", "unknown keyword "+keyword)
	}
	return nil
}

// checkpoints prints a list: columns from general knowledge of the guides.
func (t *tool) checkpoints(v kernel.View, all []*kernel.Checkpoint) {
	t.println("%-20s %-8s %-7s %s", "Name", "MBytes", "% Log", "Started/Completed")
	t.println("%-20s %-8s %-7s %s", "----", "------", "-----", "-----------------")
	for _, c := range all {
		used := v.SRLEnd - c.Start
		state, percent := "Started", v.Percent(used)
		switch {
		case c.Overflowed:
			state, percent = "Checkpoint overflowed", 100
		case c.Ended:
			state = "Completed"
		}
		t.println("%-20s %-8d %-7d %s", c.Name, (used+1<<20-1)>>20, percent, state)
	}
}

// Dg is vxdg: list, import and deport of the host's one disk group.
func Dg(e Env, args []string) int {
	return run(e, "vxdg", args, "g", func(t *tool) error {
		if len(t.words) == 0 || len(t.words) > 2 {
			return texts.Refuse("usage", "vxdg [-q] list | import diskgroup | deport diskgroup")
		}
		var v kernel.View
		if err := t.ask("view", nil, &v); err != nil {
			return err
		}
		if len(t.words) == 2 && t.words[1] != v.DG {
			return texts.Refuse("no-dg", t.words[1])
		}
		switch t.words[0] {
		case "list":
			return t.groups(v)
		case "import", "deport":
			if len(t.words) != 2 {
				return texts.Refuse("usage", t.words[0]+" needs a disk group")
			}
			return t.ask("deport", kernel.Switch{On: t.words[0] == "deport"}, nil)
		}
		return texts.Refuse("not-simulated", "vxdg "+t.words[0])
	})
}

// groups prints the imported disk groups.
func (t *tool) groups(v kernel.View) error {
	id := "1007063636.1025." + v.Host
	if len(t.words) == 2 {
		if v.Deported {
			return texts.Refuse("no-dg", v.DG)
		}
		t.println("Group:     %s", v.DG)
		t.println("dgid:      %s", id)
		t.println("import-id: 1024.8")
		t.println("flags:     cds")
		return nil
	}
	if !t.options["q"] {
		t.println("%-12s %-20s %s", "NAME", "STATE", "ID")
	}
	if !v.Deported {
		t.println("%-12s %-20s %s", v.DG, "enabled", id)
	}
	return nil
}
