package kit

import "github.com/switchback-dr/switchback/dr"

// OldPrimary is the site that gives up the primary role to another, as far as
// anything tells: the one that accepts writes; else the one other site that has
// the role without accepting any; else what the product's own records told, where
// they name a site; else the one that the watch remembers; else the only other
// site. What it gives may be "" or no site of the system: then nobody knows.
func (l SiteList[S]) OldPrimary(s dr.Situation, to, told string) string {
	if prim := s.Primaries(); len(prim) == 1 {
		return prim[0]
	}
	var former []string
	for _, v := range s.Sites {
		if v.Site != to && v.Role == dr.RolePrimary {
			former = append(former, v.Site)
		}
	}
	if len(former) == 1 {
		return former[0]
	}
	if told != "" {
		return told
	}
	if m := s.Memory; m != nil && m.Primary != "" && m.Primary != to {
		return m.Primary
	}
	if others := l.Others(to); len(others) == 1 {
		return others[0].SiteName()
	}
	return ""
}
