package observer

import "net"

// VendorConn makes a MySQL client on this connection look like one of
// OceanBase's own drivers, which set bit 27 of the capability flags: without it
// an Oracle-mode tenant refuses the login. The flags are the four bytes behind
// the header of the client's first packet.
func VendorConn(c net.Conn) net.Conn { return &vendorConn{Conn: c} }

type vendorConn struct {
	net.Conn
	greeted bool
}

func (v *vendorConn) Write(b []byte) (int, error) {
	if !v.greeted && len(b) > 8 {
		v.greeted = true
		b = append([]byte{}, b...)
		b[7] |= 0x08
	}
	return v.Conn.Write(b)
}
