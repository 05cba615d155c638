package vvr

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// usable wants a recognised RVG in an imported disk group, on the host that the
// plan means.
func (p Place) usable(r Reading) error {
	if r.RVG == nil {
		return kit.No("the RVG %s of %s could not be read: %s", p.RVG, p.Site, kit.OrNotRead(r.Text["rvg"]))
	}
	if r.Imported != dr.Yes {
		return kit.No("the disk group %s is not known to be imported at %s", p.DG, p.Site)
	}
	if name := r.LocalName(); name != "" && name != p.VVRHost {
		return kit.No("VVR calls the host of %s %q, the plan was made for %q", p.Site, dr.Clip(name, 80), p.VVRHost)
	}
	if len(r.Managed) > 0 {
		return kit.No("%s is in charge of %s and its group is not frozen", strings.Join(r.Managed, ", "), p.Site)
	}
	return nil
}

// isPrimary wants a Primary that takes I/O.
func (p Place) isPrimary(r Reading) error {
	if err := p.usable(r); err != nil {
		return err
	}
	if !r.IsPrimary() || r.RVG.Kernel != kernelEnabled {
		return kit.No("%s is no Primary that takes I/O: %s", p.Site, summary(r))
	}
	return nil
}

// isSecondary wants a true Secondary.
func (p Place) isSecondary(r Reading) error {
	if err := p.usable(r); err != nil {
		return err
	}
	if !r.IsSecondary() {
		return kit.No("%s is no Secondary: %s", p.Site, summary(r))
	}
	return nil
}

// isClosed wants all data volumes closed.
func (p Place) isClosed(r Reading) error {
	if r.Closed() != dr.Yes {
		return kit.No("data volumes are open at %s: %s", p.Site, holdersText(r))
	}
	return nil
}

// hasVradmin wants an answer of vradmind.
func (p Place) hasVradmin(r Reading) error {
	if r.Vradmind != dr.Yes {
		return dr.Hold("vradmind", "vradmind at %s gives no answer: %s", p.Site, kit.OrNotRead(r.Text["rds"])).
			WithNext("start vradmind at %s (vras-vradmind.sh start), then retry", p.Site)
	}
	return nil
}

// detached wants the RLINK to a Secondary to take no part.
func (p Place) detached(r Reading, to Place) error {
	l, ok := r.LinkTo(to.VVRHost)
	if !ok {
		return kit.No("%s has no RLINK to %s (%s)", p.Site, to.Site, to.VVRHost)
	}
	if l.Has(flagAttached) {
		return kit.No("the RLINK %s of %s is attached: replication to %s is not stopped", l.Name, p.Site, to.Site)
	}
	return nil
}

// allDetached wants no RLINK of a target of a synchronisation to take part.
func (p Place) allDetached(r Reading) error {
	if r.Text["rlink"] != "" {
		return kit.No("the RLINKs of %s were not recognised: %s", p.Site, r.Text["rlink"])
	}
	for _, l := range r.RLinks {
		if l.Has(flagAttached) {
			return kit.No("the RLINK %s of %s to %s is attached: a synchronisation wants it detached", l.Name, p.Site, l.Remote)
		}
	}
	return nil
}

// sameSizes wants data volumes of the same size on both hosts.
func (p Place) sameSizes(r Reading, to Place) error {
	if t := r.SizesEqual(p.VVRHost, to.VVRHost); t != dr.Yes {
		return kit.No("whether the data volumes of %s and %s have the same sizes: %s (%s)", p.Site, to.Site, t, kit.OrNotRead(r.Text["vol"]))
	}
	return nil
}

// behind is how far a Secondary is behind by its Primary's RLINK.
type behind struct {
	Link RLink
	// Status is nil when vxrlink gave no answer that is recognised.
	Status *LinkStatus
	// Why says what keeps the Secondary from being a good copy; "" when it is
	// attached, connected and consistent.
	Why string
	// KB are the outstanding Kbytes; -1 when not known.
	KB int64
}

// UpToDate says whether nothing is outstanding.
func (b behind) UpToDate() bool {
	return b.Why == "" && b.Status != nil && b.Status.Kind == linkUpToDate
}

// behindOf judges the RLINK of a Primary's reading to a Secondary.
func behindOf(r Reading, to Place) behind {
	l, ok := r.LinkTo(to.VVRHost)
	b := behind{Link: l, KB: -1}
	if s, found := r.Link(l.Name); ok && found {
		b.Status, b.KB = &s, s.KB
	}
	switch {
	case !ok:
		b.Why = "there is no RLINK to " + to.Site
	case !l.Has(flagAttached):
		b.Why = "the RLINK " + l.Name + " is detached"
	case !l.Has("connected"):
		b.Why = "the RLINK " + l.Name + " is not connected"
	case l.Has("primary_paused") || l.Has("secondary_paused"):
		b.Why = "the RLINK " + l.Name + " is paused"
	case l.Has(flagDCM) || l.Has("autosync") || l.Has(flagFailback):
		b.Why = "changes of the RLINK " + l.Name + " are in the DCM"
		if b.KB >= 0 {
			b.Why += ": " + dr.ByteText(b.KB*1024) + " to go"
		}
	case !l.Has("consistent"):
		b.Why = to.Site + " is not consistent yet"
		if b.KB > 0 {
			b.Why += ": " + dr.ByteText(b.KB*1024) + " behind"
		}
	case b.Status == nil:
		b.Why = "vxrlink status of " + l.Name + " was not recognised"
	case b.Status.Kind == linkAutosync || b.Status.Kind == linkDCM:
		b.Why = "changes of the RLINK " + l.Name + " are in the DCM: " + dr.ByteText(b.KB*1024) + " to go"
	}
	return b
}

// text is one sentence with numbers.
func (b behind) text(to Place) string {
	switch {
	case b.Why != "":
		return b.Why
	case b.UpToDate():
		return to.Site + " is up to date"
	}
	return fmt.Sprintf("%s is connected and consistent, %s (%s) behind", to.Site, dr.ByteText(b.KB*1024), dr.Count(b.Status.Writes, "write"))
}

// overflowed says whether the SRL overflowed and the RLINK logs to the DCM,
// which ends only by a resync.
func (b behind) overflowed() bool {
	return b.Link.Has(flagDCM) && !b.Link.Has("autosync") && !b.Link.Has(flagFailback) && !b.Link.Has("resync_started") && !b.Link.Has("resync_paused")
}

// Texts of failures, matched by meaning: few of vradmin's numbers are public.
var (
	saysNotUpToDate = regexp.MustCompile(`(?i)not up[- ]?to[- ]?date`)
	saysOpen        = regexp.MustCompile(`(?i)(volume|rvg).*\b(open|in use|busy)\b|\b(open|in use|busy)\b.*(volume|rvg)`)
	saysWrongRole   = regexp.MustCompile(`(?i)primary-primary|not .*primary|cannot find`)
	saysReachable   = regexp.MustCompile(`(?i)primary .*(reachable|\bup\b|connected)`)
	saysUnreachable = regexp.MustCompile(`(?i)not reachable|lost connection|cannot connect|unreachable`)
	saysCheckpoint  = regexp.MustCompile(`(?i)checkpoint.*(not found|invalid|overflow|does not exist)|(invalid|no such).*checkpoint`)
	saysAttached    = regexp.MustCompile(`(?i)rlink .*not detached|rlink .*attached`)
	saysTooMany     = regexp.MustCompile(`(?i)(too many|maximum|delete).*checkpoint`)
)

// said is what a finished command told, on one line.
func said(j kit.Job) string { return dr.CleanLine(j.Stdout + " " + j.Stderr) }

// lastSaid is the last line that a command printed.
func lastSaid(j kit.Job) string {
	for _, s := range []string{j.Stderr, j.Stdout} {
		lines := strings.Split(strings.TrimSpace(s), "\n")
		if l := strings.TrimSpace(lines[len(lines)-1]); l != "" {
			return dr.Clip(dr.CleanLine(l), 300)
		}
	}
	return "it printed nothing"
}

func holdersText(r Reading) string {
	if len(r.Holders) == 0 {
		return "VxVM says open and does not say by whom (look at mounts, swap, LVM, exports and fuser)"
	}
	return strings.Join(r.Holders, "; ")
}
