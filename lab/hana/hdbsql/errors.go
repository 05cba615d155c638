package hdbsql

import "fmt"

// Error is an error of the database as it goes over the wire.
type Error struct {
	// Code is HANA's number, State the SQLSTATE.
	Code  int
	State string
	Text  string
}

func (e *Error) Error() string { return fmt.Sprintf("SQL error %d - %s", e.Code, e.Text) }

// Codes of errors. Their numbers are those of the SAP HANA SQL reference; which
// texts stand beside them is told where they are used.
const (
	CodeFeature       = 7
	CodeAuthFailed    = 10
	CodeGeneral       = 2
	CodeSyntax        = 257
	CodePrivilege     = 258
	CodeNoTable       = 259
	CodeNoColumn      = 260
	CodeTableExists   = 288
	CodeUnique        = 301
	CodeBackup        = 447
	CodeRecovery      = 448
	CodeLockWait      = 131
	CodeNoDatabase    = 332
	CodeNotAvailable  = 129
	CodeReadOnly      = 7
	CodeWrongArgument = 328
)

// level 1 is an error; warnings (0) and fatal errors (2) are not sent.
const levelError = 1

func (e *Error) part() part {
	text := []byte(e.Text)
	state := e.State
	if len(state) != 5 {
		state = "HY000"
	}
	o := out{}
	o.i32(int32(e.Code))
	o.i32(0)
	o.i32(int32(len(text)))
	o.i8(levelError)
	o.bytes([]byte(state))
	o.bytes(text)
	// A single error's part is one byte longer than its text; go-hdb insists.
	o.zeroes(1)
	return part{kind: partError, count: 1, data: o.b}
}

func decodeError(p part) *Error {
	i := in{b: p.data}
	e := &Error{Code: int(i.i32())}
	i.take(4)
	n := int(i.i32())
	i.take(1)
	e.State = string(i.take(5))
	e.Text = string(i.take(n))
	if i.err != nil {
		return &Error{Code: CodeGeneral, State: "HY000", Text: "an error of the server that cannot be read"}
	}
	return e
}
