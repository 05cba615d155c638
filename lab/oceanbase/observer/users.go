package observer

import (
	"slices"
	"strings"

	"github.com/switchback-dr/switchback/lab/oceanbase/obsql"
)

// account reads name [@ 'host'].
func account(r *obsql.Reader) (string, error) {
	name, err := r.Name()
	if err != nil {
		return "", err
	}
	if t := r.Peek(0); t.Kind == obsql.Variable && strings.HasPrefix(t.Text, "@") {
		r.Next()
		if t.Text == "@" {
			_, err = r.Name()
		}
	}
	return name, err
}

// identified reads [IDENTIFIED BY 'password'].
func identified(r *obsql.Reader) (password string, given bool, err error) {
	if !r.Accept("IDENTIFIED", "BY") {
		return "", false, nil
	}
	password, err = r.Name()
	return password, true, err
}

func (s *session) createUser(r *obsql.Reader) error {
	quiet := r.Accept("IF", "NOT", "EXISTS")
	name, err := account(r)
	if err != nil {
		return err
	}
	password, _, err := identified(r)
	if err != nil {
		return err
	}
	if err := r.Done(); err != nil {
		return err
	}
	return s.recorded(func(c *content) (payload, error) {
		if there := c.users[strings.ToLower(name)]; there != nil {
			if quiet {
				return payload{User: there}, nil
			}
			return payload{}, &obsql.Error{Code: 1396, State: "HY000", Text: "Operation CREATE USER failed for '" + name + "'@'%'"}
		}
		return payload{User: &user{Name: name, Password: password}}, nil
	})
}

// alterUser is ALTER USER name IDENTIFIED BY 'password', ACCOUNT LOCK, UNLOCK.
func (s *session) alterUser(r *obsql.Reader) error {
	name, err := account(r)
	if err != nil {
		return err
	}
	password, given, err := identified(r)
	if err != nil {
		return err
	}
	lock, unlock := r.Accept("ACCOUNT", "LOCK"), r.Accept("ACCOUNT", "UNLOCK")
	if err := r.Done(); err != nil {
		return err
	}
	return s.changeUser(name, func(u *user) {
		if given {
			u.Password = password
		}
		u.Locked = lock || u.Locked && !unlock
	})
}

// changeUser records a changed copy of a user.
func (s *session) changeUser(name string, change func(*user)) error {
	return s.recorded(func(c *content) (payload, error) {
		u := c.users[strings.ToLower(name)]
		if u == nil {
			return payload{}, noSuchUser.with(name)
		}
		changed := *u
		changed.Grants = slices.Clone(u.Grants)
		change(&changed)
		return payload{User: &changed}, nil
	})
}

func (s *session) dropUser(r *obsql.Reader) error {
	name, err := account(r)
	if err != nil {
		return err
	}
	return s.recorded(func(c *content) (payload, error) {
		if c.users[strings.ToLower(name)] == nil {
			return payload{}, noSuchUser.with(name)
		}
		return payload{DropUser: name}, nil
	})
}

// grant is GRANT privilege, ... ON level TO name.
func (s *session) grant(r *obsql.Reader) error {
	r.Next()
	g := grant{}
	for {
		words := []string{}
		for !r.Peek(0).Is(",") && !r.Peek(0).Is("ON") && !r.Peek(0).Is("TO") {
			w, err := r.Identifier()
			if err != nil {
				return err
			}
			words = append(words, strings.ToUpper(w))
		}
		g.Privileges = append(g.Privileges, strings.TrimSuffix(strings.Join(words, " "), " PRIVILEGES"))
		if !r.Accept(",") {
			break
		}
	}
	if r.Accept("ON") {
		for !r.End() && !r.Peek(0).Is("TO") {
			g.On += r.Next().Text
		}
	}
	if err := r.Expect("TO"); err != nil {
		return err
	}
	name, err := account(r)
	if err != nil {
		return err
	}
	// Oracle mode grants system privileges and roles without a level.
	if g.On == "" {
		g.On = "*.*"
		if slices.Contains(g.Privileges, "STANDBY_REPLICATION") {
			g = grant{Privileges: []string{"SELECT"}, On: "oceanbase.*"}
		}
	}
	g.On = strings.Replace(g.On, "SYS.", "oceanbase.", 1)
	return s.changeUser(name, func(u *user) { u.Grants = append(u.Grants, g) })
}
