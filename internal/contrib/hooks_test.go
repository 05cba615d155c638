package contrib_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/contrib"
	"github.com/switchback-dr/switchback/internal/inventory"
	"github.com/switchback-dr/switchback/internal/nettest"
)

const hookKey = "a shared secret"

// callee is what a hook calls: it checks every signature as docs/hooks.md says
// and answers as the test wants.
type callee struct {
	*httptest.Server
	t  *testing.T
	mu sync.Mutex
	// calls are the requests with the right signature but the checks, by their
	// idempotency keys.
	calls  []string
	bodies []string
	done   bool
	answer func(w http.ResponseWriter)
	// last are the last call's headers.
	last http.Header
}

func newCallee(t *testing.T) *callee {
	t.Helper()
	s := &callee{t: t, answer: func(w http.ResponseWriter) { _, _ = io.WriteString(w, "drained\n") }}
	s.Server = httptest.NewTLSServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *callee) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	sum := sha256.Sum256(body)
	mac := hmac.New(sha256.New, []byte(hookKey))
	fmt.Fprintf(mac, "v1\n%s\n%s\n%s\n%x\n%s", r.Header.Get("Switchback-Timestamp"), r.Method, r.RequestURI, sum, r.Header.Get("Idempotency-Key"))
	if r.Header.Get("Switchback-Signature") != "v1="+hex.EncodeToString(mac.Sum(nil)) || r.Header.Get("Authorization") != "Bearer a token" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if r.Method == http.MethodGet {
		if !s.done {
			w.WriteHeader(http.StatusNotFound)
		}
		return
	}
	s.last = r.Header.Clone()
	s.calls, s.bodies = append(s.calls, r.Header.Get("Idempotency-Key")), append(s.bodies, string(body))
	s.answer(w)
}

// made are the calls so far.
func (s *callee) made() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// lose makes the answer get lost after the call has arrived.
func lose(w http.ResponseWriter) {
	c, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		_ = c.Close()
	}
}

// hook plans a call of the service and gives the world for it.
func (s *callee) hook(check bool) (dr.Step, kit.Env) {
	s.t.Helper()
	ca := filepath.Join(s.t.TempDir(), "ca.pem")
	require.NoError(s.t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o644))
	h := inventory.Hook{Name: "lb", Phase: dr.PhaseRedirect, When: inventory.After, Timeout: dr.Duration(5 * time.Second), HTTP: &inventory.HTTPHook{
		URL: s.URL + "/pools/orders?drain=yes", Method: http.MethodPost, Key: "key", Bearer: "token", CA: ca,
	}}
	if check {
		h.HTTP.Check = s.URL + "/pools/orders"
	}
	in, d := takeover()
	in.Situation.System = "orders"
	st := planned(s.t, contrib.Hooks{List: []inventory.Hook{h}}, in, d, "hook.call")
	host := newLocalHost(s.t)
	host.secrets = map[string]string{"key": hookKey, "token": "a token"}
	env := host.env()
	env.Job = kit.JobKey{Workflow: "dr-orders", OriginalRun: "r1", Gate: dr.GateDecide, Occurrence: 1, Step: st.ID, Attempt: 1}
	return st, env
}

func TestACallIsSignedAndItsAnswerIsTheProof(t *testing.T) {
	t.Parallel()
	s := newCallee(t)
	st, env := s.hook(false)
	res := execute(t, env, st)
	require.Equal(t, dr.StepDone, res.State)
	require.Contains(t, res.Text, "answered 200")
	require.Equal(t, "drained", res.Output)
	require.Equal(t, []string{"dr-orders/r1/decide-1/redirect.hook-lb-1"}, s.made())
	require.JSONEq(t, `{"schema":1,"system":"orders","procedure":"takeover","phase":"redirect","when":"after","from":"east","to":"west","hook":"lb"}`, s.bodies[0])
	shown := strings.Join(st.Commands, "\n")
	require.Contains(t, shown, "POST "+s.URL+"/pools/orders?drain=yes\n")
	require.NotContains(t, shown, hookKey)
	require.NotContains(t, shown, "a token")
}

func TestTheGuidesReceiverAcceptsTheSignatureAndNoOther(t *testing.T) {
	t.Parallel()
	s := newCallee(t)
	st, env := s.hook(false)
	execute(t, env, st)
	guide, err := os.ReadFile("../../docs/hooks.md")
	require.NoError(t, err)
	_, code, ok := strings.Cut(string(guide), "```python\n")
	require.True(t, ok)
	code, _, _ = strings.Cut(code, "```")
	code += `
import sys
print(signed(sys.argv[1].encode(), dict(zip(["Switchback-Timestamp", "Idempotency-Key", "Switchback-Signature"], sys.argv[2:5])), sys.argv[5], sys.argv[6], sys.argv[7].encode()))
`
	args := []string{hookKey, s.last.Get("Switchback-Timestamp"), s.last.Get("Idempotency-Key"), s.last.Get("Switchback-Signature"), http.MethodPost, "/pools/orders?drain=yes", s.bodies[0]}
	for changed := -1; changed < len(args); changed++ {
		given := slices.Clone(args)
		if changed >= 0 {
			given[changed] += "x"
		}
		out, err := exec.CommandContext(t.Context(), "python3", append([]string{"-c", code}, given...)...).CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.Equal(t, map[bool]string{true: "True", false: "False"}[changed < 0], strings.TrimSpace(string(out)), "%v", given)
	}
}

func TestAnAnswerThatIsLostIsUnknownAndOnlyTheCheckDecides(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]struct{ check, done, unknown bool }{
		"without a check":               {false, true, true},
		"its check says done":           {true, true, false},
		"its check says that it is not": {true, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newCallee(t)
			s.answer = func(w http.ResponseWriter) {
				s.done = v.done
				lose(w)
			}
			st, env := s.hook(v.check)
			_, err := kit.Execute(t.Context(), env, action(t, st.Action), st)
			require.Equal(t, v.unknown, err != nil, "%v", err)
			require.Len(t, s.made(), 1, "nothing is sent twice")
			if v.unknown {
				require.True(t, dr.AsError(err, "").Unknown, "%v", err)
				require.ErrorContains(t, err, "there is no answer")
			}
		})
	}
}

func TestACallThatAnotherWorkerMayHaveMadeIsNotMadeAgain(t *testing.T) {
	t.Parallel()
	s := newCallee(t)
	st, env := s.hook(false)
	st.Timeout = dr.Duration(2 * time.Second) // nor can that worker still be at it then
	env.Resumed = true
	_, err := kit.Execute(t.Context(), env, action(t, st.Action), st)
	require.True(t, dr.AsError(err, "").Unknown, "%v", err)
	require.ErrorContains(t, err, "there is no check that could tell")
	require.Empty(t, s.made())
}

func TestACallsEffectThatIsThereIsNotMadeAgain(t *testing.T) {
	t.Parallel()
	s := newCallee(t)
	s.done = true
	st, env := s.hook(true)
	require.Equal(t, dr.StepAlready, execute(t, env, st).State)
	require.Empty(t, s.made())
}

func TestWhatAServiceAnswersBesideYesIsOneSentence(t *testing.T) {
	t.Parallel()
	for status, v := range map[int]struct {
		text    string
		unknown bool
	}{
		409: {"was refused: ", false},
		302: {"has no clear answer: ", true},
		502: {"has no clear answer: ", true},
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			s := newCallee(t)
			s.answer = func(w http.ResponseWriter) {
				w.Header().Set("Location", s.URL+"/elsewhere")
				w.WriteHeader(status)
				_, _ = io.WriteString(w, "the pool\x1b[31m is locked")
			}
			st, env := s.hook(false)
			_, err := kit.Execute(t.Context(), env, action(t, st.Action), st)
			require.ErrorContains(t, err, v.text)
			require.ErrorContains(t, err, "is locked")
			require.NotContains(t, err.Error(), "\x1b")
			require.Equal(t, v.unknown, dr.AsError(err, "").Unknown)
			require.Len(t, s.made(), 1)
		})
	}
}

func TestAServiceThatHangsOrIsNotThereIsOneSentence(t *testing.T) {
	t.Parallel()
	s := newCallee(t)
	ended := make(chan struct{})
	defer close(ended)
	s.answer = func(http.ResponseWriter) { <-ended }
	st, env := s.hook(false)
	st.Args = []byte(strings.Replace(string(st.Args), `"limit":5`, `"limit":1`, 1))
	_, err := kit.Execute(t.Context(), env, action(t, st.Action), st)
	require.ErrorContains(t, err, "there is no answer")
	require.True(t, dr.AsError(err, "").Unknown)

	st.Args = []byte(strings.ReplaceAll(string(st.Args), strings.TrimPrefix(s.URL, "https://"), nettest.Address(t)))
	_, err = kit.Execute(t.Context(), env, action(t, st.Action), st)
	require.ErrorContains(t, err, "could not be sent to")
	require.True(t, dr.AsError(err, "").NotSent)
}

func TestACommandThatHangsIsEndedOnItsHost(t *testing.T) {
	t.Parallel()
	h := inventory.Hook{Name: "stuck", Phase: dr.PhasePrepare, Host: "app1", Run: []string{"sleep", "3600"}, Check: []string{"false"}, Timeout: dr.Duration(time.Second), NoVeto: true}
	in, d := takeover()
	st := planned(t, contrib.Hooks{List: []inventory.Hook{h}}, in, d, "hook.run")
	require.True(t, st.NoVeto)
	require.Equal(t, []string{"app1$ timeout -k 5 1 sleep 3600"}, st.Commands)
	_, err := kit.Execute(t.Context(), newLocalHost(t).env(), action(t, st.Action), st)
	require.ErrorContains(t, err, "the hook stuck did not end within 1 s and was ended on app1")
}
