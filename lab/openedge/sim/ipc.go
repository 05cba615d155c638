package sim

import (
	"bufio"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net"
	"os"
	"path/filepath"
	"time"
)

// runDir holds what stands for the shared memory of an open database: local
// sockets and states of its processes. It is below the host's tmp directory.
func (c Config) runDir(db string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(db))
	return filepath.Join(c.Root, "tmp", fmt.Sprintf("oe%08x", h.Sum32()))
}

// call is one question to a process, result its answer: a JSON line each.
type call struct {
	Op    string `json:"op"`
	Who   string `json:"who,omitempty"`
	Trx   uint64 `json:"trx,omitempty"`
	MS    int    `json:"ms,omitempty"`
	Seq   int    `json:"seq,omitempty"`
	On    bool   `json:"on,omitempty"`
	Text  string `json:"text,omitempty"`
	Notes []byte `json:"notes,omitempty"`
	// Lineage is a source's, for its target.
	Lineage []line `json:"lineage,omitempty"`
}

type result struct {
	Error *failure `json:"error,omitempty"`
	Trx   uint64   `json:"trx,omitempty"`
	OK    bool     `json:"ok,omitempty"`
	Text  string   `json:"text,omitempty"`
	State *master  `json:"state,omitempty"`
	Seed  *seed    `json:"seed,omitempty"`
	Port  int      `json:"port,omitempty"`
	// Limits are start arguments of the broker.
	Limits map[string]int `json:"limits,omitempty"`
}

// failure carries a message to another process.
type failure struct {
	Number int    `json:"number"`
	Words  string `json:"words"`
}

func failureOf(err error) *failure {
	if m, ok := err.(*messageError); ok { //nolint:errorlint // messages are never wrapped
		return &failure{m.text.number, m.text.plain(m.args...)}
	}
	return &failure{0, err.Error()}
}

func (f *failure) err() error {
	return say(text{f.Number, f.Words, unconfirmed})
}

// peer is a connection with a process.
type peer struct {
	net.Conn
	in  *bufio.Reader
	out *json.Encoder
}

func newPeer(c net.Conn) *peer {
	return &peer{c, bufio.NewReaderSize(c, 64<<10), json.NewEncoder(c)}
}

func (p *peer) send(v any) error { return p.out.Encode(v) }

// receive reads one JSON line.
func (p *peer) receive(v any) error {
	line, err := p.in.ReadBytes('\n')
	if err != nil {
		return err
	}
	return json.Unmarshal(line, v)
}

// ask puts a question and reads its answer; an error in the answer is one.
func (p *peer) ask(c call) (result, error) {
	var r result
	if err := p.send(c); err != nil {
		return r, err
	}
	if err := p.receive(&r); err != nil {
		return r, err
	}
	if r.Error != nil {
		return r, r.Error.err()
	}
	return r, nil
}

// dialLocal reaches a process of this host by the name of its socket.
func (c Config) dialLocal(db, name string) (*peer, error) {
	conn, err := net.DialTimeout("unix", filepath.Join(c.runDir(db), name+".sock"), 2*time.Second)
	if err != nil {
		return nil, say(msgNoServer, db)
	}
	return newPeer(conn), nil
}

// listenLocal opens such a socket. A dead process's one is replaced.
func (c Config) listenLocal(db, name string) (net.Listener, error) {
	dir := c.runDir(db)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, name+".sock")
	_ = os.Remove(path)
	return net.Listen("unix", path)
}

// quieten throws the clients of a database out for as long as the peer is open,
// and gives the state after that.
func (p *proc) quieten(db string) (*peer, result, error) {
	b, err := p.cfg.dialLocal(db, "broker")
	if err != nil {
		return nil, result{}, err
	}
	r, err := b.ask(call{Op: "quiet"})
	if err != nil {
		_ = b.Close()
		return nil, r, err
	}
	return b, r, nil
}

// askBroker puts one question to the broker of a database.
func (p *proc) askBroker(db string, c call) (result, error) {
	b, err := p.cfg.dialLocal(db, "broker")
	if err != nil {
		return result{}, err
	}
	defer func() { _ = b.Close() }()
	return b.ask(c)
}
