package devserver

import (
	"net"

	"go.temporal.io/server/common/testing/freeport"

	"github.com/switchback-dr/switchback/dr"
)

// portOrFree gives the port asked for after a look whether it can be had, or
// a free one for 0. The look matters: the server and the UI end the whole
// process, without a word about the port, when they cannot listen.
func portOrFree(ip string, port int, what string) (int, error) {
	if port == 0 {
		return freeport.MustGetFreePort(), nil
	}
	if port < 0 || port > 65535 {
		return 0, dr.Refuse("dev_port", "%d is no port for %s", port, what).WithNext("give 1 to 65535, or 0 for a free one")
	}
	l, err := net.Listen("tcp", hostPort(ip, port))
	if err != nil {
		return 0, dr.Refuse("dev_port", "%s cannot listen on %s: %v", what, hostPort(ip, port), err).
			WithNext("end the program that has the port, or choose another one").Because(err)
	}
	_ = l.Close()
	return port, nil
}
