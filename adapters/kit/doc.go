// Package kit is what adapters are built from: the interfaces that an adapter
// implements, the interfaces that it is given (hosts, secrets, clock), the one
// executor that carries out a step as probe, guard, act, probe, and what every
// adapter would otherwise write for itself.
//
// An adapter knows its product and nothing of Temporal, SSH or YAML.
package kit
