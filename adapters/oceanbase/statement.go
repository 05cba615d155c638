package oceanbase

import (
	"context"
	"regexp"
	"strings"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// statement is the text of a statement as it is shown. Secrets stand in it as
// <credential NAME>; only fill puts their values there, immediately before it is
// sent, so that what is shown is what is run but for them.
type statement string

// quoteName back-quotes an identifier, which every place of the grammar takes.
func quoteName(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// quoteText makes a string literal of any text.
func quoteText(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(s) + "'"
}

// of gives the TENANT clause; a login of the tenant's own must not have one.
func (p Place) of() string {
	if p.Own {
		return ""
	}
	return " TENANT = " + quoteName(p.Tenant)
}

// command shows a statement at its site.
func (p Place) command(q statement) []dr.Command {
	return []dr.Command{{Host: p.Site, SQL: string(q)}}
}

var credentialMark = regexp.MustCompile(`<credential ([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)>`)

func mark(credential string) string { return "<credential " + credential + ">" }

// sourcePart is what a value inside LOG_RESTORE_SOURCE or a URI may hold: the
// server splits the value at spaces and commas and has no quoting within it.
var sourcePart = regexp.MustCompile(`^[!#$%&()*+./0-9:<=>?@A-Z\[\]^_a-z{|}~-]{1,128}$`)

// fill puts the secrets in. A value that would need quoting where none exists
// is refused by the credential's name alone.
func (q statement) fill(ctx context.Context, env kit.Env) (text string, secrets []string, err error) {
	text = credentialMark.ReplaceAllStringFunc(string(q), func(m string) string {
		name := credentialMark.FindStringSubmatch(m)[1]
		v, serr := env.Secret(ctx, name)
		switch {
		case err != nil:
		case serr != nil:
			err = serr
		case !sourcePart.MatchString(v):
			err = dr.Refuse("secret", "the value of the credential %s cannot stand in a log source: it must have 1 to 128 printable characters without spaces, commas, quotes, semicolons and backslashes", name).
				WithNext("change the password; then retry")
		default:
			secrets = append(secrets, v)
			return v
		}
		return ""
	})
	return text, secrets, err
}

// role statements

func activate(p Place, verify bool) statement {
	return statement("ALTER SYSTEM ACTIVATE STANDBY" + p.of() + verifying(verify))
}

func toPrimary(p Place, verify bool) statement {
	return statement("ALTER SYSTEM SWITCHOVER TO PRIMARY" + p.of() + verifying(verify))
}

func toStandby(p Place, verify bool) statement {
	return statement("ALTER SYSTEM SWITCHOVER TO STANDBY" + p.of() + verifying(verify))
}

func verifying(yes bool) string {
	if yes {
		return " VERIFY"
	}
	return ""
}

// Source is where a standby takes its log from: another tenant, or an archive.
type Source struct {
	// Addresses, User, Tenant and Password are of a network source; Password
	// is a credential's name.
	Addresses []string `json:"addresses,omitempty"`
	User      string   `json:"user,omitempty"`
	Tenant    string   `json:"tenant,omitempty"`
	Password  string   `json:"password,omitempty"`
	// Location is the archive's URI, Key the credential of what stands
	// behind its "?" besides the host.
	Location string `json:"location,omitempty"`
	Key      string `json:"key,omitempty"`
}

// value is what LOG_RESTORE_SOURCE is set to, with marks for secrets.
func (s Source) value() string {
	if s.Location != "" {
		return "LOCATION=" + withKey(s.Location, s.Key)
	}
	return "SERVICE=" + strings.Join(s.Addresses, ";") + " USER=" + s.User + "@" + s.Tenant + " PASSWORD=" + mark(s.Password)
}

// withKey adds the mark of an object store's keys to a URI.
func withKey(uri, key string) string {
	if key == "" || strings.HasPrefix(uri, "file:") {
		return uri
	}
	return uri + "&" + mark(key)
}

func setSourceTo(p Place, s Source) statement {
	return statement("ALTER SYSTEM SET LOG_RESTORE_SOURCE = " + quoteText(s.value()) + p.of())
}

func clearSourceOf(p Place) statement {
	return statement("ALTER SYSTEM SET LOG_RESTORE_SOURCE = ''" + p.of())
}

func recoverStandby(p Place, until string) statement {
	return statement("ALTER SYSTEM RECOVER STANDBY" + p.of() + " " + until)
}
