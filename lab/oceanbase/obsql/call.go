package obsql

import (
	"strings"
)

// aggregates are functions over a group.
var aggregates = map[string]bool{"COUNT": true, "MIN": true, "MAX": true, "SUM": true, "AVG": true, "GROUP_CONCAT": true}

func (c call) eval(s *scope) (any, error) {
	if aggregates[c.name] {
		return c.aggregate(s)
	}
	args := make([]any, len(c.args))
	for i, a := range c.args {
		v, err := a.eval(s)
		if err != nil {
			return nil, err
		}
		args[i] = v
	}
	if f, ok := functions[c.name]; ok && len(args) >= f.least {
		return f.do(args), nil
	}
	if v, ok := s.run.env.Function(c.name, args); ok {
		return v, nil
	}
	return nil, unknownFunction(c.name)
}

// aggregate evaluates over the rows of the scope's group.
func (c call) aggregate(s *scope) (any, error) {
	if !s.grouped {
		return nil, &Error{1111, "HY000", "Invalid use of group function"}
	}
	if c.star {
		return int64(len(s.group)), nil
	}
	if len(c.args) != 1 {
		return nil, unknownFunction(c.name)
	}
	var values []any
	seen := map[string]bool{}
	for _, row := range s.group {
		inner := s.with(row)
		inner.grouped = false
		v, err := c.args[0].eval(inner)
		if err != nil {
			return nil, err
		}
		text, _ := Format(v)
		if v == nil || c.distinct && seen[text] {
			continue
		}
		seen[text] = true
		values = append(values, v)
	}
	return fold(c.name, values), nil
}

func fold(name string, values []any) any {
	if name == "COUNT" {
		return int64(len(values))
	}
	if len(values) == 0 {
		return nil
	}
	best := values[0]
	var texts []string
	var sum any = int64(0)
	for _, v := range values {
		c := compare(v, best)
		if name == "MIN" && c < 0 || name == "MAX" && c > 0 {
			best = v
		}
		sum = arithmetic("+", sum, v)
		text, _ := Format(v)
		texts = append(texts, text)
	}
	switch name {
	case "SUM":
		return sum
	case "AVG":
		return arithmetic("/", sum, int64(len(values)))
	case "GROUP_CONCAT":
		return strings.Join(texts, ",")
	}
	return best
}

// function is a scalar function with the fewest arguments it takes.
type function struct {
	least int
	do    func(args []any) any
}

// functions are those of MySQL's that need nothing of the server.
var functions = map[string]function{
	"IFNULL": {2, coalesce}, "NVL": {2, coalesce}, "COALESCE": {1, coalesce},
	"CONCAT": {1, concat},
	"UPPER":  {1, textual(strings.ToUpper)}, "LOWER": {1, textual(strings.ToLower)}, "TRIM": {1, textual(strings.TrimSpace)},
	"CAST": {2, cast},
	"IF": {3, func(a []any) any {
		if yes, _ := truth(a[0]); yes {
			return a[1]
		}
		return a[2]
	}},
	"GREATEST": {1, func(a []any) any { return extreme("MAX", a) }}, "LEAST": {1, func(a []any) any { return extreme("MIN", a) }},
	"ABS": {1, func(a []any) any {
		if a[0] != nil && float(a[0]) < 0 {
			return arithmetic("-", int64(0), a[0])
		}
		return a[0]
	}},
	"LENGTH": {1, func(a []any) any {
		text, ok := Format(a[0])
		if !ok {
			return nil
		}
		return int64(len(text))
	}},
}

func coalesce(args []any) any {
	for _, a := range args {
		if a != nil {
			return a
		}
	}
	return nil
}

func concat(args []any) any {
	var all strings.Builder
	for _, a := range args {
		text, ok := Format(a)
		if !ok {
			return nil
		}
		all.WriteString(text)
	}
	return all.String()
}

func textual(f func(string) string) func([]any) any {
	return func(args []any) any {
		text, ok := Format(args[0])
		if !ok {
			return nil
		}
		return f(text)
	}
}

func extreme(name string, args []any) any {
	for _, a := range args {
		if a == nil {
			return nil
		}
	}
	return fold(name, args)
}

// cast knows whole numbers, floats and texts; other types keep the value.
func cast(args []any) any {
	v, kind := args[0], args[1]
	if v == nil {
		return nil
	}
	switch kind {
	case "UNSIGNED", "SIGNED":
		if n, ok := whole(v); ok {
			return n
		}
		return int64(float(v))
	case "CHAR", "VARCHAR", "NCHAR":
		text, _ := Format(v)
		return text
	case "DOUBLE", "DECIMAL", "FLOAT":
		return float(v)
	}
	return v
}
