# Every target works in a clean checkout with Go and the packages that
# .ci/run names. What is long lives in scripts/.

SHELL := /bin/bash

# The product that demo, bench and torture use.
PRODUCT ?= hana
# yes: the demo approves its gates by itself.
DEMO_APPROVE ?=
# 1: bench also installs and measures repmgr and Patroni.
PEERS ?=

export PRODUCT DEMO_APPROVE PEERS

.PHONY: help test lint race suites products demo bench torture histories pictures build clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

test: ## the whole suite, as continuous integration runs it
	@scripts/test.sh

lint: ## format, vet, import rules, linters, determinism of workflows
	@scripts/test.sh format vet lint workflowcheck

race: ## the tests of the main module under the race detector
	@scripts/test.sh race

suites: ## every plan of the simulated products under every fault of the adapters' suite
	@scripts/test.sh suites

products: ## every end-to-end test of the simulated products
	@scripts/test.sh products

demo: ## a planned takeover, a lost primary and a failback, to watch and approve
	@scripts/demo.sh

bench: ## measure steps, outages and memory, each beside a bare reference
	go run ./bench

torture: ## kill everything everywhere: the full matrix, hours
	SWITCHBACK_TORTURE=yes go test -tags torture -count 1 -p 1 -parallel 4 -timeout 24h ./e2e/...

histories: ## record the histories anew that the replay test plays
	go run ./internal/histories/record

pictures: ## take the documentation's pictures anew, from the tests in the browser
	@scripts/test.sh pictures

build: ## worker, starter, chatops, lab and dev into bin/
	@mkdir -p bin
	go build -o bin/ ./worker ./starter ./chatops ./lab
	cd dev && go build -o ../bin/dev .

clean: ## remove what the other targets made
	rm -rf bin .cache lab-dir
