package wire

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/lab/vvr/texts"
)

// oracle answers what its test says.
type oracle struct {
	answer func(op string, args json.RawMessage) (any, error)
	ended  chan struct{}
}

func (o oracle) Handle(_ context.Context, op string, args json.RawMessage) (any, error) {
	return o.answer(op, args)
}

func (o oracle) End() { close(o.ended) }

func serveOracle(t *testing.T, answer func(string, json.RawMessage) (any, error)) (*Conn, chan struct{}) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ended := make(chan struct{})
	go Serve(l, func(net.Conn) Session { return oracle{answer, ended} })
	c, err := Dial("tcp", l.Addr().String(), time.Second)
	require.NoError(t, err)
	t.Cleanup(func() {
		c.Close()
		require.NoError(t, l.Close())
	})
	return c, ended
}

func TestAnswersRefusalsAndErrorsArriveAsWhatTheyWere(t *testing.T) {
	c, ended := serveOracle(t, func(op string, args json.RawMessage) (any, error) {
		switch op {
		case "double":
			var n int
			err := json.Unmarshal(args, &n)
			return 2 * n, err
		case "refuse":
			return nil, texts.Refuse("cp-long", "a")
		}
		return nil, errors.New("broken")
	})
	var n int
	require.NoError(t, c.Ask("double", 21, &n, time.Second))
	require.Equal(t, 42, n)
	var refused *texts.Refusal
	require.ErrorAs(t, c.Ask("refuse", nil, nil, time.Second), &refused)
	require.Equal(t, "cp-long", refused.Key)
	require.EqualError(t, c.Ask("else", nil, nil, time.Second), "broken")
	c.Close()
	<-ended
	require.ErrorIs(t, c.Ask("double", 1, &n, time.Second), ErrLost)
}

func TestAnAnswerThatDoesNotComeIsLost(t *testing.T) {
	release := make(chan struct{})
	c, _ := serveOracle(t, func(string, json.RawMessage) (any, error) {
		<-release
		return nil, nil
	})
	require.ErrorIs(t, c.Ask("anything", nil, nil, 20*time.Millisecond), ErrLost)
	close(release)
}
