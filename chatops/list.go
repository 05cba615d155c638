package main

import (
	"github.com/switchback-dr/switchback/internal/gateway"
)

// channels is the list of channels: one line each. See the package comment of
// internal/gateway.
func channels() []gateway.Kind {
	return []gateway.Kind{}
}
