package browser_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
	"golang.org/x/crypto/ssh"

	"github.com/switchback-dr/switchback/dev/browser"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/e2e"
	"github.com/switchback-dr/switchback/internal/gateway/web/oidctest"
	"github.com/switchback-dr/switchback/internal/nettest"
)

// office is a lab with a gateway, an identity provider, and a program that is
// told by webhook.
type office struct {
	*e2e.Stage
	base     string
	provider *oidctest.Provider

	mu   sync.Mutex
	told []string
}

func newOffice(t *testing.T) *office {
	t.Helper()
	s := &e2e.Stage{T: t, Dev: e2e.StartDev(t, e2e.DevOptions{Memory: true})}
	s.LabProcess = e2e.StartLab(t, "hana", filepath.Join(t.TempDir(), "lab"), &s.Lab, "--no-writer")
	s.Client = s.Dev.Client(t)
	o := &office{Stage: s}
	dir := t.TempDir()
	key := gatewayKey(t, filepath.Join(dir, "gateway.key"))
	s.Lab.Inventory = withGateway(t, s.Lab.Inventory, key)
	s.StartWorker()

	listen := net.JoinHostPort("127.0.0.1", strconv.Itoa(nettest.Port(t)))
	o.base = "http://" + listen
	o.provider = oidctest.Start(t, o.base+"/sign-in/callback")
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		o.mu.Lock()
		defer o.mu.Unlock()
		o.told = append(o.told, string(raw))
	}))
	t.Cleanup(receiver.Close)
	secret := func(name, value string) map[string]string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(value), 0o600))
		return map[string]string{"file": path}
	}
	config := filepath.Join(dir, "chatops.yaml")
	raw, err := yaml.Marshal(map[string]any{
		"version": 1, "name": "office", "inventory": s.Lab.Inventory, "key": map[string]string{"file": filepath.Join(dir, "gateway.key")},
		"listen": listen, "public_url": o.base, "rehearsal": true,
		"channels": map[string]any{
			"web": map[string]any{
				"issuer": o.provider.Issuer, "client_id": oidctest.ClientID, "client_secret": secret("client", oidctest.ClientSecret), "key": secret("web", rand.Text()+rand.Text()),
			},
			"webhook": map[string]any{"hooks": map[string]any{"ops": map[string]any{"url": secret("url", receiver.URL), "key": secret("hook", rand.Text()+rand.Text())}}},
		},
		"targets": map[string]any{"ops": map[string]string{"channel": "webhook", "to": "ops"}},
		"routes":  []any{map[string]any{"first": []string{"ops"}}},
	})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(config, raw, 0o600))
	p := e2e.Start(t, e2e.Spec{Name: "chatops", Path: e2e.Build(t, "chatops"), Args: []string{"run", "--config", config}, Env: s.Dev.Env()})
	require.Contains(t, p.AwaitLine(t, time.Minute), "gateway ready")
	return o
}

// gatewayKey writes a new private key and gives its public line.
func gatewayKey(t *testing.T, path string) string {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	block, err := ssh.MarshalPrivateKey(private, "")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, pem.EncodeToMemory(block), 0o600))
	key, err := ssh.NewPublicKey(public)
	require.NoError(t, err)
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
}

// withGateway writes the lab's inventory anew: ana has an account, a gateway may
// speak for such accounts, and nothing unsigned counts.
func withGateway(t *testing.T, path, key string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	var doc map[string]any
	require.NoError(t, yaml.Unmarshal(raw, &doc))
	people, ok := doc["people"].(map[string]any)
	require.True(t, ok)
	ana, ok := people["ana"].(map[string]any)
	require.True(t, ok)
	ana["accounts"] = []string{"oidc:ana"}
	policies, ok := doc["policies"].(map[string]any)
	require.True(t, ok)
	policy, ok := policies["lab"].(map[string]any)
	require.True(t, ok)
	policy["unsigned"] = "refuse"
	doc["gateways"] = map[string]any{"office": map[string]any{"ssh_keys": []string{key}, "accounts": []string{"oidc"}}}
	raw, err = yaml.Marshal(doc)
	require.NoError(t, err)
	path = filepath.Join(filepath.Dir(path), "with-gateway.yaml")
	require.NoError(t, os.WriteFile(path, raw, 0o600))
	return path
}

// signIn signs in at the provider, from a page that asks for it.
func signIn(tab *browser.Tab, name string) {
	tab.Press("a", "Sign in")
	tab.See("The organisation's sign-in")
	tab.Paste(`input[name="person"]`, name)
	tab.Press("button", "Go on")
}

// approve opens the question and approves it as a person does.
func approve(tab *browser.Tab, system string) {
	tab.Press("a", "Decide")
	tab.See("Approve plan")
	tab.Press(`.choice input[type="checkbox"]`, "")
	tab.Press("button", "Approve")
}

func TestAPersonWithATelephoneDecidesOnTheWebPageAndSeesTheEnd(t *testing.T) {
	o := newOffice(t)
	tab := browser.Open(t, browser.Phone)
	tab.Go(o.base + "/")
	tab.See("People sign in with their organisation's account")
	signIn(tab, "mallory")
	tab.See("erp", "nothing runs")
	run := o.Start(dr.ProcTakeover, `{"system":"erp","mode":"planned","to":"west","reason":"maintenance of east"}`)
	o.Gate(dr.GateDecide)
	tab.See("waiting for approval") // the board comes up to date by itself
	tab.Press("a", "erp")
	tab.See("REHEARSAL", "hdbnsutil -sr_takeover", "Loss", "Point of no return")
	approve(tab, "erp")
	tab.See("Not counted")
	require.NotNil(t, o.Gate(dr.GateDecide).Gate, "somebody whom the inventory does not know decides nothing")

	tab.Press("button", "Sign out")
	tab.See("People sign in")
	tab.Go(o.base + "/system/erp")
	signIn(tab, "ana")
	tab.See("Approval needed")
	picture(tab, "web-gate.png")
	approve(tab, "erp")
	tab.See("Sent")
	tab.Press("a", "See erp")
	tab.See("Ended: done") // live, without a touch
	picture(tab, "web-done.png")

	o.Ended(run, dr.EndDone)
	rep := o.Report()
	require.Len(t, rep.Votes, 1)
	vote := rep.Votes[0]
	require.Equal(t, []any{"ana", "web", true}, []any{vote.Person, vote.Channel, vote.Signed})
	require.NotEmpty(t, rep.Refused, "the report shows who tried")
	e2e.Await(t, time.Minute, "the webhook to be told of the end", func() (bool, string) {
		o.mu.Lock()
		defer o.mu.Unlock()
		for _, raw := range o.told {
			var m struct {
				Card struct{ Title string }
			}
			if json.Unmarshal([]byte(raw), &m) == nil && strings.Contains(m.Card.Title, "Ended: done") {
				return true, ""
			}
		}
		return false, fmt.Sprintf("%d messages", len(o.told))
	})
}

// picture writes a screenshot for the documentation when one is
// wanted and has a name.
func picture(tab *browser.Tab, name string) {
	if dir := os.Getenv("SWITCHBACK_PICTURES"); dir != "" && name != "" {
		tab.Picture(filepath.Join(dir, name))
	}
}
