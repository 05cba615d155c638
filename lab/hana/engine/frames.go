package engine

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
)

// Kinds of frames between a source's service and a secondary's.
const (
	frameChunk = 'C' // a piece of a full replica
	frameEnd   = 'E' // its end
	frameLog   = 'L' // redo rows, or none as a sign of life
	frameAck   = 'A' // the secondary's answer
)

// batch is a frame of redo rows, with the end of the source's log.
type batch struct {
	Records []record `json:"records,omitempty"`
	Source  point    `json:"source"`
}

// largestFrame bounds what a peer may make us keep.
const largestFrame = 64 << 20

func writeFrame(conn net.Conn, kind byte, b []byte) error {
	head := binary.LittleEndian.AppendUint32([]byte{kind}, uint32(len(b)))
	_, err := conn.Write(append(head, b...))
	return err
}

func readFrame(r io.Reader) (byte, []byte, error) {
	head := make([]byte, 5)
	if _, err := io.ReadFull(r, head); err != nil {
		return 0, nil, err
	}
	n := binary.LittleEndian.Uint32(head[1:])
	if n > largestFrame {
		return 0, nil, fmt.Errorf("a frame of %d bytes is too large", n)
	}
	b := make([]byte, n)
	_, err := io.ReadFull(r, b)
	return head[0], b, err
}
