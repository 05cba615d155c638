#!/usr/bin/env bash
# The whole suite, or the parts named on the command line. Every part runs even
# when an earlier one failed, so that one run tells everything; the exit status
# is not 0 when any part failed. The minutes of each part come last.
set -euo pipefail
cd "$(dirname "$0")/.."

# The tools are pinned here and built by Go: nothing else is installed.
golangci=github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
workflowcheck=go.temporal.io/sdk/contrib/tools/workflowcheck@v0.6.0

# Debian keeps the server's programs out of PATH.
for dir in /usr/lib/postgresql/*/bin; do
	if [ -d "$dir" ]; then PATH=$PATH:$dir; fi
done
PATH=$PATH:/usr/sbin

# No version stamp: with it Go asks git, which refuses a checkout of another
# owner, as containers often have it.
export GOFLAGS="${GOFLAGS:-} -buildvcs=false"

all_parts=(needs format vet lint workflowcheck dev race labs e2e principal)

# End-to-end suites run whole programs and must not compete for the processors.
e2e_pattern='/e2e(/|$)'

# In these packages the test binary is started again for every vendor's program
# of a simulated host, thousands of times. What those programs do is tested
# under the race detector in the packages below them.
labs_pattern='/(lab|adapters)/(hana|vvr|openedge|oceanbase)$'

# packages_of gives the packages that match a pattern, or that match none.
packages_of() {
	case $1 in
	e2e) go list ./... | grep -E "$e2e_pattern" ;;
	labs) go list ./... | grep -E "$labs_pattern" ;;
	*) go list ./... | grep -vE "$e2e_pattern|$labs_pattern" ;;
	esac
}

# needs says at once what is missing, instead of in the middle of a test.
part_needs() {
	local missing=0 program package
	while read -r program package; do
		if ! command -v "$program" >/dev/null; then
			echo "$program is missing: apt-get install $package"
			missing=1
		fi
	done <<-'LIST'
		initdb postgresql
		pg_rewind postgresql
		haproxy haproxy
		pgbouncer pgbouncer
		sshd openssh-server
		ssh-keygen openssh-client
		csh csh
		ps procps
		useradd passwd
		ip iproute2
		arping iputils-arping
		ping iputils-ping
		named bind9
		nsupdate bind9-dnsutils
		python3 python3
		gcc gcc
		chromium chromium
	LIST
	return "$missing"
}

part_format() {
	local wrong
	wrong=$(find . -name '*.go' -not -path './.cache/*' -exec gofmt -l {} +)
	if [ -n "$wrong" ]; then
		echo "not formatted (gofmt -w):"
		echo "$wrong"
		return 1
	fi
}

part_vet() {
	go vet ./...
	(cd dev && go vet ./...)
}

part_lint() { go run "$golangci" run ./...; }

# No time, randomness or map order in a workflow: replay would differ.
part_workflowcheck() { go run "$workflowcheck" -config .workflowcheck.yaml ./workflows/...; }

# The server is large: built once, without the race detector, and started as a
# process by the tests.
part_dev() {
	(cd dev && go build -o ../.cache/e2e/dev . && go test ./...)
}

# The pictures in docs/ are what the tests in the browser have seen.
part_pictures() {
	mkdir -p docs/pictures
	(cd dev && SWITCHBACK_PICTURES="$PWD/../docs/pictures" go test -count 1 ./browser)
}

# Seeds of fuzz tests and recorded histories are ordinary tests and run here.
part_race() { packages_of rest | xargs go test -race -timeout 15m; }

# The adapters' suites walk every plan under every fault, and those of HANA and
# OceanBase play the known failures one by one: they are a part of their own
# (suites), which takes most of an hour and is not in the usual run.
suite='^Test(TheAdapterPassesTheSuite|WhatGoesWrong|TheLoadedProvider)'
part_labs() {
	echo "left to make suites: $suite of the simulated products"
	packages_of labs | xargs go test -timeout 15m -p 2 -skip "$suite"
}

part_suites() { packages_of labs | grep /adapters/ | xargs go test -timeout 60m -p 1 -run "$suite"; }

# Stages mostly wait for time-outs, so more of them than processors run at once.
part_e2e() { go test -race -timeout 30m -parallel 3 ./e2e; }

# Of each simulated product the usual run plays the way there and back; the part
# products plays everything.
principal='^Test(APlannedTakeoverAndA|APlannedTakeoverAndIts|TheManualsExamples)'
part_principal() {
	echo "left to make products: what is not $principal"
	packages_of e2e | grep /e2e/ | xargs go test -race -timeout 20m -p 2 -run "$principal"
}

part_products() { packages_of e2e | grep /e2e/ | xargs go test -race -timeout 60m -p 1 -parallel 3; }

table=()
failed=()

run_part() {
	local name=$1 began=$SECONDS verdict=ok took
	echo "== $name"
	# A subshell of its own, so that errexit holds inside the part.
	set +e
	(set -e; "part_$name")
	[ $? -eq 0 ] || verdict=FAILED
	set -e
	took=$((SECONDS - began))
	if [ "$verdict" = FAILED ]; then failed+=("$name"); fi
	table+=("$(printf '%-14s %3d min %02d s  %s' "$name" $((took / 60)) $((took % 60)) "$verdict")")
}

main() {
	local parts=("$@") part
	if [ ${#parts[@]} -eq 0 ]; then parts=("${all_parts[@]}"); fi
	for part in "${parts[@]}"; do
		if ! declare -F "part_$part" >/dev/null; then
			echo "there is no part \"$part\"; the parts are: ${all_parts[*]}" >&2
			exit 2
		fi
	done
	for part in "${parts[@]}"; do
		run_part "$part"
		# Without its tools the rest could only fail again, less clearly.
		if [ "$part" = needs ] && [ ${#failed[@]} -gt 0 ]; then break; fi
	done
	echo
	printf '%s\n' "${table[@]}"
	printf '%-14s %3d min %02d s\n' all $((SECONDS / 60)) $((SECONDS % 60))
	if [ ${#failed[@]} -gt 0 ]; then
		echo "failed: ${failed[*]}"
		exit 1
	fi
}

main "$@" </dev/null
