#!/usr/bin/env bash
# The demo: Temporal, its UI, a lab with two database hosts, a worker and a
# client, all on this machine. See dev/README.md.
set -euo pipefail
cd "$(dirname "$0")/.."

# What the product needs is said before anything is built or started.
need_postgres() {
	local dir
	if command -v initdb >/dev/null; then return; fi
	for dir in /usr/lib/postgresql/*/bin; do
		if [ -x "$dir/initdb" ]; then return; fi
	done
	echo "the demo needs PostgreSQL: apt-get install postgresql" >&2
	exit 1
}

product=${PRODUCT:-hana}
if [ "$product" = postgres ]; then need_postgres; fi
# Built and replaced by it, not "go run", so that signals and exit status are
# the demo's own.
mkdir -p bin
(cd dev && go build -o ../bin/dev .)
exec bin/dev demo --product "$product"
