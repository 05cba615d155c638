package main

import (
	"github.com/switchback-dr/switchback/lab/labkit"
	"github.com/switchback-dr/switchback/lab/postgres"
	"github.com/switchback-dr/switchback/lab/vvr"
)

// products are all products that the lab can start: one line each.
var products = []labkit.Product{
	postgres.Product{},
	vvr.Product{},
}
