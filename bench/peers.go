package main

import "errors"

func measurePeers(*scene, int) ([]Row, error) { return nil, errors.New("not yet") }
