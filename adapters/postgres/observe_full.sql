select 'server ' || json_build_object(
 'version', current_setting('server_version_num')::int, 'recovery', pg_is_in_recovery(),
 'system', (select system_identifier::text from pg_control_system()), 'data', current_setting('data_directory'),
 'current', case when not pg_is_in_recovery() then pg_current_wal_lsn()::text end,
 'walfile', case when not pg_is_in_recovery() then pg_walfile_name(pg_current_wal_lsn()) end,
 'receive', pg_last_wal_receive_lsn()::text, 'replay', pg_last_wal_replay_lsn()::text,
 'replay_time', pg_last_xact_replay_timestamp(),
 'pause', case when pg_is_in_recovery() then pg_get_wal_replay_pause_state() end,
 'checkpoint', (select checkpoint_lsn::text from pg_control_checkpoint()),
 'checkpoint_timeline', (select timeline_id from pg_control_checkpoint()),
 'recovery_timeline', (select min_recovery_end_timeline from pg_control_recovery()),
 'synchronous', current_setting('synchronous_standby_names'), 'slot', current_setting('primary_slot_name'),
 'checksums', current_setting('data_checksums') = 'on', 'hints', current_setting('wal_log_hints') = 'on',
 'full_page_writes', current_setting('full_page_writes') = 'on', 'wal_level', current_setting('wal_level'),
 'max_connections', current_setting('max_connections')::int,
 'max_worker_processes', current_setting('max_worker_processes')::int,
 'max_wal_senders', current_setting('max_wal_senders')::int,
 'max_prepared', current_setting('max_prepared_transactions')::int,
 'max_locks', current_setting('max_locks_per_transaction')::int,
 'prepared', (select count(*) from pg_prepared_xacts),
 'long', (select count(*) from pg_stat_activity where backend_type = 'client backend' and xact_start < now() - interval '5 minutes'),
 'basebackups', (select count(*) from pg_stat_progress_basebackup),
 'tablespaces', (select count(*) from pg_tablespace where spcname not in ('pg_default','pg_global')))
union all
select 'repl ' || json_build_object('name', application_name, 'state', state, 'sync', sync_state, 'sent', sent_lsn::text,
 'flush', flush_lsn::text, 'replay', replay_lsn::text, 'lag', case when not pg_is_in_recovery() then pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)::bigint end,
 'slot', (select slot_name from pg_replication_slots s where s.active_pid = r.pid limit 1)) from pg_stat_replication r
union all
select 'receiver ' || json_build_object('status', status, 'timeline', received_tli, 'flushed', flushed_lsn::text,
 'latest_end', latest_end_lsn::text, 'message', last_msg_receipt_time, 'slot', slot_name, 'host', sender_host, 'port', sender_port) from pg_stat_wal_receiver
union all
select 'slot ' || json_build_object('name', slot_name, 'type', slot_type, 'active', active, 'restart', restart_lsn::text, 'status', wal_status,
 'retained', case when restart_lsn is null then 0 else pg_wal_lsn_diff(case when pg_is_in_recovery() then coalesce(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) else pg_current_wal_lsn() end, restart_lsn)::bigint end) from pg_replication_slots where not temporary
