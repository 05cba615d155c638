package vras

import (
	"slices"
	"strings"

	"github.com/switchback-dr/switchback/lab/vvr/texts"
)

// parsed is a vradmin command line.
type parsed struct {
	dg, checkpoint string
	options        []string
	keyword        string
	// name is the RVG, rest what stands behind it.
	name string
	rest []string
}

func (p parsed) has(option string) bool { return slices.Contains(p.options, option) }

// syntax is a keyword's options besides -g and how many words may follow the
// RVG; many is no upper bound.
type syntax struct {
	options  string
	min, max int
	// noRVG: the RVG may be left out.
	noRVG bool
}

const many = 99

// keywords are the commands of the manual page vradmin(1M) that the lab knows.
var keywords = map[string]syntax{
	"addsec":    {"-nodcm -sdg", 2, many, false},
	"delsec":    {"", 0, 1, false},
	"startrep":  {"-a -c -f -b", 0, 1, false},
	"stoprep":   {"-f -s", 0, 1, false},
	"pauserep":  {"", 0, 1, false},
	"resumerep": {"", 0, 1, false},
	"syncrvg":   {"-c -full -s -verify", 1, many, false},
	"migrate":   {"-s", 0, 1, false},
	"takeover":  {"-autofb -N", 0, 0, false},
	"fbsync":    {"-wait", 0, 1, false},
	"makesec":   {"-f", 1, 1, false},
	"resync":    {"-wait", 0, 1, false},
	"resizesrl": {"-f", 1, 1, false},
	"printrvg":  {"-l", 0, 0, true},
	"printvol":  {"", 0, 0, true},
	"repstatus": {"-l", 0, 0, false},
}

// others are keywords of the manual page that the lab does not imitate.
var others = []string{
	"createpri", "delpri", "syncvol", "resizevol", "ibc", "changeip", "set", "addvol", "delvol", "addbunker", "delbunker",
	"activatebunker", "deactivatebunker", "verifydata",
}

// parse reads a command line: options stand before the keyword.
func (r *run) parse(args []string) error {
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		option := args[0]
		args = args[1:]
		if option == "-g" || option == "-c" || option == "-sdg" {
			if len(args) == 0 {
				return texts.Refuse("usage", "option "+option+" needs an argument")
			}
			switch option {
			case "-g":
				r.dg = args[0]
			case "-c":
				r.checkpoint = args[0]
			}
			args = args[1:]
			if option == "-g" {
				continue
			}
		}
		r.options = append(r.options, option)
	}
	if r.has("-version") && len(args) == 0 {
		r.keyword = "-version"
		return nil
	}
	if len(args) == 0 {
		return texts.Refuse("usage", "vradmin [-g diskgroup] [options] keyword arguments")
	}
	r.keyword, args = args[0], args[1:]
	if r.keyword == "help" {
		return nil
	}
	return r.parseWords(args)
}

func (r *run) parseWords(args []string) error {
	s, known := keywords[r.keyword]
	if !known {
		if slices.Contains(others, r.keyword) {
			return texts.Refuse("not-simulated", "vradmin "+r.keyword)
		}
		return texts.Refuse("usage", "unknown keyword "+r.keyword)
	}
	allowed := strings.Fields(s.options)
	for _, o := range r.options {
		if !slices.Contains(allowed, o) {
			return texts.Refuse("usage", "illegal option "+o+" for "+r.keyword)
		}
	}
	if len(args) > 0 {
		r.name, r.rest = args[0], args[1:]
	} else if !s.noRVG {
		return texts.Refuse("usage", "vradmin "+r.keyword+" needs the name of an RVG")
	}
	if s.noRVG && len(r.rest) > 0 {
		return texts.Refuse("not-simulated", "vradmin "+r.keyword+" with several RVGs")
	}
	if r.keyword == "fbsync" || r.keyword == "resync" {
		r.rest = slices.DeleteFunc(slices.Clone(r.rest), isCache)
	}
	if len(r.rest) < s.min || len(r.rest) > s.max {
		return texts.Refuse("usage", "wrong number of arguments for "+r.keyword)
	}
	return nil
}

// isCache recognises the attributes that name a snapshot's cache. The lab makes
// no snapshot of its own.
func isCache(word string) bool {
	return strings.HasPrefix(word, "cache=") || strings.HasPrefix(word, "cachesize=")
}
