package main

import (
	"github.com/switchback-dr/switchback/internal/gateway"
	"github.com/switchback-dr/switchback/internal/gateway/slack"
	"github.com/switchback-dr/switchback/internal/gateway/web"
)

// channels is the list of channels: one line each. See the package comment of
// internal/gateway.
func channels() []gateway.Kind {
	return []gateway.Kind{
		{Name: "slack", Account: "slack", New: slack.New},
		{Name: web.Name, Account: web.Account, New: web.New},
	}
}
