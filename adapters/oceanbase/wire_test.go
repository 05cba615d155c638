package oceanbase

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// refusal is a server's error.
type refusal struct {
	number uint16
	text   string
}

// cluster is a scripted cluster: views as tables, and what statements do. It
// speaks the real wire protocol over a pipe.
type cluster struct {
	mu    sync.Mutex
	views map[string][]map[string]string
	// sent are the statements that were received, SELECTs left out.
	sent []string
	// on carries a statement out; drop closes the connection instead of an
	// answer, after on.
	on   func(c *cluster, statement string) *refusal
	drop int
	down bool
	// login refuses the login.
	login *refusal
}

// wires is a set of clusters by address.
type wires map[string]*cluster

func (w wires) dial(_ context.Context, _, address string) (net.Conn, error) {
	c := w[address]
	if c == nil || c.isDown() {
		return nil, fmt.Errorf("connection refused")
	}
	here, there := net.Pipe()
	go c.serve(there)
	return here, nil
}

func (c *cluster) isDown() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.down
}

func packet(w io.Writer, seq *byte, body []byte) error {
	head := []byte{byte(len(body)), byte(len(body) >> 8), byte(len(body) >> 16), *seq}
	*seq++
	_, err := w.Write(append(head, body...))
	return err
}

func receive(r io.Reader) ([]byte, byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, 0, err
	}
	body := make([]byte, int(head[0])|int(head[1])<<8|int(head[2])<<16)
	_, err := io.ReadFull(r, body)
	return body, head[3], err
}

func greeting() []byte {
	b := append([]byte{10}, "5.7.25-OceanBase-v4.2.5.4\x00"...)
	b = append(b, 1, 0, 0, 0)
	b = append(b, "12345678\x00"...)
	const caps = uint32(0x1 | 0x8 | 0x200 | 0x2000 | 0x8000 | 0x80000)
	b = binary.LittleEndian.AppendUint16(b, uint16(caps&0xffff))
	b = append(b, 45, 2, 0)
	b = binary.LittleEndian.AppendUint16(b, uint16(caps>>16))
	b = append(b, 21)
	b = append(b, make([]byte, 10)...)
	b = append(b, "123456789012\x00"...)
	return append(b, "mysql_native_password\x00"...)
}

var okPacket = []byte{0, 0, 0, 2, 0, 0, 0}

func (r refusal) packet() []byte {
	b := binary.LittleEndian.AppendUint16([]byte{0xff}, r.number)
	return append(append(b, "#HY000"...), r.text...)
}

func (c *cluster) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	var seq byte
	if packet(conn, &seq, greeting()) != nil {
		return
	}
	_, seq, err := receive(conn)
	if err != nil {
		return
	}
	seq++
	c.mu.Lock()
	login := c.login
	c.mu.Unlock()
	if login != nil {
		_ = packet(conn, &seq, login.packet())
		return
	}
	if packet(conn, &seq, okPacket) != nil {
		return
	}
	for {
		body, _, err := receive(conn)
		if err != nil || body[0] == 1 || c.isDown() {
			return
		}
		if !c.answer(conn, string(body[1:])) {
			return
		}
	}
}

var selecting = regexp.MustCompile(`^SELECT (.+) FROM oceanbase\.(\S+)(?: WHERE (.+))?$`)

func (c *cluster) answer(conn net.Conn, q string) bool {
	seq := byte(1)
	c.mu.Lock()
	defer c.mu.Unlock()
	if q == "SELECT VERSION()" || q == "SELECT NOW(6)" {
		name := strings.TrimPrefix(q, "SELECT ")
		return table(conn, &seq, []string{name}, c.views[name])
	}
	if m := selecting.FindStringSubmatch(q); m != nil {
		rows, ok := c.views[m[2]]
		if !ok {
			return packet(conn, &seq, refusal{1146, "Table 'oceanbase." + m[2] + "' doesn't exist"}.packet()) == nil
		}
		return table(conn, &seq, strings.Split(m[1], ", "), where(rows, m[3]))
	}
	if strings.HasPrefix(q, "SET SESSION") {
		return packet(conn, &seq, okPacket) == nil
	}
	c.sent = append(c.sent, q)
	var r *refusal
	if c.on != nil {
		r = c.on(c, q)
	}
	if c.drop > 0 {
		c.drop--
		return false
	}
	if r != nil {
		return packet(conn, &seq, r.packet()) == nil
	}
	return packet(conn, &seq, okPacket) == nil
}

func where(rows []map[string]string, cond string) []map[string]string {
	if cond == "" {
		return rows
	}
	var out []map[string]string
	for _, r := range rows {
		all := true
		for _, one := range strings.Split(cond, " AND ") {
			k, v, _ := strings.Cut(one, " = ")
			all = all && r[k] == strings.Trim(v, "'")
		}
		if all {
			out = append(out, r)
		}
	}
	return out
}

func lenenc(b []byte, s string) []byte {
	if len(s) < 251 {
		return append(append(b, byte(len(s))), s...)
	}
	b = append(b, 0xfc, byte(len(s)), byte(len(s)>>8))
	return append(b, s...)
}

func table(conn net.Conn, seq *byte, cols []string, rows []map[string]string) bool {
	eof := []byte{0xfe, 0, 0, 2, 0}
	bodies := [][]byte{{byte(len(cols))}}
	for _, n := range cols {
		b := lenenc(nil, "def")
		for range 3 {
			b = lenenc(b, "")
		}
		b = lenenc(lenenc(b, n), n)
		b = append(b, 0x0c, 45, 0, 0, 4, 0, 0, 0xfd, 0, 0, 0, 0, 0)
		bodies = append(bodies, b)
	}
	bodies = append(bodies, eof)
	for _, r := range rows {
		var b []byte
		for _, n := range cols {
			if v, ok := r[n]; ok {
				b = lenenc(b, v)
			} else {
				b = append(b, 0xfb)
			}
		}
		bodies = append(bodies, b)
	}
	for _, b := range append(bodies, eof) {
		if packet(conn, seq, b) != nil {
			return false
		}
	}
	return true
}

// set changes columns of the rows of a view.
func (c *cluster) set(view string, pairs ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.setLocked(view, pairs...)
}

func (c *cluster) setLocked(view string, pairs ...string) {
	for _, r := range c.views[view] {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i+1] == "NULL" {
				delete(r, pairs[i])
			} else {
				r[pairs[i]] = pairs[i+1]
			}
		}
	}
}

func (c *cluster) statements() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string{}, c.sent...)
}

// testEnv reaches the clusters; time does not pass but by sleeping.
func testEnv(t testing.TB, w wires) kit.Env {
	t.Helper()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	return kit.Env{
		Dial: w.dial,
		Now:  func() time.Time { return now },
		Sleep: func(ctx context.Context, d time.Duration) error {
			now = now.Add(d)
			return ctx.Err()
		},
		Progress: func(kit.Progress) {},
		Secret: func(_ context.Context, name string) (string, error) {
			v, ok := map[string]string{"east-sys": "hunter2", "west-sys": "hunter2", "repl": "s3cr3t(x)=1", "odd": "a b", "store": "access_id=AK&access_key=SK"}[name]
			if !ok {
				return "", dr.Refuse("secret", "there is no credential %s", name)
			}
			return v, nil
		},
	}
}
