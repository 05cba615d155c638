package kit

import "github.com/switchback-dr/switchback/dr"

// Settings reads the mapping under the product's name into a struct with yaml
// tags; without a mapping the struct stays as it is. Its errors carry file and
// line.
func (e Entry) Settings(into any) error {
	if e.Node == nil {
		return nil
	}
	return e.Node.Decode(into)
}

// Complain makes an error about a field of the product's settings: with file and
// line, where there is a mapping that they could be those of.
func (e Entry) Complain(field, format string, a ...any) error {
	if e.Node == nil {
		return dr.Refuse("inventory", format, a...)
	}
	return e.Node.Complain(field, format, a...)
}

// TwoSites refuses a system of which there is no second copy.
func (e Entry) TwoSites() error {
	if len(e.Sites) < 2 {
		return dr.Refuse("inventory", "the system %s needs two sites or more, it has %d", e.Name, len(e.Sites))
	}
	return nil
}

// SiteSettings reads a site's mapping, strictly; a site without one is refused.
func (e Entry) SiteSettings(s SiteEntry, into any) error {
	if s.Node == nil {
		return dr.Refuse("inventory", "the site %s of %s has no settings", s.Name, e.Name)
	}
	return s.Node.Decode(into)
}

// KnownHost complains about a site's host that the inventory does not have.
func (e Entry) KnownHost(s SiteEntry, host string) error {
	if host == "" || (e.Hosts != nil && !e.Hosts(host)) {
		return s.Node.Complain("host", "the site %s names the host %q, which the inventory does not have", s.Name, dr.Clip(host, 80))
	}
	return nil
}

// NeedPath complains about a field of a site that is no plain absolute path.
func (s SiteEntry) NeedPath(field, path string) error {
	if PlainPath(path) {
		return nil
	}
	return s.Node.Complain(field, "%s of the site %s is %q: it must be a plain absolute path", field, s.Name, dr.Clip(path, 80))
}

// OptionalPath is NeedPath for a field that may be left out.
func (s SiteEntry) OptionalPath(field, path string) error {
	if path == "" {
		return nil
	}
	return s.NeedPath(field, path)
}

// Default gives a setting that was left out its value.
func Default[T comparable](p *T, v T) {
	var none T
	if *p == none {
		*p = v
	}
}

// Distinct remembers which site has which value of a setting that no two sites
// may share.
type Distinct map[string]string

// Add notes a site's value, or complains when another site has it.
func (d Distinct) Add(s SiteEntry, field, value string) error {
	if other, ok := d[value]; ok {
		return s.Node.Complain(field, "the sites %s and %s have the same %s %q", other, s.Name, field, value)
	}
	d[value] = s.Name
	return nil
}
