package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/switchback-dr/switchback/lab/host"
)

// rewindFunctions are what a role without superuser needs to be the source of
// pg_rewind (the manual of pg_rewind, Notes).
var rewindFunctions = []string{
	"pg_ls_dir(text, boolean, boolean)", "pg_stat_file(text, boolean)",
	"pg_read_binary_file(text)", "pg_read_binary_file(text, bigint, bigint, boolean)",
}

// makeContent makes roles, the clients' database and table, and a slot for
// every standby.
func (s *system) makeContent(ctx context.Context, h *host.Host) error {
	config, err := pgx.ParseConfig(fmt.Sprintf("host=%s port=%d user=postgres dbname=postgres", h.Path(socket), s.lab.Port()))
	if err != nil {
		return err
	}
	statements := []string{
		s.role(adminRole, "superuser"), s.role(replicationRole, "replication"), s.role(clientRole, ""), s.role(labRole, "superuser"),
	}
	for _, f := range rewindFunctions {
		statements = append(statements, "grant execute on function pg_catalog."+f+" to "+replicationRole)
	}
	for _, site := range s.standbys() {
		statements = append(statements, "select pg_create_physical_replication_slot('"+slot(site)+"', true)")
	}
	statements = append(statements, "create database "+clientDatabase+" owner "+clientRole)
	if err := execAll(ctx, config, statements); err != nil {
		return err
	}
	if config, err = pgx.ParseConfig(fmt.Sprintf("host=%s port=%d user=postgres dbname=%s", h.Path(socket), s.lab.Port(), clientDatabase)); err != nil {
		return err
	}
	// No unique index: a row that was applied twice must show.
	return execAll(ctx, config, []string{
		"create table " + table + " (n bigint not null, at timestamptz not null default clock_timestamp())",
		"alter table " + table + " owner to " + clientRole,
		"alter role postgres nologin",
	})
}

func (s *system) role(name, attributes string) string {
	return "create role " + name + " login " + attributes + " password '" + s.passwords[name] + "'"
}

func execAll(ctx context.Context, config *pgx.ConnConfig, statements []string) error {
	c, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("the lab's new PostgreSQL does not let the lab in: %w", err)
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	for _, q := range statements {
		if _, err := c.Exec(ctx, q, pgx.QueryExecModeSimpleProtocol); err != nil {
			return fmt.Errorf("the lab's new PostgreSQL refuses a statement: %w", err)
		}
	}
	return nil
}

// waitStreaming waits until the primary sees every standby streaming.
func (s *system) waitStreaming(ctx context.Context, want int) error {
	for {
		got := 0
		err := s.query(ctx, s.lab.Sites[0], "select count(*) from pg_stat_replication where state = 'streaming'", &got)
		if err == nil && got == want {
			return nil
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("the lab's standbys do not stream: %d of %d (%v)", got, want, err) //nolint:errorlint // err may be nil
		}
	}
}
