package engine

import (
	"strconv"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/lab/hana/hdbsql"
)

// A timestamp is kept as text of this form: it sorts as time does, and its end
// tells it from text that only looks like a time.
const stampForm = "2006-01-02 15:04:05.0000000Z"

func stamp(t time.Time) string { return t.UTC().Format(stampForm) }

// parseStamp reads a timestamp in the form in which it is kept, or as a literal
// gives it.
func parseStamp(s string) (time.Time, bool) {
	for _, form := range []string{stampForm, "2006-01-02 15:04:05.999999999", "2006-01-02T15:04:05.999999999", "2006-01-02"} {
		if t, err := time.Parse(form, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// isStamp says whether a text has exactly the form of a kept timestamp.
func isStamp(s string) bool {
	return len(s) == len(stampForm) && s[len(s)-1] == 'Z' && s[4] == '-' && s[10] == ' ' && s[19] == '.'
}

// rewrite turns HANA's SQL into that of the embedded engine, where the two
// differ. Values that would be different at each replay (the time, the user)
// become literals here, once.
func rewrite(all []token, now time.Time, user, schema string) []token {
	limit := ""
	out := make([]token, 0, len(all))
	for i := 0; i < len(all); i++ {
		t := all[i]
		switch {
		case t.kind != word:
		case t.text == "CURRENT_TIMESTAMP" || t.text == "CURRENT_UTCTIMESTAMP":
			t = token{sqlText(stamp(now)), literal, t.gap}
			i += calls(all, i)
		case (t.text == "NOW" || t.text == "UTCTIMESTAMP") && calls(all, i) > 0:
			t = token{sqlText(stamp(now)), literal, t.gap}
			i += calls(all, i)
		case t.text == "CURRENT_USER" || t.text == "SESSION_USER":
			t = token{sqlText(user), literal, t.gap}
		case t.text == "CURRENT_SCHEMA":
			t = token{sqlText(schema), literal, t.gap}
		case t.text == "TOP" && i > 0 && all[i-1].is("SELECT") && i+1 < len(all) && all[i+1].kind == number:
			limit = all[i+1].text
			i++
			continue
		case starts(all[i:], "FOR", "UPDATE"):
			i++
			continue
		case starts(all[i:], "CREATE", "COLUMN", "TABLE") || starts(all[i:], "CREATE", "ROW", "TABLE"):
			out = append(out, t)
			i++
			continue
		case (t.text == "TIMESTAMP" || t.text == "SECONDDATE") && i > 0 && !all[i-1].is("(") && !all[i-1].is(",") && (i+1 == len(all) || all[i+1].kind != literal):
			t.text = "LONGDATE"
		case t.text == "TIMESTAMP" && i+1 < len(all) && all[i+1].kind == literal:
			continue
		}
		out = append(out, t)
	}
	if limit != "" {
		out = append(out, token{"LIMIT", word, true}, token{limit, number, true})
	}
	return out
}

// calls counts the tokens of an empty call's parentheses behind a name.
func calls(all []token, i int) int {
	if i+2 < len(all) && all[i+1].is("(") && all[i+2].is(")") {
		return 2
	}
	return 0
}

// kindOf tells a statement's kind.
func kindOf(all []token) hdbsql.Kind {
	if len(all) == 0 {
		return hdbsql.Other
	}
	switch all[0].text {
	case "SELECT", "WITH", "(":
		return hdbsql.Query
	case "INSERT", "UPSERT", "REPLACE":
		return hdbsql.Insert
	case "UPDATE":
		return hdbsql.Update
	case "DELETE", "TRUNCATE":
		return hdbsql.Delete
	}
	return hdbsql.DDL
}

// columnType turns a declared type into the protocol's.
func columnType(declared string) (hdbsql.Type, int, bool) {
	name, rest, _ := strings.Cut(strings.ToUpper(declared), "(")
	length := 0
	if digits, _, ok := strings.Cut(strings.TrimSuffix(rest, ")"), ","); ok || rest != "" {
		length, _ = strconv.Atoi(strings.TrimSpace(digits))
	}
	switch strings.TrimSpace(name) {
	case "TINYINT":
		return hdbsql.TypeTinyint, 3, true
	case "SMALLINT":
		return hdbsql.TypeSmallint, 5, true
	case "INTEGER", "INT":
		return hdbsql.TypeInteger, 10, true
	case "BIGINT":
		return hdbsql.TypeBigint, 19, true
	case "DOUBLE", "FLOAT":
		return hdbsql.TypeDouble, 15, true
	case "REAL":
		return hdbsql.TypeReal, 7, true
	case "DECIMAL":
		return hdbsql.TypeDecimal, 34, true
	case "BOOLEAN":
		return hdbsql.TypeBoolean, 1, true
	case "LONGDATE":
		return hdbsql.TypeLongdate, 27, true
	case "DATE", "DAYDATE":
		return hdbsql.TypeDaydate, 10, true
	case "VARBINARY", "BINARY":
		return hdbsql.TypeVarbinary, max(length, 1), true
	case "VARCHAR":
		return hdbsql.TypeVarchar, max(length, 1), true
	case "NVARCHAR", "NCHAR", "CHAR", "SHORTTEXT", "ALPHANUM":
		return hdbsql.TypeNvarchar, max(length, 1), true
	}
	return 0, 0, false
}
