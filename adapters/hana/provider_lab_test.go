package hana

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// installProvider does by hand what the files of `starter files` say.
func (w *world) installProvider() {
	w.t.Helper()
	put := func(p Place, how, path, body string) {
		w.on(p.main().Host, "sh", "-c", `printf '%s\n' "$3" `+how+` "$1$2"`, "sh", path, "", body)
	}
	for _, f := range w.sys.Files() {
		for _, site := range w.sys.Sites() {
			p := w.place(site)
			switch f.Name {
			case "switchback_hook.py":
				put(p, ">", p.Hook+"/"+f.Name, f.Body)
			case "global.ini." + site:
				put(p, ">>", p.global()+"/hdb/custom/config/global.ini", f.Body)
			}
		}
	}
	for _, site := range w.sys.Sites() {
		w.on(w.place(site).main().Host, "hdbnsutil", "-reloadHADRProviders")
	}
}

// byHand is a takeover that somebody types; it gives the exit code and output.
func (w *world) byHand(site string, flags ...string) (int, string) {
	w.t.Helper()
	p := w.place(site)
	h, err := w.Env().Hosts.Host(p.main().Host)
	require.NoError(w.t, err)
	out, err := h.Read(context.Background(), dr.Command{Host: p.main().Host, Argv: append([]string{"hdbnsutil", "-sr_takeover"}, flags...), Login: true})
	require.NoError(w.t, err)
	return out.Exit, out.Stdout + out.Stderr
}

func (w *world) marked(site, owner string, life time.Duration) {
	w.t.Helper()
	p := w.place(site)
	w.on(p.main().Host, "sh", "-c", `printf 'owner %s\nexpires %s\n' "$2" "$3" >"$1"`, "sh", p.mark(), owner, fmt.Sprint(time.Now().Add(life).Unix()))
}

func (w *world) spool(site string) string {
	w.t.Helper()
	r := kit.Details[Reading](w.observe())[site]
	require.NotNil(w.t, r.Hook, "%v", r.Gaps)
	return strings.Join(r.Hook.Events, "\n")
}

// TestTheLoadedProviderRefusesATakeoverByHandAndLetsTheProceduresPass has the
// nameserver load the provider as `starter files` writes it.
func TestTheLoadedProviderRefusesATakeoverByHandAndLetsTheProceduresPass(t *testing.T) {
	w := newWorld(t)
	w.installProvider()

	w.fault(true, "link-cut", "east")
	w.eventually("the watch reads the event of a lost connection", func() (bool, string) {
		text := w.spool("east")
		return strings.Contains(text, "srConnectionChanged") && strings.Contains(text, `"is_in_sync": "False"`), text
	})
	w.fault(false, "link-cut", "east")
	w.inSync()

	w.marked("west", "0f0f", 10*time.Minute)
	code, text := w.byHand("west", "--suspendPrimary")
	require.NotZero(t, code)
	require.Contains(t, text, "preTakeover")
	require.Contains(t, w.spool("west"), `"refused_for": "0f0f"`)
	require.Equal(t, "sync", kit.Details[Reading](w.observe())["west"].Mode(), "nothing was changed")

	steps := w.plan(takePlanned("west"), dr.GateDecide)
	_, err := w.execute(steps[0], 1)
	require.ErrorContains(t, err, "belongs to the run 0f0f")
	w.on("west", "rm", w.place("west").mark()) // the documented override
	for i, st := range steps {
		if st.Action == takeover.Name {
			code, text = w.byHand("west", "--suspendPrimary")
			require.NotZero(t, code, "the procedure owns the system now: %s", text)
		}
		attempt := 1
		if i == 0 {
			attempt = 2
		}
		res, err := w.execute(st, attempt)
		require.NoError(t, err, "%s: %s", st.ID, res.Output)
	}
	require.Contains(t, w.spool("west"), `"event": "postTakeover", "rc": "0"`)
	w.inSync()

	w.marked("east", "0e0e", -time.Second)
	code, text = w.byHand("east", "--suspendPrimary")
	require.Zero(t, code, "an expired mark owns nothing: %s", text)
}

// TestTheLoadedProviderOfSomebodyElseHoldsTheTakeover: its refusal is no failure.
func TestTheLoadedProviderOfSomebodyElseHoldsTheTakeover(t *testing.T) {
	w := newWorld(t)
	w.installProvider()
	var st dr.Step
	for _, v := range w.plan(takePlanned("west"), dr.GateDecide) {
		if v.Action == takeover.Name {
			st = v
			break
		}
		_, err := w.execute(v, 1)
		require.NoError(t, err)
	}
	p := w.place("west")
	w.on("west", "sh", "-c", `printf '%s\n' 'from hdb_ha_dr.client import HADRBase' 'class other(HADRBase):' '    def about(self): return {}' '    def preTakeover(self, isForce, **kw): return 7' >"$1/other.py"
printf '\n[ha_dr_provider_other]\nprovider = other\npath = %s\nexecution_order = 2\n' "$1" >>"$2"`, "sh", p.Hook, p.global()+"/hdb/custom/config/global.ini")
	w.on("west", "hdbnsutil", "-reloadHADRProviders")
	_, err := w.execute(st, 1)
	require.True(t, dr.HasCode(err, "hook_blocked"), "%v", err)
	require.Contains(t, dr.AsError(err, "").Next, "nameserver trace on west")
	require.Equal(t, "sync", kit.Details[Reading](w.observe())["west"].Mode())
	require.Equal(t, kit.EffectNotDone, takeover.Action().Probe(t.Context(), w.Env(), st.Args).State)
}
