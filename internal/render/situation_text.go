package render

import (
	"strings"
	"time"

	"github.com/switchback-dr/switchback/dr"
)

// SituationText writes what was observed, per site, with the age of each fact.
func SituationText(s dr.Situation, now time.Time, st Style) string {
	var b strings.Builder
	b.WriteString(st.bold("SITUATION") + "  observed " + dr.TimeText(s.At) + " (" + dr.AgoText(s.At, now) + "), took " + dr.SpanText(s.Took.D()) + "\n")
	for _, a := range s.Judgement.Alarms {
		b.WriteString(st.hang("  "+st.red("ALARM")+" ", "        ", a))
	}
	for _, site := range s.Sites {
		b.WriteString(siteText(site, now, st))
	}
	b.WriteString("  in sync: " + st.tri(s.Judgement.InSync, dr.Yes))
	if s.Judgement.Lag != nil {
		b.WriteString(", behind by " + s.Judgement.Lag.String())
	}
	b.WriteString("\n" + factsText(s.Judgement.Facts, now, st))
	if pr := s.Judgement.Proof; pr != nil {
		b.WriteString(st.wrap("  ", "proof of being in sync: "+dr.TimeText(pr.At)+" ("+dr.AgoText(pr.At, now)+"), "+pr.Site+" held all of "+pr.Primary+": "+pr.Source))
	}
	if s.MemoryText != "" {
		b.WriteString(st.wrap("  ", "watch: "+s.MemoryText))
	}
	if s.Judgement.Recommendation != "" {
		b.WriteString(st.wrap("  ", "recommendation: "+s.Judgement.Recommendation))
	}
	return b.String()
}

func siteText(s dr.SiteSituation, now time.Time, st Style) string {
	var b strings.Builder
	b.WriteString("  " + st.bold(dr.CleanLine(s.Site)) + "  role " + roleText(s.Role, st) +
		", reachable " + st.tri(s.Reachable, dr.Yes) + ", accepts writes " + st.tri(s.AcceptsWrites, dr.Unknown) +
		" (" + dr.AgoText(s.At, now) + ")\n")
	if s.Summary != "" {
		b.WriteString(st.wrap("    ", s.Summary))
	}
	if s.Managed != "" {
		b.WriteString(st.hang("    "+st.red("MANAGED")+" ", "    ", "by "+s.Managed+", which is not paused"))
	}
	b.WriteString(factsText(s.Facts, now, st))
	for _, j := range s.Jobs {
		b.WriteString(st.hang("    "+st.yellow("FOREIGN JOB")+" ", "    ", j.Host+" "+j.Dir+": "+j.State+": "+j.Text))
	}
	return b.String()
}

func factsText(facts []dr.Fact, now time.Time, st Style) string {
	var b strings.Builder
	for _, f := range facts {
		text := f.Text
		if text == "" {
			text = f.Name
		}
		pad := strings.Repeat(" ", max(0, 8-len(f.Truth.String())))
		tail := " (" + dr.AgoText(f.At, now)
		if f.Source != "" {
			tail += ", " + f.Source
		}
		if f.Safety && f.Truth != f.Want {
			tail += "; safe would be " + f.Want.String()
		}
		line := st.hang("    "+f.Truth.String()+pad, strings.Repeat(" ", 12), f.Name+": "+text+tail+")")
		b.WriteString(strings.Replace(line, f.Truth.String(), st.tri(f.Truth, f.Want), 1))
	}
	return b.String()
}

func roleText(r dr.Role, st Style) string {
	switch r {
	case dr.RolePrimary, dr.RoleSecondary:
		return st.bold(string(r))
	case dr.RoleUnknown:
	}
	return st.yellow(string(dr.RoleUnknown))
}
