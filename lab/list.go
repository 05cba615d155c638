package main

import (
	"github.com/switchback-dr/switchback/lab/labkit"
	"github.com/switchback-dr/switchback/lab/openedge"
	"github.com/switchback-dr/switchback/lab/postgres"
)

// products are all products that the lab can start: one line each.
var products = []labkit.Product{
	openedge.Product{},
	postgres.Product{},
}
