package hdbsql

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Message types (requests).
const (
	msgExecuteDirect = 2
	msgPrepare       = 3
	msgExecute       = 13
	msgAuthenticate  = 65
	msgConnect       = 66
	msgCommit        = 67
	msgRollback      = 68
	msgCloseResult   = 69
	msgDropStatement = 70
	msgFetchNext     = 71
	msgDisconnect    = 77
	msgDBConnectInfo = 82
)

// Part kinds.
const (
	partCommand           = 3
	partResultSet         = 5
	partError             = 6
	partStatementID       = 10
	partRowsAffected      = 12
	partResultSetID       = 13
	partParameters        = 32
	partAuthentication    = 33
	partClientID          = 35
	partConnectOptions    = 42
	partFetchSize         = 45
	partParameterMetadata = 47
	partResultMetadata    = 48
	partTransactionFlags  = 64
	partDBConnectInfo     = 67
)

// Function codes (replies).
const (
	fcNone     = 0
	fcDDL      = 1
	fcInsert   = 2
	fcUpdate   = 3
	fcDelete   = 4
	fcSelect   = 5
	fcFetch    = 10
	fcCommit   = 11
	fcRollback = 12
	fcConnect  = 14
)

// Attributes of a part.
const (
	attrLast   = 0x01
	attrFirst  = 0x04
	attrClosed = 0x10
)

const (
	messageHeader = 32
	segmentHeader = 24
	partHeader    = 16

	kindRequest = 1
	kindReply   = 2
	kindError   = 5

	// largestMessage bounds what a peer may make us keep in memory.
	largestMessage = 64 << 20
)

// part is one part of a message.
type part struct {
	kind  int8
	attrs int8
	count int
	data  []byte
}

// message is one message with one segment, which is all that HANA's clients and
// servers use.
type message struct {
	session int64
	kind    int8
	// typ is a request's message type or a reply's function code.
	typ    int16
	commit bool
	parts  []part
}

// find gives the first part of a kind.
func (m message) find(kind int8) (part, bool) {
	for _, p := range m.parts {
		if p.kind == kind {
			return p, true
		}
	}
	return part{}, false
}

// readInit reads the 14 bytes that a client begins with.
func readInit(r io.Reader) error {
	b := make([]byte, 14)
	if _, err := io.ReadFull(r, b); err != nil {
		return err
	}
	if binary.LittleEndian.Uint32(b) != 0xFFFFFFFF {
		return errors.New("the client does not begin with the protocol's initialisation")
	}
	if b[11] == 1 && b[13] != 1 {
		return errors.New("the client speaks big endian")
	}
	return nil
}

// initReply says product version 4.20, protocol version 4.1.
var initReply = []byte{4, 20, 0, 4, 1, 0, 0, 0}

// initRequest is what a client begins with: the same versions, little endian.
var initRequest = []byte{0xFF, 0xFF, 0xFF, 0xFF, 4, 20, 0, 4, 1, 0, 0, 1, 1, 1}

func readMessage(r io.Reader) (message, error) {
	head := make([]byte, messageHeader)
	if _, err := io.ReadFull(r, head); err != nil {
		return message{}, err
	}
	m := message{session: int64(binary.LittleEndian.Uint64(head))}
	length := binary.LittleEndian.Uint32(head[12:])
	if length > largestMessage {
		return message{}, fmt.Errorf("a message of %d bytes is too large", length)
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(r, body); err != nil {
		return message{}, err
	}
	return m, m.decode(body)
}

func (m *message) decode(body []byte) error {
	i := in{b: body}
	i.take(8) // segment length and offset
	parts := int(i.i16())
	i.take(2) // number
	m.kind = int8(i.u8())
	switch m.kind {
	case kindRequest:
		m.typ = int16(i.u8())
		m.commit = i.u8() != 0
		i.take(9)
	case kindReply:
		i.take(1)
		m.typ = i.i16()
		i.take(8)
	default:
		i.take(11)
	}
	for range parts {
		p := part{kind: int8(i.u8()), attrs: int8(i.u8()), count: int(i.i16())}
		big := int(i.i32())
		if p.count == -1 {
			p.count = big
		}
		length := int(i.i32())
		i.take(4)
		p.data = i.take(length)
		// The last part's padding may be missing.
		i.take(min(padding(length), len(i.b)))
		if i.err != nil {
			return i.err
		}
		m.parts = append(m.parts, p)
	}
	return i.err
}

func padding(n int) int { return (8 - n%8) % 8 }

// encode gives the message's bytes.
func (m message) encode() []byte {
	size := segmentHeader
	for _, p := range m.parts {
		size += partHeader + len(p.data) + padding(len(p.data))
	}
	o := out{b: make([]byte, 0, messageHeader+size)}
	o.i64(m.session)
	o.i32(0)
	o.u32(uint32(size))
	o.u32(uint32(size))
	o.i16(1)
	o.zeroes(10)
	o.i32(int32(size))
	o.i32(0)
	o.i16(int16(len(m.parts)))
	o.i16(1)
	o.i8(m.kind)
	switch m.kind {
	case kindRequest:
		o.i8(int8(m.typ))
		o.u8(flag(m.commit))
		o.zeroes(9)
	case kindReply:
		o.zeroes(1)
		o.i16(m.typ)
		o.zeroes(8)
	default:
		o.zeroes(11)
	}
	left := size - segmentHeader
	for _, p := range m.parts {
		o.i8(p.kind)
		o.i8(p.attrs)
		if p.count > 32767 {
			o.i16(-1)
			o.i32(int32(p.count))
		} else {
			o.i16(int16(p.count))
			o.i32(0)
		}
		o.i32(int32(len(p.data)))
		o.i32(int32(left))
		o.bytes(p.data)
		o.zeroes(padding(len(p.data)))
		left -= partHeader + len(p.data) + padding(len(p.data))
	}
	return o.b
}

func flag(b bool) byte {
	if b {
		return 1
	}
	return 0
}
