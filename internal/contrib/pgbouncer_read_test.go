package contrib

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Answers of PgBouncer 1.18 (Debian 12) through psql --csv.
const (
	pgAnswer = `name,host,port,database,force_user,pool_size,min_pool_size,reserve_pool,pool_mode,max_connections,current_connections,paused,disabled
orders-db,127.0.0.1,15401,postgres,,20,0,0,,0,3,1,0
other,db.example.com,5432,postgres,,20,0,0,session,0,0,0,1
pgbouncer,,16432,pgbouncer,pgbouncer,2,0,0,statement,0,0,0,0
`
	pgConfigAnswer = `key,value,default,changeable
pkt_buf,4096,4096,no
pool_mode,transaction,session,yes
`
)

func TestTheDatabasesOfPgBouncerAreReadStrictly(t *testing.T) {
	all, err := parsePgBouncer(pgAnswer)
	require.NoError(t, err)
	require.Equal(t, pgDatabase{Host: "127.0.0.1", Port: 15401, Connections: 3, Paused: true}, all["orders-db"])
	require.Equal(t, pgDatabase{Host: "db.example.com", Port: 5432, Mode: "session", Disabled: true}, all["other"])
	for name, bad := range map[string]string{
		"no column":        replaced(pgAnswer, ",paused", ",halted"),
		"a column twice":   replaced(pgAnswer, ",database,", ",paused,"),
		"a database twice": replaced(pgAnswer, "other,", "orders-db,"),
		"no port":          replaced(pgAnswer, "15401", "many"),
		"an unknown flag":  replaced(pgAnswer, "3,1,0", "3,2,0"),
		"an empty flag":    replaced(pgAnswer, "3,1,0", "3,,0"),
		"cut off":          pgAnswer[:len(pgAnswer)-7],
		"nothing":          "",
		"a notice":         "NOTICE: hello\n" + pgAnswer,
	} {
		_, err := parsePgBouncer(bad)
		require.Error(t, err, name)
	}
}

func TestThePoolModeIsOneThatIsKnownOrNone(t *testing.T) {
	mode, err := defaultPoolMode(pgConfigAnswer)
	require.NoError(t, err)
	require.Equal(t, "transaction", mode)
	for _, bad := range []string{"", replaced(pgConfigAnswer, "pool_mode", "pool"), replaced(pgConfigAnswer, "transaction", "magic"), replaced(pgConfigAnswer, "key,value", "key,values")} {
		_, err := defaultPoolMode(bad)
		require.Error(t, err)
	}
}

func FuzzPgBouncer(f *testing.F) {
	f.Add(pgAnswer)
	f.Add(pgConfigAnswer)
	f.Fuzz(func(t *testing.T, text string) {
		all, err := parsePgBouncer(text)
		if err == nil {
			for name, d := range all {
				require.NotEmpty(t, name)
				require.GreaterOrEqual(t, d.Connections, 0)
			}
		}
		if mode, err := defaultPoolMode(text); err == nil {
			require.Contains(t, []string{"session", "transaction", "statement"}, mode)
		}
	})
}
