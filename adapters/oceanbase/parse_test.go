package oceanbase

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
)

func TestAnSCNIsAWholeNumberOfNanosecondsAndAStringInJSON(t *testing.T) {
	s, err := ParseSCN("1765000000123456789")
	require.NoError(t, err)
	require.Equal(t, time.Unix(1765000000, 123456789).UTC(), s.Time())
	raw, err := json.Marshal(s)
	require.NoError(t, err)
	require.Equal(t, `"1765000000123456789"`, string(raw))
	var back SCN
	require.NoError(t, json.Unmarshal(raw, &back))
	require.Equal(t, s, back)
	require.Error(t, json.Unmarshal([]byte("1765000000123456789"), &back), "a JSON number loses digits elsewhere")
	for _, bad := range []string{"", "-1", "+1", "01", "1e9", "4611686018427387904", "18446744073709551616", "12 "} {
		_, err := ParseSCN(bad)
		require.Error(t, err, bad)
	}
	require.Equal(t, "4611686018427387903", maxSCN.String())
	require.Zero(t, ahead(1, 5), "an SCN ahead of the other is no error")
}

func TestTheVersionDecidesWhatExists(t *testing.T) {
	for text, want := range map[string]Version{
		"5.7.25-OceanBase_CE-v4.2.5.4": {4, 2, 5, 4},
		"5.7.25-OceanBase-v4.3.3.0":    {4, 3, 3, 0},
	} {
		v, ok := parseServerVersion(text)
		require.True(t, ok, text)
		require.Equal(t, want, v)
	}
	for _, text := range []string{"", "8.0.36", "5.7.25-OceanBase_CE", "5.7.25-OceanBase-v4.2", "seekdb"} {
		_, ok := parseServerVersion(text)
		require.False(t, ok, text)
	}
	for text, want := range map[string]bool{
		"4.1.0.2": false, "4.2.0.0": false, "4.2.1.7": false, "4.2.1.8": true, "4.2.1.11": true, "4.2.2.0": true, "4.2.5.4": true,
		"4.3.0.0": false, "4.3.2.1": false, "4.3.3.0": true, "4.4.1.0": true, "5.0.0.0": true,
	} {
		v, _ := parseVersion(text)
		require.Equal(t, want, v.verifies(), "VERIFY really checks in %s", text)
	}
	for text, want := range map[string]bool{"4.2.5.3": false, "4.2.5.4": true, "4.3.5.0": false, "4.4.0.0": true} {
		v, _ := parseVersion(text)
		require.Equal(t, want, v.flashes(), text)
	}
}

func TestASourceIsReadWithoutItsSecrets(t *testing.T) {
	s, err := parseSource(row{"TYPE": "SERVICE", "VALUE": "IP_LIST=10.0.1.1:2881;10.0.1.2:2881,USER=repl@orders,PASSWORD=a,b=c,TENANT_ID=1002,CLUSTER_ID=1,COMPATIBILITY_MODE=MYSQL,IS_ENCRYPTED=false"})
	require.NoError(t, err)
	require.Equal(t, &SourceRow{Type: "SERVICE", Addresses: []string{"10.0.1.1:2881", "10.0.1.2:2881"}, Tenant: 1002, Cluster: 1}, s)
	s, err = parseSource(row{"TYPE": "LOCATION", "VALUE": "LOCATION=oss://bucket/archive?host=oss.example.com&access_id=AK&access_key=SK"})
	require.NoError(t, err)
	require.Equal(t, "oss://bucket/archive?host=oss.example.com", s.Location)
	for _, bad := range []row{{"TYPE": "SERVICE", "VALUE": "PASSWORD=x"}, {"TYPE": "SERVICE", "VALUE": "IP_LIST=here"}, {"TYPE": "LOCATION", "VALUE": "http://x"}, {"TYPE": "OTHER", "VALUE": ""}, {}} {
		_, err := parseSource(bad)
		require.Error(t, err, "%v", bad)
		require.NotContains(t, err.Error(), "PASSWORD=x")
	}
}

func TestOnlyTheThreeRoleEventsThatEndedWellCount(t *testing.T) {
	ok := row{"TIMESTAMP": "2026-11-21 11:00:00.000001", "EVENT": "FAILOVER TO PRIMARY END", "RET_CODE": "0", "NAME2": "SWITCHOVER_SCN", "VALUE2": "1765000000000000000"}
	e, good := parseEvent(ok)
	require.True(t, good)
	require.Equal(t, RoleEvent{At: "2026-11-21 11:00:00.000001", Event: "FAILOVER TO PRIMARY", SCN: 1765000000000000000}, e)
	for _, bad := range []row{
		{"TIMESTAMP": ok["TIMESTAMP"], "EVENT": "FAILOVER TO PRIMARY START"},
		{"TIMESTAMP": ok["TIMESTAMP"], "EVENT": "FAILOVER TO PRIMARY END", "RET_CODE": "-4012"},
		{"TIMESTAMP": ok["TIMESTAMP"], "EVENT": "WAIT LOG SYNC END"},
		{"TIMESTAMP": "yesterday", "EVENT": "FAILOVER TO PRIMARY END"},
	} {
		_, good := parseEvent(bad)
		require.False(t, good, "%v", bad)
	}
}

func TestWhatIsNotRecognisedIsUnknown(t *testing.T) {
	for name, do := range map[string]func(c *cluster){
		"another server":     func(c *cluster) { c.set("VERSION()", "VERSION()", "8.0.36") },
		"a tenant of sys":    func(c *cluster) { c.set("DBA_OB_TENANTS", "TENANT_TYPE", "SYS") },
		"an SCN of letters":  func(c *cluster) { c.set("DBA_OB_TENANTS", "SYNC_SCN", "soon") },
		"no status":          func(c *cluster) { c.set("DBA_OB_TENANTS", "STATUS", "NULL") },
		"a locked of maybe":  func(c *cluster) { c.set("DBA_OB_TENANTS", "LOCKED", "MAYBE") },
		"control characters": func(c *cluster) { c.set("DBA_OB_TENANTS", "TENANT_ROLE", "PRIMARY\x1b[2J") },
		"no view":            func(c *cluster) { delete(c.views, "DBA_OB_TENANTS") },
		"two rows": func(c *cluster) {
			c.views["DBA_OB_TENANTS"] = append(c.views["DBA_OB_TENANTS"], c.views["DBA_OB_TENANTS"][0])
		},
		"silence": func(c *cluster) { c.down = true },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "")
			do(w.east)
			s, _ := w.observe().Site("east")
			require.Equal(t, dr.Unknown, s.AcceptsWrites, s.Summary)
			require.Equal(t, dr.RoleUnknown, s.Role)
		})
	}
}

func TestALockedFormerPrimaryIsNeitherAPrimaryNorHarmless(t *testing.T) {
	w := newWorld(t, "")
	w.west.set("DBA_OB_TENANTS", "TENANT_ROLE", rolePrimary, "LOCKED", "YES")
	s := w.observe()
	require.Equal(t, []string{"east"}, s.Primaries())
	v, _ := s.Site("west")
	require.Equal(t, dr.Unknown, v.AcceptsWrites)
	require.Contains(t, strings.Join(s.Judgement.Alarms, "\n"), "former primary")
}

func TestAHealthyPairIsInSyncByLogPositionsAndNotByTheClock(t *testing.T) {
	w := newWorld(t, "")
	j := w.observe().Judgement
	require.Equal(t, dr.Yes, j.InSync)
	require.Equal(t, "west", j.Proof.Site)
	require.False(t, j.Proof.Complete, "an asynchronous standby is no complete proof")
	require.Equal(t, int64(50), j.Lag.Millis)
	require.Equal(t, "90000", j.Positions["lsn.1001"])
	// Its SYNC_SCN is ahead of the primary after a switchover; its log is not.
	w.west.set("DBA_OB_TENANTS", "SYNC_SCN", (base + 20_000_000_000).String())
	w.west.set("CDB_OB_LS", "SYNC_SCN", (base + 20_000_000_000).String())
	w.west.set("GV$OB_LOG_STAT", "END_LSN", "89000")
	j = w.observe().Judgement
	require.Nil(t, j.Proof, "SCNs ahead of the clock prove nothing")
	require.Zero(t, j.Lag.Millis)
}

func TestABusyPairIsInSyncUpToTheObservationBefore(t *testing.T) {
	w := newWorld(t, "")
	at := time.Date(2026, 11, 21, 11, 59, 58, 0, time.UTC)
	w.west.set("GV$OB_LOG_STAT", "END_LSN", "89000")
	w.memo = &dr.Memory{Primary: "east", PrimarySeen: &at, Positions: map[string]string{posTenant: "1002", posEpoch: "77", "lsn.1": "88000", "lsn.1001": "88500"}}
	j := w.observe().Judgement
	require.Equal(t, at, j.Proof.At)
	w.memo.Positions[posEpoch] = "12"
	require.Nil(t, w.observe().Judgement.Proof, "another term of the primary proves nothing")
}

func FuzzParsersNeverBelieveGarbage(f *testing.F) {
	f.Add("TENANT_ROLE", "PRIMARY", "IP_LIST=10.0.1.1:2881,PASSWORD=secret", "5.7.25-OceanBase-v4.2.5.4")
	f.Add("STATUS", "NORMAL\x00", "LOCATION=file:///a/b?host=x", "v4")
	f.Fuzz(func(t *testing.T, key, value, source, version string) {
		good := newCluster(1, rolePrimary).views["DBA_OB_TENANTS"][0]
		good[key] = value
		if v, err := parseTenant(good); err == nil {
			require.LessOrEqual(t, v.Sync, maxSCN)
			require.NotEmpty(t, v.Status)
		}
		for _, typ := range []string{"SERVICE", "LOCATION", value} {
			if s, err := parseSource(row{"TYPE": typ, "VALUE": source}); err == nil {
				for _, a := range s.Addresses {
					require.True(t, address(a))
				}
				require.True(t, s.Location == "" || destination.MatchString(s.Location))
			}
		}
		parseServerVersion(version)
		_, _ = parseStream(row{key: value}, false)
		_, _ = parseLog(row{key: value}, false)
		_, _ = parseReplica(row{key: value})
		_, _ = parseServer(row{key: value})
		_, _ = parseFetch(row{key: value})
		_, _ = parseEvent(row{key: value})
	})
}

// FuzzNothingBreaksOutOfAStatement puts hostile names into every place of a
// statement: what is not refused stays one literal or one identifier.
func FuzzNothingBreaksOutOfAStatement(f *testing.F) {
	f.Add("orders` ; DROP TENANT sys FORCE", "pw' TENANT = sys -- ", "file:///a'b")
	f.Add("orders", "p\\", "file:///backup/x")
	f.Fuzz(func(t *testing.T, name, password, path string) {
		p := Place{Site: "east", Addresses: []string{"h:1"}, Login: "root@sys", Password: "pw", Tenant: name}
		if p.Check() == nil {
			require.Regexp(t, "^[A-Za-z_][A-Za-z0-9_]*$", name)
		}
		q := quoteName(name)
		require.NotContains(t, strings.ReplaceAll(q[1:len(q)-1], "``", ""), "`")
		lit := quoteText(path)
		inner := strings.ReplaceAll(strings.ReplaceAll(lit[1:len(lit)-1], `\\`, ""), "''", "")
		require.NotContains(t, inner, "'")
		require.NotContains(t, inner, `\`)
		if destination.MatchString(path) {
			require.NotContains(t, path, "'")
			require.NotContains(t, path, ",")
		}
		if sourcePart.MatchString(password) {
			require.Equal(t, "'"+password+"'", quoteText(password), "it stands in the literal as it is")
			require.False(t, strings.ContainsAny(password, " ,;\"'`\\\n"))
		}
	})
}
