package engine

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/switchback-dr/switchback/lab/hana/hdbsql"
)

// user reads a user of the database.
func (d *database) user(ctx context.Context, name string) (hdbsql.Verifier, bool, error) {
	var v hdbsql.Verifier
	var text string
	admin := false
	d.vol.mu.Lock()
	db := d.vol.db
	d.vol.mu.Unlock()
	if db == nil {
		return v, false, &hdbsql.Error{Code: hdbsql.CodeGeneral, Text: "general error: the database is not initialised"}
	}
	err := db.QueryRowContext(ctx, "select verifier, admin from _SYS_USERS where name = ?", strings.ToUpper(name)).Scan(&text, &admin)
	if err != nil {
		return v, false, err
	}
	return v, admin, json.Unmarshal([]byte(text), &v)
}

// Verifier gives what is kept of a user's password.
func (d *database) Verifier(name string) (hdbsql.Verifier, bool) {
	v, _, err := d.user(context.Background(), name)
	return v, err == nil
}

// createUser runs CREATE USER name PASSWORD "secret" [NO FORCE_FIRST_PASSWORD_CHANGE].
func (s *session) createUser(ctx context.Context, all []token) (*hdbsql.Result, error) {
	if err := s.needAdmin(); err != nil {
		return nil, err
	}
	if len(all) < 5 || !all[3].is("PASSWORD") {
		return nil, syntaxError(join(all[:min(3, len(all))]))
	}
	return s.putUser(ctx, all[2].value(), all[4].value(), false)
}

func (s *session) putUser(ctx context.Context, name, password string, admin bool) (*hdbsql.Result, error) {
	v, err := hdbsql.NewVerifier(password)
	if err != nil {
		return nil, err
	}
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	st := statement{"insert or replace into " + s.d.vol.schema + "._SYS_USERS values (?, ?, ?)", []any{strings.ToUpper(name), string(b), admin}}
	_, err = s.change(ctx, st, true)
	return &hdbsql.Result{Kind: hdbsql.DDL}, err
}

// grant makes a user an administrator, whatever of the system's privileges is
// granted: a lab does not need to tell them apart.
func (s *session) grant(ctx context.Context, all []token) (*hdbsql.Result, error) {
	if err := s.needAdmin(); err != nil {
		return nil, err
	}
	for i, t := range all {
		if t.is("TO") && i+1 < len(all) {
			st := statement{"update " + s.d.vol.schema + "._SYS_USERS set admin = 1 where name = ?", []any{strings.ToUpper(all[i+1].value())}}
			n, err := s.change(ctx, st, true)
			if err == nil && n == 0 {
				err = &hdbsql.Error{Code: 332, Text: "invalid user name: " + all[i+1].value()}
			}
			return &hdbsql.Result{Kind: hdbsql.DDL}, err
		}
	}
	return nil, syntaxError("GRANT")
}

func (s *session) needAdmin() error {
	if s.admin {
		return nil
	}
	return &hdbsql.Error{Code: hdbsql.CodePrivilege, Text: "insufficient privilege: Not authorized"}
}
