package engine

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/lab/hana/hdbsql"
	"github.com/switchback-dr/switchback/lab/hana/instance"
)

// backup is a data backup that runs or has run since the start.
type backup struct {
	d       *database
	id      int64
	prefix  string
	comment string
	started time.Time
	ended   time.Time
	state   string
	size    int64
	sent    int64
}

// backupData runs BACKUP DATA [FOR tenant] USING FILE ('prefix') [COMMENT 'text'].
// It goes on when the client does not wait for it.
func (s *session) backupData(ctx context.Context, all []token) (*hdbsql.Result, error) {
	if err := s.needAdmin(); err != nil {
		return nil, err
	}
	d, prefix, comment := s.d, "", ""
	for i := 2; i < len(all); i++ {
		switch {
		case all[i].is("FOR") && i+1 < len(all) && all[i+1].is("FULL"):
			return notSimulated(ctx, all)
		case all[i].is("FOR") && i+1 < len(all):
			if d = s.d.engine.database(all[i+1].value()); d == nil {
				return nil, &hdbsql.Error{Code: hdbsql.CodeNoDatabase, Text: "invalid database name: " + all[i+1].value()}
			}
		case all[i].is("COMMENT") && i+1 < len(all):
			comment = all[i+1].value()
		case all[i].kind == literal && prefix == "" && all[i-1].is("("):
			prefix = all[i].value()
		}
	}
	if prefix == "" {
		return nil, syntaxError(join(all))
	}
	trace("statement: BACKUP DATA FOR %s", d.name)
	if s.d.engine.siteNow().Secondary() {
		return nil, &hdbsql.Error{Code: hdbsql.CodeBackup, Text: instance.Text("backup-secondary")}
	}
	ended := make(chan error, 1)
	go func() { ended <- d.backup(prefix, comment) }()
	select {
	case err := <-ended:
		return &hdbsql.Result{Kind: hdbsql.DDL}, err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// backup writes a copy of the database and its entry in the catalog.
func (d *database) backup(prefix, comment string) error {
	if !filepath.IsAbs(prefix) {
		prefix = filepath.Join(d.engine.conf.Instance(), "backup/data", "DB_"+d.name, prefix)
	}
	b := &backup{d: d, id: now().UnixMilli(), prefix: prefix, comment: comment, started: now(), state: "running"}
	d.engine.mu.Lock()
	for d.engine.backups[b.id] != nil {
		b.id++
	}
	d.engine.backups[b.id] = b
	d.engine.mu.Unlock()
	err := d.carryOut(b)
	d.engine.mu.Lock()
	b.ended, b.state = now(), "successful"
	message := "<ok>"
	if err != nil {
		b.state, message = "failed", err.Error()
	}
	d.engine.mu.Unlock()
	schema := d.vol.schema
	st := statement{
		"insert into " + schema + "._SYS_BACKUPS values ((select coalesce(max(entry_id), 0) + 1 from " + schema + "._SYS_BACKUPS), 'complete data backup', ?, ?, ?, ?, ?, ?, ?, ?)",
		[]any{b.id, stamp(b.started), stamp(b.ended), b.state, comment, message, b.size, b.file()},
	}
	if logged := d.engine.write(d.vol, st); err == nil {
		err = logged
	}
	if err != nil {
		return &hdbsql.Error{Code: hdbsql.CodeBackup, Text: fmt.Sprintf(instance.Text("backup-failed"), b.file())}
	}
	return nil
}

func (b *backup) file() string {
	return fmt.Sprintf("%s_databackup_%d_%d", b.prefix, b.d.vol.id, 1)
}

func (d *database) carryOut(b *backup) error {
	if _, on := d.engine.conf.Fault("backup-fails"); on {
		return fmt.Errorf("the backup destination is full")
	}
	if err := os.MkdirAll(filepath.Dir(b.prefix), 0o755); err != nil {
		return err
	}
	file, _, err := d.vol.snapshot(d.engine.ctx, "backup")
	if err != nil {
		return err
	}
	if s, err := os.Stat(file); err == nil {
		d.engine.mu.Lock()
		b.size = s.Size()
		d.engine.mu.Unlock()
	}
	for range chunks {
		select {
		case <-time.After(d.engine.backupPause()):
		case <-d.engine.ctx.Done():
			return d.engine.ctx.Err()
		}
		d.engine.mu.Lock()
		b.sent = min(b.size, b.sent+b.size/chunks+1)
		d.engine.mu.Unlock()
	}
	d.engine.mu.Lock()
	b.sent = b.size
	d.engine.mu.Unlock()
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := os.Remove(file); err != nil {
		return err
	}
	return os.WriteFile(b.file(), content, 0o644)
}

func (e *engine) backupPause() time.Duration {
	if slow, on := e.conf.Fault("slow-backup"); on {
		if d, err := time.ParseDuration(slow); err == nil {
			return d / chunks
		}
	}
	return e.conf.Transfer / 2 / chunks
}

// backupsDone counts the successful data backups of a database.
func (d *database) backupsDone(ctx context.Context) (int, error) {
	n := 0
	err := d.vol.each(ctx, "select count(*) from _SYS_BACKUPS where state = 'successful'", func(scan func(...any) error) error { return scan(&n) })
	return n, err
}

func backupCatalog(ctx context.Context, d *database) (rowList, error) {
	all, err := d.catalog(ctx)
	if err != nil {
		return nil, err
	}
	d.engine.mu.Lock()
	defer d.engine.mu.Unlock()
	for _, b := range d.engine.backups {
		if b.d == d && b.state == "running" {
			all = append(all, map[string]any{
				"ENTRY_ID": b.id, "ENTRY_TYPE_NAME": "complete data backup", "BACKUP_ID": b.id, "SYS_START_TIME": when(b.started), "UTC_START_TIME": when(b.started),
				"STATE_NAME": b.state, "COMMENT": b.comment, "MESSAGE": "", "SYSTEM_ID": d.engine.conf.SID,
			})
		}
	}
	return all, nil
}

func backupFiles(ctx context.Context, d *database) (rowList, error) { return d.catalog(ctx) }

func (d *database) catalog(ctx context.Context) (rowList, error) {
	var all rowList
	err := d.vol.each(ctx, "select entry_id, type, backup_id, started, ended, state, comment, message, size, path from _SYS_BACKUPS order by entry_id", func(scan func(...any) error) error {
		var entry, id, size int64
		var typ, started, ended, state, comment, message, path string
		if err := scan(&entry, &typ, &id, &started, &ended, &state, &comment, &message, &size, &path); err != nil {
			return err
		}
		all = append(all, map[string]any{
			"ENTRY_ID": entry, "ENTRY_TYPE_NAME": typ, "BACKUP_ID": id, "SYS_START_TIME": started, "UTC_START_TIME": started, "SYS_END_TIME": ended,
			"UTC_END_TIME": ended, "STATE_NAME": state, "COMMENT": comment, "MESSAGE": message, "SYSTEM_ID": d.engine.conf.SID,
			"SOURCE_ID": d.vol.id, "DESTINATION_TYPE_NAME": "file", "DESTINATION_PATH": path, "BACKUP_SIZE": size << 10, "HOST": d.engine.conf.Host,
			"SERVICE_TYPE_NAME": d.vol.service,
		})
		return nil
	})
	return all, err
}

func backupProgress(_ context.Context, d *database) (rowList, error) {
	d.engine.mu.Lock()
	defer d.engine.mu.Unlock()
	var all rowList
	for _, b := range d.engine.backups {
		if b.d == d {
			all = append(all, map[string]any{
				"BACKUP_ID": b.id, "HOST": d.engine.conf.Host, "PORT": d.vol.port, "SERVICE_NAME": d.vol.service, "ENTRY_TYPE_NAME": "complete data backup",
				"SYS_START_TIME": when(b.started), "UTC_START_TIME": when(b.started), "SYS_END_TIME": when(b.ended), "UTC_END_TIME": when(b.ended),
				"STATE_NAME": b.state, "BACKUP_SIZE": b.size << 10, "TRANSFERRED_SIZE": b.sent << 10,
			})
		}
	}
	return all, nil
}

// alterConfiguration runs ALTER SYSTEM ALTER CONFIGURATION ('global.ini',
// 'SYSTEM') SET ('section', 'key') = 'value', or UNSET.
func (s *session) alterConfiguration(all []token) error {
	var texts []string
	for _, t := range all {
		if t.kind == literal {
			texts = append(texts, t.value())
		}
	}
	unset := strings.Contains(join(all), " UNSET ")
	if len(texts) < 4 || !unset && len(texts) < 5 || texts[0] != "global.ini" {
		return syntaxError(join(all))
	}
	value := ""
	if !unset {
		value = texts[4]
	}
	err := s.d.engine.update(func(site *instance.Site) error {
		site.SetAny(texts[2], texts[3], value)
		if texts[2] == "system_replication" && texts[3] == "enable_full_sync" {
			site.FullSync = value == "true"
		}
		return nil
	})
	return err
}
