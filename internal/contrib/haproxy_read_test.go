package contrib

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// haAnswer is of HAProxy 2.6.12 (Debian 12); the table of sessions is cut to
// its first columns.
const haAnswer = `1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr srv_agent_addr srv_agent_port
3 orders 1 east 127.0.0.1 2 0 1 1 1 8 2 0 6 0 0 0 - 15001 - 0 0 - - 0
3 orders 2 west 127.0.0.1 0 5 1 1 1 1 0 0 14 0 0 0 - 15002 - 0 0 - - 0

# pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,bout,dreq
orders,east,0,0,7,9,,10,0,0,
orders,west,0,0,0,0,,0,0,0,

`

func TestTheStateOfEveryServerIsReadStrictly(t *testing.T) {
	all, err := parseHAProxy("orders", haAnswer)
	require.NoError(t, err)
	require.Equal(t, map[string]haServer{"east": {Op: 2, Sessions: 7}, "west": {Admin: 5}}, all)
	require.True(t, all["east"].open())
	require.True(t, all["west"].closed())
	for name, bad := range map[string]string{
		"another format":      "2" + haAnswer[1:],
		"another backend":     replaced(haAnswer, "3 orders 2", "3 other 2"),
		"an unknown bit":      replaced(haAnswer, "127.0.0.1 0 5", "127.0.0.1 0 128"),
		"an unknown state":    replaced(haAnswer, "127.0.0.1 0 5", "127.0.0.1 9 5"),
		"a server twice":      replaced(haAnswer, "2 west 127", "2 east 127"),
		"a short line":        replaced(haAnswer, " - 15002", ""),
		"no sessions":         replaced(haAnswer, "orders,west,0,0,0,0,,0,0,0,\n", ""),
		"sessions of nobody":  replaced(haAnswer, "orders,west", "orders,nobody"),
		"sessions no number":  replaced(haAnswer, "orders,east,0,0,7", "orders,east,0,0,many"),
		"other columns":       replaced(haAnswer, "svname,qcur", "svname,more,qcur"),
		"cut off":             haAnswer[:len(haAnswer)-40],
		"nothing":             "",
		"cut in the sessions": haAnswer[:len(haAnswer)-20],
	} {
		_, err := parseHAProxy("orders", bad)
		require.Error(t, err, name)
	}
}

func FuzzHAProxy(f *testing.F) {
	f.Add(haAnswer)
	f.Add("Can't find backend.\n\n")
	f.Fuzz(func(t *testing.T, text string) {
		all, err := parseHAProxy("orders", text)
		if err != nil {
			return
		}
		for name, s := range all {
			require.NotEmpty(t, name)
			require.False(t, s.open() && s.closed())
			require.GreaterOrEqual(t, s.Sessions, 0)
		}
	})
}
