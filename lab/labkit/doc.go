// Package labkit builds a lab of one product: hosts with addresses, keys and
// users, a client address, a client that writes, a ledger, fault switches and
// the inventory file that makes the lab a system like any other.
//
// A product is one package that implements Product; `lab/list/list.go` names them
// all. A program or a test that wants a lab in its own process calls Up with
// the product itself:
//
//	l, err := labkit.Up(ctx, postgres.Product{}, dir, labkit.Options{})
//	defer l.Close()
package labkit
