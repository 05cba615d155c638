//go:build !linux

package main

// measureClients plays the same planned takeovers once by each kind; virtual
// addresses need Linux.
func measureClients(s *scene, runs int) ([]Row, error) {
	s.Log("virtual addresses are not measured: their network needs Linux")
	return measureKinds(s, clientKinds(), runs)
}
