package engine

import (
	"bufio"
	"context"
	"encoding/json"
	"net"
	"strconv"
	"time"

	"github.com/switchback-dr/switchback/lab/hana/instance"
)

// handler answers one operation.
type handler func(ctx context.Context, args json.RawMessage) (any, error)

// with decodes an operation's arguments.
func with[A, R any](f func(ctx context.Context, a A) (R, error)) handler {
	return func(ctx context.Context, raw json.RawMessage) (any, error) {
		var a A
		if len(raw) > 0 {
			if err := json.Unmarshal(raw, &a); err != nil {
				return nil, err
			}
		}
		return f(ctx, a)
	}
}

// localOperations are those that programs of the same host ask for, at the
// nameserver's port.
func (e *engine) localOperations() map[string]handler {
	return map[string]handler{
		"state":              with(e.report),
		"sr_enable":          with(e.enable),
		"sr_disable":         with(e.disable),
		"sr_unregister":      with(e.unregister),
		"sr_takeover":        with(e.takeover),
		"sr_resume":          with(e.resumeSuspended),
		"sr_fullsync":        with(e.fullSync),
		"sr_changemode":      with(e.changeMode),
		"sr_register_online": with(e.registerOnline),
		"sr_initialize":      with(e.initialize),
		"hold":               with(e.held),
		"free":               with(e.freed),
		"reach":              with(e.reached),
		"reload_providers":   with(e.reloaded),
	}
}

// remoteOperations are those that other sites ask for, through the link.
func (e *engine) remoteOperations() map[string]handler {
	return map[string]handler{
		"ping":       with(e.askPinged),
		"register":   with(e.registerSecondary),
		"suspend":    with(e.suspend),
		"resume":     with(e.resume),
		"changemode": with(e.secondaryChangesMode),
		"reregister": with(e.reregister),
		"ssfs":       with(e.secureStore),
	}
}

func (e *engine) askPinged(_ context.Context, p ping) (pong, error) { return e.pinged(p) }

// listen opens the nameserver's port and the replication port.
func (e *engine) listen() error {
	for port, operations := range map[int]map[string]handler{
		e.conf.NameserverPort(): e.localOperations(), e.conf.ReplicationPort(): e.remoteOperations(),
	} {
		l, err := e.bind(port)
		if err != nil {
			return err
		}
		context.AfterFunc(e.ctx, func() { _ = l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go e.answerAll(c, operations)
			}
		}()
	}
	return nil
}

// bindPatience is how long a port may still belong to the daemon before: a
// process that ends lets go of its lock and of its ports one after the other.
const bindPatience = 3 * time.Second

// bind opens a port of this host.
func (e *engine) bind(port int) (net.Listener, error) {
	at := net.JoinHostPort(e.conf.Listen, strconv.Itoa(port))
	for end := time.Now().Add(bindPatience); ; time.Sleep(5 * time.Millisecond) {
		l, err := net.Listen("tcp", at)
		if err == nil || time.Now().After(end) {
			return l, err
		}
	}
}

// answerAll answers the questions of one connection. The question "ship" turns
// it into a stream.
func (e *engine) answerAll(c net.Conn, operations map[string]handler) {
	defer func() { _ = c.Close() }()
	defer context.AfterFunc(e.ctx, func() { _ = c.Close() })()
	r := bufio.NewReader(c)
	for {
		line, err := r.ReadBytes('\n')
		if err != nil {
			return
		}
		var q instance.Request
		if json.Unmarshal(line, &q) != nil {
			return
		}
		if q.Op == "ship" && operations["register"] != nil {
			e.serveShipment(c, r, q.Args)
			return
		}
		h := operations[q.Op]
		if h == nil {
			if instance.Answer(c, nil, instance.Fail(1, "unknown operation %s", q.Op)) != nil {
				return
			}
			continue
		}
		result, err := h(e.ctx, q.Args)
		if instance.Answer(c, result, err) != nil {
			return
		}
	}
}
