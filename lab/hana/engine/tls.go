package engine

import (
	"bufio"
	"context"
	"crypto/tls"
	"net"
	"os"

	"github.com/switchback-dr/switchback/lab/hana/hdbsql"
)

// handshakeRecord is the first byte of a TLS connection; HANA's own protocol
// begins with FF.
const handshakeRecord = 0x16

// peeked is a connection of which some bytes were looked at.
type peeked struct {
	net.Conn
	r *bufio.Reader
}

func (p peeked) Read(b []byte) (int, error) { return p.r.Read(b) }

// serve speaks with one client, over TLS when it begins so and the host has a
// certificate: as on a real SQL port, both are taken.
func (d *database) serve(ctx context.Context, c net.Conn) {
	at := d.engine.conf.Certificate()
	if _, err := os.Stat(at); err != nil {
		hdbsql.Serve(ctx, c, d)
		return
	}
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	p := peeked{c, bufio.NewReader(c)}
	first, err := p.r.Peek(1)
	if err != nil {
		_ = c.Close()
		return
	}
	if first[0] != handshakeRecord {
		hdbsql.Serve(ctx, p, d)
		return
	}
	pair, err := tls.LoadX509KeyPair(at, at)
	if err != nil {
		trace("the certificate of %s cannot be read: %v", d.name, err)
		_ = c.Close()
		return
	}
	hdbsql.Serve(ctx, tls.Server(p, &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}), d)
}
