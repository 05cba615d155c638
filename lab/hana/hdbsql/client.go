package hdbsql

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

// Client is a small client: user and password, statements without parameters,
// results of numbers and text. The lab's writer and ledger use it.
type Client struct {
	conn    net.Conn
	r       *bufio.Reader
	session int64
}

// Dial connects and logs in.
func Dial(ctx context.Context, address, user, password string) (*Client, error) {
	var d net.Dialer
	nc, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	c := &Client{conn: nc, r: bufio.NewReader(nc), session: -1}
	defer c.bound(ctx)()
	if err := c.login(user, password); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// bound makes the connection obey a context until the returned function runs.
func (c *Client) bound(ctx context.Context) func() {
	if d, has := ctx.Deadline(); has {
		_ = c.conn.SetDeadline(d)
	}
	stop := context.AfterFunc(ctx, func() { _ = c.conn.SetDeadline(time.Unix(1, 0)) })
	return func() {
		if stop() {
			_ = c.conn.SetDeadline(time.Time{})
		}
	}
}

func (c *Client) login(user, password string) error {
	if _, err := c.conn.Write(initRequest); err != nil {
		return err
	}
	if _, err := readFull(c.r, len(initReply)); err != nil {
		return err
	}
	challenge := make([]byte, clientSize)
	if _, err := rand.Read(challenge); err != nil {
		return err
	}
	o := out{}
	o.i16(3)
	o.field(toCESU8(user))
	o.field([]byte(methodSHA256))
	o.field(challenge)
	reply, err := c.ask(msgAuthenticate, false, part{kind: partAuthentication, count: 1, data: o.b})
	if err != nil {
		return err
	}
	p, _ := reply.find(partAuthentication)
	i := in{b: p.data}
	i.i16()
	method := string(i.authField())
	inner := in{b: i.authField()}
	inner.i16()
	salt, server := inner.authField(), inner.authField()
	if i.err != nil || inner.err != nil || method != methodSHA256 {
		return errors.New("the server's challenge is not readable")
	}
	sub := out{}
	sub.i16(1)
	sub.field(proof(scramKey(password, salt), salt, server, challenge))
	last := out{}
	last.i16(3)
	last.field(toCESU8(user))
	last.field([]byte(methodSHA256))
	last.field(sub.b)
	id := fmt.Sprintf("%d@lab", os.Getpid())
	reply, err = c.ask(msgConnect, false,
		part{kind: partAuthentication, count: 1, data: last.b},
		part{kind: partClientID, count: 1, data: []byte(id)},
		part{kind: partConnectOptions, count: 1, data: []byte{23, byte(TypeInteger), 8, 0, 0, 0}})
	if err != nil {
		return err
	}
	c.session = reply.session
	return nil
}

func readFull(r *bufio.Reader, n int) ([]byte, error) {
	b := make([]byte, n)
	for at := 0; at < n; {
		got, err := r.Read(b[at:])
		if err != nil {
			return nil, err
		}
		at += got
	}
	return b, nil
}

func (c *Client) ask(typ int16, commit bool, parts ...part) (message, error) {
	m := message{session: c.session, kind: kindRequest, typ: typ, commit: commit, parts: parts}
	if _, err := c.conn.Write(m.encode()); err != nil {
		return message{}, err
	}
	reply, err := readMessage(c.r)
	if err != nil {
		return message{}, err
	}
	if p, found := reply.find(partError); found {
		return message{}, decodeError(p)
	}
	return reply, nil
}

// Exec runs a statement; with commit false it belongs to an open transaction.
func (c *Client) Exec(ctx context.Context, text string, commit bool) error {
	defer c.bound(ctx)()
	_, err := c.ask(msgExecuteDirect, commit, part{kind: partCommand, count: 1, data: toCESU8(text)})
	return err
}

// Rollback ends the open transaction without effect.
func (c *Client) Rollback(ctx context.Context) error {
	defer c.bound(ctx)()
	_, err := c.ask(msgRollback, false)
	return err
}

// Integers runs a query whose columns are all BIGINT and gives its rows; null
// is zero.
func (c *Client) Integers(ctx context.Context, text string) ([][]int64, error) {
	defer c.bound(ctx)()
	reply, err := c.ask(msgExecuteDirect, true, part{kind: partCommand, count: 1, data: toCESU8(text)})
	if err != nil {
		return nil, err
	}
	meta, _ := reply.find(partResultMetadata)
	id, _ := reply.find(partResultSetID)
	set, found := reply.find(partResultSet)
	if !found {
		return nil, errors.New("the statement gives no rows")
	}
	var all [][]int64
	for {
		if all, err = integers(all, set, meta.count); err != nil || set.attrs&attrLast != 0 {
			return all, err
		}
		size := binary.LittleEndian.AppendUint32(nil, 10000)
		if reply, err = c.ask(msgFetchNext, true, part{kind: partResultSetID, count: 1, data: id.data}, part{kind: partFetchSize, count: 1, data: size}); err != nil {
			return nil, err
		}
		set, _ = reply.find(partResultSet)
	}
}

func integers(all [][]int64, set part, columns int) ([][]int64, error) {
	i := in{b: set.data}
	for range set.count {
		row := make([]int64, columns)
		for n := range row {
			if i.u8() == 1 {
				row[n] = i.i64()
			}
		}
		all = append(all, row)
	}
	return all, i.err
}

// Close drops the connection without a word.
func (c *Client) Close() { _ = c.conn.Close() }
