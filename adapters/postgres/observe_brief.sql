select 'server ' || json_build_object(
 'version', current_setting('server_version_num')::int, 'recovery', pg_is_in_recovery(),
 'system', (select system_identifier::text from pg_control_system()), 'data', current_setting('data_directory'),
 'current', case when not pg_is_in_recovery() then pg_current_wal_lsn()::text end,
 'walfile', case when not pg_is_in_recovery() then pg_walfile_name(pg_current_wal_lsn()) end,
 'receive', pg_last_wal_receive_lsn()::text, 'replay', pg_last_wal_replay_lsn()::text,
 'pause', case when pg_is_in_recovery() then pg_get_wal_replay_pause_state() end,
 'checkpoint', (select checkpoint_lsn::text from pg_control_checkpoint()),
 'checkpoint_timeline', (select timeline_id from pg_control_checkpoint()),
 'synchronous', current_setting('synchronous_standby_names'), 'slot', current_setting('primary_slot_name'))
union all
select 'repl ' || json_build_object('name', application_name, 'state', state, 'sync', sync_state, 'sent', sent_lsn::text,
 'flush', flush_lsn::text, 'replay', replay_lsn::text) from pg_stat_replication
union all
select 'receiver ' || json_build_object('status', status, 'timeline', received_tli, 'flushed', flushed_lsn::text, 'slot', slot_name, 'host', sender_host, 'port', sender_port) from pg_stat_wal_receiver
union all
select 'slot ' || json_build_object('name', slot_name, 'type', slot_type, 'active', active, 'restart', restart_lsn::text, 'status', wal_status) from pg_replication_slots where not temporary
