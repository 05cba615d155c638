package vvr

import (
	"context"
	_ "embed" // the observation script
	"fmt"
	"regexp"
	"strings"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

//go:embed observe_script.sh
var observeScript string

// extent is how much an observation reads, as the script's section names.
type extent string

const (
	// brief reads disk group, RVG, RLINKs, their status and checkpoints.
	brief extent = "brief"
	// conf also asks vradmin for the configuration, and VCS.
	conf extent = "rds vcs"
	// volumes also compares the volumes of all hosts.
	volumes extent = "rds vcs vol"
	// holding also tells who has volumes open.
	holding extent = "holders"
	// full is everything, for a plan.
	full extent = "rds rep vol updates holders vcs marks"
)

// Place is an RVG on its host as an action is given it.
type Place struct {
	Site string `json:"site"`
	Host string `json:"host"`
	// VVRHost is the name that VVR itself uses for the host.
	VVRHost string `json:"vvr_host"`
	DG      string `json:"disk_group"`
	RVG     string `json:"rvg"`
	Bin     string `json:"bin"`
	VCSBin  string `json:"vcs_bin"`
	Sudo    bool   `json:"sudo,omitempty"`
	// System is the system's name; marks on the host carry it.
	System string `json:"system"`
}

// checkpointName has at most 19 characters, the product's limit.
var checkpointName = regexp.MustCompile(`^[A-Za-z0-9_]{1,19}$`)

// Check says what is wrong with a place that came with a step.
func (p Place) Check() error {
	for kind, v := range map[string]string{"site": p.Site, "host": p.Host, "system": p.System} {
		if err := dr.CheckName(kind, v); err != nil {
			return err
		}
	}
	if !object.MatchString(p.DG) || !object.MatchString(p.RVG) || !hostName.MatchString(p.VVRHost) {
		return fmt.Errorf("the disk group, RVG or VVR host name of %s is not allowed", p.Site)
	}
	if !kit.PlainPath(p.Bin) || !kit.PlainPath(p.VCSBin) {
		return fmt.Errorf("a directory of programs of %s is no plain absolute path", p.Site)
	}
	return nil
}

// pre is what every command begins with.
func (p Place) pre() []string {
	if p.Sudo {
		return []string{"sudo", "-n"}
	}
	return nil
}

// tool is a call of a VxVM or VVR program.
func (p Place) tool(name string, args ...string) dr.Command {
	return dr.Command{Host: p.Host, Argv: append(append(p.pre(), p.Bin+"/"+name, "-g", p.DG), args...)}
}

// script runs a fixed script whose values are positional arguments.
func (p Place) script(body string, args ...string) dr.Command {
	return dr.Command{Host: p.Host, Argv: append([]string{"sh", "-c", strings.TrimSpace(body), "sh"}, args...)}
}

// observation is the one command that reads a host.
func (p Place) observation(e extent) dr.Command {
	return p.script(observeScript, string(e), strings.Join(p.pre(), " "), p.Bin, p.VCSBin, p.DG, p.RVG, p.System)
}

// read makes one observation.
func (p Place) read(ctx context.Context, env kit.Env, e extent) (Reading, kit.HostTime, error) {
	return kit.ReadParsed(ctx, env, p.Site, p.observation(e), func(out string) (Reading, error) { return ParseReading(out, p.DG, p.RVG) })
}

// readAll reads several places at the same time.
func readAll(ctx context.Context, env kit.Env, e extent, places ...Place) ([]Reading, []kit.HostTime, []error) {
	return kit.ReadEach(places, func(p Place) (Reading, kit.HostTime, error) { return p.read(ctx, env, e) })
}

// guardOn reads the place where the command will run, and others beside it,
// and lets f judge. It gives the first place's clock.
func guardOn(ctx context.Context, env kit.Env, e extent, f func(rs []Reading) error, places ...Place) (kit.HostTime, error) {
	rs, ts, errs := readAll(ctx, env, e, places...)
	if err := kit.Checks(errs...); err != nil {
		return 0, err
	}
	return ts[0], f(rs)
}
