package hana_test

import (
	"net/url"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/lab/labkit"
)

// script runs the client of testdata, which shares nothing with the server and
// nothing with SAP's Go driver.
func (b bench) script(endpoint, password string, queries ...string) []string {
	b.T.Helper()
	u, err := url.Parse(b.System.Endpoints()[endpoint])
	require.NoError(b.T, err)
	if password == "" {
		password, _ = u.User.Password()
	}
	c := exec.Command("python3", "-B", "testdata/client.py")
	c.Stdin = strings.NewReader(strings.Join(append([]string{u.Hostname(), u.Port(), u.User.Username(), password}, queries...), "\n"))
	out, err := c.CombinedOutput()
	require.NoError(b.T, err, "%s", out)
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

func TestAClientOfAnotherLanguageLogsInAndQueries(t *testing.T) {
	b := up(t, labkit.Options{})
	at := b.script("east-admin", "", "SELECT 1 FROM DUMMY", "SELECT DATABASE_NAME, ACTIVE_STATUS FROM M_DATABASES ORDER BY DATABASE_NAME",
		"SELECT SECONDARY_SITE_NAME, REPLICATION_STATUS FROM M_SYSTEM_REPLICATION")
	u, err := url.Parse(b.System.Endpoints()["east"])
	require.NoError(t, err)
	require.Equal(t, []string{
		`["` + u.Hostname() + `", ` + u.Port() + `]`, `[[1]]`, `[["DRT", "YES"], ["SYSTEMDB", "YES"]]`, `[["WEST", "ACTIVE"]]`,
	}, at)
	for range 4 {
		b.MoreWrites()
	}
	// A tenant's port: many rows in many fetches, and a change that stays.
	rows := b.script("east", "", "SELECT N FROM APP.LAB_WRITES ORDER BY N", "CREATE TABLE NOTES (T NVARCHAR(20))", "INSERT INTO NOTES VALUES ('é and more')", "SELECT T FROM NOTES")
	require.GreaterOrEqual(t, strings.Count(rows[1], "["), 41)
	require.Equal(t, []string{"0", "1", `[["\u00e9 and more"]]`}, rows[2:])
	require.Contains(t, b.script("east", "wrong", "SELECT 1 FROM DUMMY")[1], "10 authentication failed")
	require.Contains(t, b.script("east", "", "SELECT 1 FROM NOWHERE")[1], "259")
}
