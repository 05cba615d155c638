package inventory

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/dr"
)

// PgBouncer is one or more PgBouncer processes in front of PostgreSQL: clients
// are held back while the primary moves and let on at its new place.
type PgBouncer struct {
	// Databases are PgBouncer's databases with their connection parameters
	// other than host and port ("dbname=orders pool_size=20").
	Databases map[string]string
	// Sites say where each site's server is, as PgBouncer reaches it.
	Sites    map[string]PgTarget
	Consoles []PgConsole
	// Pause is how long each database may take to come to rest.
	Pause dr.Duration
	// Release is how long clients are held back at most before they are let on
	// again, whatever became of the procedure.
	Release dr.Duration
}

// PgTarget is a server as PgBouncer reaches it.
type PgTarget struct {
	Address string `yaml:"address"`
	Port    int    `yaml:"port"`
}

// PgConsole is one process's admin console.
type PgConsole struct {
	// Host is where the commands run; Site where PgBouncer stands ("" for a
	// third place).
	Host string `yaml:"host"`
	Site string `yaml:"site"`
	// Socket is a directory of unix sockets or a host name, as psql -h takes it.
	Socket string `yaml:"socket"`
	Port   int    `yaml:"port"`
	User   string `yaml:"user"`
	// Password names a credential; "" for none.
	Password string `yaml:"password"`
	// File is included by PgBouncer's configuration and belongs to Switchback
	// alone.
	File string `yaml:"file"`
	// Psql is the program; "psql" is found on PATH.
	Psql string `yaml:"psql"`
}

type pgbouncerFile struct {
	Databases map[string]string   `yaml:"databases"`
	Sites     map[string]PgTarget `yaml:"sites"`
	Consoles  []node              `yaml:"consoles"`
	Pause     dr.Duration         `yaml:"pause"`
	Release   dr.Duration         `yaml:"release"`
}

// DefaultPause is Pause when the inventory says nothing.
const DefaultPause = 20 * time.Second

var (
	databaseName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}$`)
	roleName     = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,62}$`)
	// parameter is one connection parameter. Values that need quotes, and those
	// that belong to the site or to a secret, are refused.
	parameter = regexp.MustCompile(`^([a-z_]+)=[A-Za-z0-9_.,:/-]+$`)
)

// foreignParameters are not the operator's to give here: host and port come
// from the site, and a password would be a secret in a file and in plans.
var foreignParameters = []string{"host", "port", "password", "auth_query"}

// pgbouncer checks the client kind of that name.
func (l *loader) pgbouncer(at node, s *System, use *usage) *PgBouncer {
	f := pgbouncerFile{Pause: dr.Duration(DefaultPause), Release: dr.Duration(DefaultRelease)}
	decode(at, &f, l.complaints)
	p := &PgBouncer{Databases: f.Databases, Sites: f.Sites, Pause: f.Pause, Release: f.Release}
	if len(f.Databases) == 0 {
		l.add(at.line, "%s has no databases", at.path)
	}
	for _, name := range sortedKeys(f.Databases) {
		l.parameters(at.at("databases."+name), name, f.Databases[name])
	}
	l.everySite(at, "sites", "address", sortedKeys(f.Sites), s)
	for _, site := range sortedKeys(f.Sites) {
		item, v := at.at("sites."+site), f.Sites[site]
		if v.Port == 0 {
			v.Port = 5432
			p.Sites[site] = v
		}
		if !goodAddress(v.Address) || v.Port < 1 || v.Port > 65535 {
			l.add(item.line, "%s must have the address of PostgreSQL and may have its port", item.path)
		}
	}
	if len(f.Consoles) == 0 {
		l.add(at.line, "%s has no consoles", at.path)
	}
	for _, item := range f.Consoles {
		c := PgConsole{Socket: "/var/run/postgresql", Port: 6432, User: "pgbouncer", Psql: "psql"}
		decode(item, &c, l.complaints)
		l.console(item, c, s, use)
		p.Consoles = append(p.Consoles, c)
	}
	if f.Pause == 0 {
		l.add(at.at("pause").line, "%s.pause is zero; no database could come to rest in time", at.path)
	}
	l.release(at, f.Release, dr.Duration(f.Pause.D()*time.Duration(max(len(f.Databases), 1))), "pause of all databases")
	return p
}

func (l *loader) parameters(at node, name, text string) {
	if !databaseName.MatchString(name) || name == "pgbouncer" {
		l.add(at.line, "%s: %q is not the name of a database of PgBouncer that can be paused", at.path, dr.Clip(name, 60))
	}
	for _, word := range strings.Fields(text) {
		m := parameter.FindStringSubmatch(word)
		switch {
		case m == nil:
			// The text is not repeated: it may be a secret.
			l.add(at.line, "%s must be connection parameters such as dbname=orders pool_size=20", at.path)
		case slices.Contains(foreignParameters, m[1]):
			l.add(at.line, "%s must not have %s: host and port come from the site, secrets never stand here", at.path, m[1])
		}
	}
}

func (l *loader) console(at node, c PgConsole, s *System, use *usage) {
	l.place(at, c.Host, c.Site, s, use)
	if !socketPath.MatchString(c.Socket) && !goodAddress(c.Socket) {
		l.add(at.at("socket").line, "%s.socket is %q, neither a directory of sockets nor an address", at.path, dr.Clip(c.Socket, 80))
	}
	if c.Port < 1 || c.Port > 65535 {
		l.add(at.at("port").line, "%s.port is %d, not between 1 and 65535", at.path, c.Port)
	}
	if !roleName.MatchString(c.User) {
		l.add(at.at("user").line, "%s.user is %q, not a user's name", at.path, dr.Clip(c.User, 60))
	}
	if c.Password != "" && !use.credential(c.Password) {
		// The text is not repeated: it may be the password itself.
		l.add(at.at("password").line, "%s.password is not the name of a credential under credentials", at.path)
	}
	if !socketPath.MatchString(c.File) {
		l.add(at.at("file").line, "%s.file is %q, not an absolute path of the file that PgBouncer includes", at.path, dr.Clip(c.File, 80))
	}
	if c.Psql != "psql" && !socketPath.MatchString(c.Psql) {
		l.add(at.at("psql").line, "%s.psql is %q, neither psql nor an absolute path", at.path, dr.Clip(c.Psql, 80))
	}
}
