package vxvm

import (
	"fmt"
	"strconv"
	"time"

	"github.com/switchback-dr/switchback/lab/vvr/kernel"
	"github.com/switchback-dr/switchback/lab/vvr/texts"
)

// Rlink is vxrlink.
func Rlink(e Env, args []string) int {
	return run(e, "vxrlink", args, "gcit", func(t *tool) error {
		keyword, object, err := t.keyword()
		if err != nil {
			return err
		}
		v, err := t.view()
		if err != nil {
			return err
		}
		i := -1
		for n, l := range v.Links {
			if l.Name == object {
				i = n
			}
		}
		if i < 0 {
			return texts.Refuse("no-rlink", object)
		}
		return t.rlinkKeyword(keyword, v, v.Links[i], v.Ends[i])
	})
}

func (t *tool) rlinkKeyword(keyword string, v kernel.View, l *kernel.Link, e kernel.End) error {
	switch keyword {
	case "status":
		return t.status(v, l, e)
	case "updates":
		t.updates(v, l, e)
	case "verify":
		t.println("%-16s %-20s %-18s %-10s %s", "RLINK", "REMOTE HOST", "LOCAL_HOST", "STATUS", "STATE")
		ok := "ERROR"
		if e.Heard {
			ok = "OK"
		}
		t.println("%-16s %-20s %-18s %-10s %s", l.Name, l.Remote, v.Host, ok, linkState(l))
	case "det":
		return t.ask("detach", kernel.Detach{Remote: l.Remote}, nil)
	case "pause", "resume":
		return t.ask("pause", kernel.Pause{Remote: l.Remote, On: keyword == "pause"}, nil)
	case "att":
		return t.att(v, l)
	case "cplist":
		if v.Role == kernel.Primary {
			return texts.Refuse("not-secondary", v.RVG, v.Host)
		}
		t.checkpoints(v, nil)
	case "assoc", "dis", "recover", "restore", "stats", "checkdelete":
		return texts.Refuse("not-simulated", "vxrlink "+keyword)
	default:
		return texts.Refuse("usage", "unknown keyword "+keyword)
	}
	return nil
}

// status is run on the Primary; with -i again and again.
func (t *tool) status(v kernel.View, l *kernel.Link, e kernel.End) error {
	every := 0
	if i, ok := t.values["i"]; ok {
		var err error
		if every, err = strconv.Atoi(i); err != nil || every < 1 {
			return texts.Refuse("usage", "illegal interval "+i)
		}
	}
	for {
		if v.Role != kernel.Primary {
			return texts.Refuse("not-primary", v.RVG, v.Host)
		}
		switch {
		case !l.Attached:
			t.say("stale", l.Name)
		case l.Mode == kernel.ModeAutosync:
			t.say("autosync", l.Name, e.DCM>>10)
		case l.Mode != kernel.ModeSRL:
			t.say("dcm-in-use", l.Name, e.DCM>>10)
		case e.Writes == 0:
			t.say("up-to-date", l.Name)
		default:
			t.say("outstanding", l.Name, e.Writes, (e.Bytes+1023)>>10, v.Percent(e.Bytes))
		}
		if every == 0 {
			return nil
		}
		time.Sleep(time.Duration(every) * time.Second)
		var err error
		if v, err = t.view(); err != nil {
			return err
		}
		if e, l = v.End(l.Remote); l == nil {
			return texts.Refuse("no-rlink", "-")
		}
	}
}

// updates prints an ordered update ID: the sequence number of the last write
// that is here. Its layout is the simulator's own.
func (t *tool) updates(v kernel.View, l *kernel.Link, e kernel.End) {
	id := e.Applied
	if v.Role == kernel.Primary {
		id = v.Seq
	}
	t.say("updates", l.Name, id)
}

// att attaches this host's end only.
func (t *tool) att(v kernel.View, l *kernel.Link) error {
	how := ""
	for _, o := range []string{"a", "b", "f"} {
		if t.options[o] {
			how += o
		}
	}
	if t.values["c"] != "" {
		how += "c"
	}
	if v.Role == kernel.Secondary {
		return t.ask("follow", kernel.Follow{Primary: l.Remote, Consistent: how == "f"}, nil)
	}
	if len(how) != 1 {
		return texts.Refuse("usage", "att needs one of -a, -b, -c checkpoint, -f")
	}
	if how == "f" {
		_, _ = fmt.Fprintln(t.Errs, texts.Line("vxrlink", "att-force"))
	}
	return t.ask("attach", kernel.Attach{Remote: l.Remote, How: how, Checkpoint: t.values["c"]}, nil)
}
