package engine

import (
	"database/sql/driver"
	"fmt"
	"strconv"
	"strings"
	"time"

	"modernc.org/sqlite"
)

type function = func(*sqlite.FunctionContext, []driver.Value) (driver.Value, error)

// scalar functions of HANA that the embedded engine has not.
var functions = map[string]struct {
	arguments int32
	call      function
}{
	"TO_VARCHAR":      {-1, toText},
	"TO_NVARCHAR":     {-1, toText},
	"TO_CHAR":         {-1, toText},
	"TO_INTEGER":      {1, toInteger},
	"TO_INT":          {1, toInteger},
	"TO_BIGINT":       {1, toInteger},
	"TO_DOUBLE":       {1, toDouble},
	"TO_DECIMAL":      {-1, toDouble},
	"TO_TIMESTAMP":    {-1, toTimestamp},
	"TO_LONGDATE":     {-1, toTimestamp},
	"SECONDS_BETWEEN": {2, between(time.Second)},
	"NANO100_BETWEEN": {2, between(100 * time.Nanosecond)},
	"DAYS_BETWEEN":    {2, between(24 * time.Hour)},
	"ADD_SECONDS":     {2, add(time.Second)},
	"ADD_DAYS":        {2, add(24 * time.Hour)},
	"LOCATE":          {2, locate},
}

func init() {
	for name, f := range functions {
		sqlite.MustRegisterScalarFunction(name, f.arguments, f.call)
	}
}

func text(v driver.Value) string {
	switch v := v.(type) {
	case string:
		return strings.TrimSuffix(v, "Z")
	case []byte:
		return string(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

func toText(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
	if len(args) == 0 || args[0] == nil {
		return nil, nil
	}
	s, isText := args[0].(string)
	if !isText || !isStamp(s) {
		return text(args[0]), nil
	}
	t, _ := parseStamp(s)
	form := "YYYY-MM-DD HH24:MI:SS.FF7"
	if len(args) > 1 {
		form = strings.ToUpper(text(args[1]))
	}
	return t.Format(strings.NewReplacer("YYYY", "2006", "MM", "01", "DD", "02", "HH24", "15", "MI", "04", "SS", "05",
		"FF7", "0000000", "FF6", "000000", "FF3", "000").Replace(form)), nil
}

func toInteger(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
	switch v := args[0].(type) {
	case nil:
		return nil, nil
	case int64:
		return v, nil
	case float64:
		return int64(v), nil
	default:
		return strconv.ParseInt(strings.TrimSpace(text(v)), 10, 64)
	}
}

func toDouble(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
	if args[0] == nil {
		return nil, nil
	}
	return strconv.ParseFloat(strings.TrimSpace(text(args[0])), 64)
}

func toTimestamp(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
	if args[0] == nil {
		return nil, nil
	}
	t, ok := parseStamp(fmt.Sprint(args[0]))
	if !ok {
		return nil, fmt.Errorf("invalid DATE, TIME or TIMESTAMP value: %v", args[0])
	}
	return stamp(t), nil
}

func between(unit time.Duration) function {
	return func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
		from, ok1 := parseStamp(fmt.Sprint(args[0]))
		to, ok2 := parseStamp(fmt.Sprint(args[1]))
		if !ok1 || !ok2 {
			return nil, nil
		}
		return int64(to.Sub(from) / unit), nil
	}
}

func add(unit time.Duration) function {
	return func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
		at, ok := parseStamp(fmt.Sprint(args[0]))
		n, err := strconv.ParseFloat(text(args[1]), 64)
		if !ok || err != nil {
			return nil, nil
		}
		return stamp(at.Add(time.Duration(n * float64(unit)))), nil
	}
}

func locate(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
	if args[0] == nil || args[1] == nil {
		return nil, nil
	}
	return int64(strings.Index(text(args[0]), text(args[1])) + 1), nil
}
