#!/bin/sh
# Brings Temporal's two databases to the schema of this image. Every step
# leaves alone what is there already.
set -eu

schema() { # DATABASE FOLDER
	sql() {
		temporal-sql-tool --plugin "$DB" --ep "$POSTGRES_SEEDS" --port "$DB_PORT" \
			--user "$POSTGRES_USER" --db "$database" "$@"
	}
	database=$1
	sql create
	sql setup-schema --version 0.0
	sql update-schema --schema-dir "/etc/temporal/schema/postgresql/v12/$2/versioned"
}

schema temporal temporal
schema temporal_visibility visibility
