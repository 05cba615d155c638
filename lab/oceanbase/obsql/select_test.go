package obsql

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// shelf is a server with two tables.
type shelf struct{}

func (shelf) Table(schema, name string) (Table, error) {
	switch strings.ToUpper(name) {
	case "T":
		return Table{
			Columns: []Column{{"ID", Integer}, {"NAME", Text}, {"SCN", Unsigned}},
			Rows:    [][]any{{int64(1), "one", int64(4611686018427387903)}, {int64(2), "Two", nil}, {int64(3), "it's", int64(1700000000000000001)}},
		}, nil
	case "L":
		return Table{Columns: []Column{{"ID", Integer}, {"ROLE", Text}}, Rows: [][]any{{int64(1), "LEADER"}, {int64(1), "FOLLOWER"}, {int64(3), "LEADER"}}}, nil
	}
	return Table{}, &Error{1146, "42S02", "Table '" + schema + "." + name + "' doesn't exist"}
}

func (shelf) Variable(name string) (any, bool) { return int64(7), name == "@@seven" }
func (shelf) Function(name string, _ []any) (any, bool) {
	return "5.7.25", name == "VERSION"
}
func (shelf) Lock() error { return &Error{4688, "HY000", "standby tenant is read only"} }

func text(t *testing.T, q string) string {
	t.Helper()
	got, err := Select(shelf{}, q)
	require.NoError(t, err, q)
	var rows []string
	for _, row := range got.Rows {
		var all []string
		for _, v := range row {
			s, ok := Format(v)
			if !ok {
				s = "NULL"
			}
			all = append(all, s)
		}
		rows = append(rows, strings.Join(all, ","))
	}
	return strings.Join(rows, ";")
}

func TestASelectGivesWhatMySQLGives(t *testing.T) {
	for q, want := range map[string]string{
		"SELECT 1":                                                                                                  "1",
		"select VERSION() as v":                                                                                     "5.7.25",
		"SELECT @@seven + 1, 7 DIV 2, 7 % 4":                                                                        "8,3,3",
		"SELECT id, name FROM a.t WHERE id = 2":                                                                     "2,Two",
		"SELECT ID FROM T WHERE NAME = 'TWO'":                                                                       "2",
		`SELECT ID FROM T WHERE NAME = 'it''s' OR NAME = "it\'s"`:                                                   "3",
		"SELECT `ID` FROM `T` AS x WHERE x.SCN = 4611686018427387903":                                               "1",
		"SELECT ID FROM T WHERE SCN > '1700000000000000000' ORDER BY ID DESC":                                       "3;1",
		"SELECT ID FROM T WHERE SCN IS NULL":                                                                        "2",
		"SELECT ID FROM T WHERE NOT SCN IS NULL AND ID <> 1":                                                        "3",
		"SELECT ID FROM T WHERE SCN NOT IN (1, 2) ORDER BY 1":                                                       "1;3",
		"SELECT MIN(SCN), MAX(SCN), COUNT(*), COUNT(SCN) FROM T":                                                    "1700000000000000001,4611686018427387903,3,2",
		"SELECT MAX(SCN) - MIN(SCN) FROM T":                                                                         "2911686018427387902",
		"SELECT MIN(SCN) FROM T WHERE ID = 99":                                                                      "NULL",
		"SELECT ROLE, COUNT(*) c FROM L GROUP BY ROLE HAVING c > 1":                                                 "LEADER,2",
		"SELECT T.ID FROM T LEFT JOIN L ON T.ID = L.ID WHERE L.ROLE IS NULL":                                        "2",
		"SELECT a.ID FROM T a JOIN L b ON a.ID = b.ID AND b.ROLE = 'LEADER'":                                        "1;3",
		"SELECT NAME FROM T WHERE ID IN (SELECT ID FROM L WHERE ROLE LIKE 'foll%')":                                 "one",
		"SELECT (SELECT COUNT(*) FROM L WHERE L.ID = T.ID) FROM T ORDER BY ID":                                      "2;0;1",
		"SELECT DISTINCT ROLE FROM L ORDER BY ROLE LIMIT 1":                                                         "FOLLOWER",
		"SELECT ID FROM T ORDER BY ID LIMIT 1, 1":                                                                   "2",
		"SELECT IF(ID = 1, 'a', 'b'), CASE WHEN ID > 2 THEN 'big' ELSE 'small' END FROM T WHERE ID BETWEEN 2 AND 3": "b,small;b,big",
		"SELECT IFNULL(SCN, 0), CONCAT(ID, '-', NAME) FROM T WHERE ID = 2":                                          "0,2-Two",
		"SELECT COUNT(*) FROM (SELECT DISTINCT ID FROM L) x":                                                        "2",
		"SELECT /*+ READ_CONSISTENCY(WEAK) */ 1 FROM T WHERE 1 = 0":                                                 "",
		"SELECT CAST('12' AS UNSIGNED) + 1":                                                                         "13",
		"SELECT t.* FROM T t, L WHERE t.ID = L.ID AND L.ROLE = 'FOLLOWER'":                                          "1,one,4611686018427387903",
		"SELECT -1, NOT 1, NULL = NULL":                                                                             "-1,0,NULL",
		"SELECT ID FROM T WHERE EXISTS (SELECT 1 FROM L WHERE L.ID = T.ID) AND NAME NOT LIKE 'o%';":                 "3",
	} {
		require.Equal(t, want, text(t, q), q)
	}
}

func TestAResultHasTheTypesOfItsSourcesAlsoWithoutRows(t *testing.T) {
	got, err := Select(shelf{}, "SELECT ID, NAME n, SCN, MAX(SCN), COUNT(*) FROM T WHERE 1 = 0 GROUP BY ID")
	require.NoError(t, err)
	require.Empty(t, got.Rows)
	require.Equal(t, []Column{{"ID", Integer}, {"n", Text}, {"SCN", Unsigned}, {"MAX(SCN)", Unsigned}, {"COUNT(*)", Integer}}, got.Columns)
}

func TestWhatIsWrongIsSaidWithMySQLsNumbers(t *testing.T) {
	for q, code := range map[string]uint16{
		"SELECT":                             1064,
		"SELECT 1 FROM":                      1064,
		"SELECT 1,":                          1064,
		"SELECT 'open":                       1064,
		"SELECT ID FROM T WHERE":             1064,
		"SELECT ID FROM T extra words":       1064,
		"SELECT 1; SELECT 2":                 1064,
		"SELECT NOPE FROM T":                 1054,
		"SELECT x.ID FROM T":                 1054,
		"SELECT ID FROM NOWHERE":             1146,
		"SELECT FROB(1)":                     1305,
		"SELECT @@nope":                      1193,
		"SELECT ID FROM T WHERE MAX(ID) = 1": 1111,
		"SELECT (SELECT ID FROM T)":          1242,
		"SELECT nope.* FROM T":               1051,
		"SELECT ID FROM T FOR UPDATE":        4688,
		"SELECT " + strings.Repeat("(", 500): 1064,
		"SELECT 1 WHERE " + strings.Repeat("NOT ", 500) + "1": 1064,
	} {
		_, err := Select(shelf{}, q)
		var e *Error
		require.ErrorAs(t, err, &e, q)
		require.Equal(t, code, e.Code, q)
		require.Len(t, e.State, 5)
	}
}

func FuzzSelect(f *testing.F) {
	for _, q := range []string{"SELECT 1", "SELECT a.ID, COUNT(*) FROM T a LEFT JOIN L b ON a.ID = b.ID WHERE NAME LIKE 'x%' GROUP BY a.ID ORDER BY 2 DESC LIMIT 1, 2", "SELECT '\\", "SELECT `", "SELECT @@", "SELECT CAST(1 AS CHAR(3))", "SELECT CASE ID WHEN 1 THEN 2 END FROM T"} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, q string) {
		got, err := Select(shelf{}, q)
		if err != nil {
			var e *Error
			require.ErrorAs(t, err, &e)
			return
		}
		for _, row := range got.Rows {
			require.Len(t, row, len(got.Columns))
		}
	})
}
