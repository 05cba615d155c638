package obsql

import "fmt"

// Error is an answer of the server that is no result: its number, SQLSTATE and
// text are what the client sees.
type Error struct {
	Code  uint16
	State string
	Text  string
}

// Error gives number, state and text as the mysql client prints them.
func (e *Error) Error() string { return fmt.Sprintf("ERROR %d (%s): %s", e.Code, e.State, e.Text) }

// Errors of MySQL's own numbers that reading a statement can end with.
func syntax(near string) *Error {
	return &Error{1064, "42000", "You have an error in your SQL syntax; check the manual that corresponds to your OceanBase version for the right syntax to use near '" + near + "'"}
}

func unknownColumn(name string) *Error {
	return &Error{1054, "42S22", "Unknown column '" + name + "' in 'field list'"}
}

func unknownFunction(name string) *Error {
	return &Error{1305, "42000", "FUNCTION " + name + " does not exist"}
}

func subqueryRows() *Error {
	return &Error{1242, "21000", "Subquery returns more than 1 row"}
}
