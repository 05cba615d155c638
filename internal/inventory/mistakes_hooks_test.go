package inventory_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/internal/inventory"
)

const lastHook = "        skip: free\n"

// hooks appends hooks to the good file's one.
func hooks(lines ...string) string {
	return lastHook + "      - " + strings.Join(lines, "\n      - ") + "\n"
}

func TestEveryMistakeAboutHooksIsNamedWithItsLine(t *testing.T) {
	const at = "systems.orders.hooks[1]"
	call := func(fields string) string {
		return hooks("{name: lb, phase: redirect, http: {" + fields + "}}")
	}
	run := func(name, more string) string {
		return "{name: " + name + ", host: app1, run: [a], check: [b], " + more + "}"
	}
	require.Empty(t, complaints(t, strings.Replace(string(good(t)), lastHook, call("url: \"https://lb.example.com/x?y=1\", key: orders-db, check: https://lb.example.com/x, bearer: bastion, ca: /etc/ca.pem"), 1)))
	testMistakes(t, []mistake{
		{lastHook, call("url: \"https://me:word@lb.example.com\", key: orders-db"), "name: lb", at + ".http.url must be an address such as https://lb.example.com/orders, without user or fragment"},
		{lastHook, call("url: lb.example.com, key: orders-db"), "name: lb", at + ".http.url must be an address such as https://lb.example.com/orders, without user or fragment"},
		{lastHook, call("url: https://lb.example.com, key: orders-db, check: \"ftp://x\""), "name: lb", at + ".http.check must be an address such as https://lb.example.com/orders, without user or fragment"},
		{lastHook, call("url: https://lb.example.com"), "name: lb", at + ".http.key is not the name of a credential under credentials; calls are signed with it"},
		{lastHook, call("url: https://lb.example.com, key: hunter2"), "name: lb", at + ".http.key is not the name of a credential under credentials; calls are signed with it"},
		{lastHook, call("url: https://lb.example.com, key: orders-db, method: GET"), "name: lb", at + `.http.method is "GET", not one of POST, PUT, PATCH, DELETE`},
		{lastHook, call("url: http://lb.example.com, key: orders-db, bearer: bastion"), "name: lb", at + ".http.bearer would be sent unencrypted; use https"},
		{lastHook, call("url: https://lb.example.com, key: orders-db, bearer: hunter2"), "name: lb", at + ".http.bearer is not the name of a credential under credentials"},
		{lastHook, call("url: https://lb.example.com, key: orders-db, ca: ca.pem"), "name: lb", at + ".http.ca must be an absolute path on the workers"},
		{lastHook, hooks(run("lb", "phase: redirect, http: {url: https://lb.example.com, key: orders-db}")), "name: lb", at + " has both http and a command; write two hooks"},
		{lastHook, hooks(run("a", "phase: redirect, after: [nobody]")), "{name: a,", at + `.after names the hook "nobody", which is not there; known: freeze-deploys, a`},
		{lastHook, hooks(run("a", "phase: prepare, after: [b]"), run("b", "phase: verify")), "{name: a,", at + ".after names b, which runs before verify, later than before prepare"},
		{lastHook, hooks(run("a", "phase: verify, after: [b]"), run("b", "phase: verify, when: after")), "{name: a,", at + ".after names b, which runs after verify, later than before verify"},
		{lastHook, hooks(run("a", "phase: verify, after: [a]")), "{name: a,", at + ".after goes in a circle: a after a"},
		{lastHook, hooks(run("a", "phase: verify, after: [c]"), run("b", "phase: verify, after: [a]"), run("c", "phase: verify, after: [b]")), "{name: a,", at + ".after goes in a circle: a after c after b after a"},
		{lastHook, hooks(run("a", "phase: verify, veto: never")), "{name: a,", at + `.veto must be true or false, not "never"`},
	})
}

func TestHooksRunBehindThoseThatTheyName(t *testing.T) {
	raw := strings.Replace(string(good(t)), lastHook, hooks(
		"{name: c, phase: verify, host: app1, run: [a], check: [b], after: [a, freeze-deploys]}",
		"{name: b, phase: verify, host: app1, run: [a], check: [b]}",
		"{name: a, phase: verify, host: app1, run: [a], check: [b], after: [b], veto: false}",
	), 1)
	inv, err := inventory.Parse("systems.yaml", []byte(raw), products)
	require.NoError(t, err)
	s, err := inv.System("orders")
	require.NoError(t, err)
	var names []string
	for _, h := range s.Hooks {
		names = append(names, h.Name)
		require.Equal(t, h.Name == "a", h.NoVeto)
	}
	require.Equal(t, []string{"freeze-deploys", "b", "a", "c"}, names)
}
