package labkit

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// network is the lab's part of 127.0.0.0/8: 127.77.R.n, with R its own. On
// Linux every one of these addresses is there without being set up.
type network struct {
	third int
	// hold keeps other labs out of the network as long as it is open.
	hold net.Listener
	// ssh and service are the ports used on every address of the lab.
	ssh, service int
}

// Numbers of addresses inside a lab's network. A host with number n has its
// servers themselves on inner(n): what the host's address shows is a link that
// can be cut.
const (
	clientNumber = 100
	innerOffset  = 100
	firstHost    = 11
	holdNumber   = 250
)

func (n network) address(number int) string {
	return "127.77." + strconv.Itoa(n.third) + "." + strconv.Itoa(number)
}

func (n network) inner(number int) string { return n.address(number + innerOffset) }

// findNetwork finds addresses on which nobody listens. The usual ports are
// tried first; a server that listens on every address of the machine takes
// them away, then others are used.
func findNetwork(service int) (network, error) {
	for attempt := range 60 {
		n := network{third: 1 + rand.IntN(250), ssh: 2222, service: service}
		if attempt > 20 {
			n.ssh, n.service = 10000+rand.IntN(20000), 10000+rand.IntN(20000)
		}
		var err error
		if n.hold, err = net.Listen("tcp", net.JoinHostPort(n.address(holdNumber), "2222")); err != nil {
			continue
		}
		if n.ssh != n.service && n.free() {
			return n, nil
		}
		_ = n.hold.Close()
	}
	return network{}, fmt.Errorf("the lab found no free addresses in 127.77.0.0/16: the lab needs Linux's loopback network, and ports that nobody listens on")
}

func (n network) free() bool {
	for number := firstHost; number < firstHost+10; number++ {
		for _, at := range []string{n.address(number), n.inner(number), n.address(clientNumber)} {
			for _, port := range []int{n.ssh, n.service} {
				l, err := net.Listen("tcp", net.JoinHostPort(at, strconv.Itoa(port)))
				if err != nil {
					return false
				}
				_ = l.Close()
			}
		}
	}
	return true
}
