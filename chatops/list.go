package main

import (
	"github.com/switchback-dr/switchback/internal/gateway"
	"github.com/switchback-dr/switchback/internal/gateway/mattermost"
	"github.com/switchback-dr/switchback/internal/gateway/pagerduty"
	"github.com/switchback-dr/switchback/internal/gateway/slack"
	"github.com/switchback-dr/switchback/internal/gateway/teams"
	"github.com/switchback-dr/switchback/internal/gateway/web"
	"github.com/switchback-dr/switchback/internal/gateway/webhook"
)

// channels is the list of channels: one line each. See the package comment of
// internal/gateway.
func channels() []gateway.Kind {
	return []gateway.Kind{
		{Name: "slack", Account: "slack", New: slack.New},
		{Name: web.Name, Account: web.Account, New: web.New},
		{Name: mattermost.Name, Account: mattermost.Name, New: mattermost.New},
		{Name: webhook.Name, Account: webhook.Name, New: webhook.New},
		{Name: teams.Name, New: teams.New},
		{Name: pagerduty.Name, New: pagerduty.New},
	}
}
