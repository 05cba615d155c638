package observer

import (
	"errors"
	"fmt"
	"time"

	"github.com/go-mysql-org/go-mysql/mysql"

	"github.com/switchback-dr/switchback/lab/oceanbase/obsql"
)

// wire makes of an error what the client gets: number, SQLSTATE, text.
func wire(err error) error {
	if err == nil {
		return nil
	}
	var e *obsql.Error
	if !errors.As(err, &e) {
		e = internalError.with()
	}
	return &mysql.MyError{Code: e.Code, State: e.State, Message: e.Text}
}

// adorned is wire with what some settings change of a text: the second line of
// enable_rich_error_msg, and the form that Oracle-mode sessions see.
func (s *session) adorned(err error) error {
	var e *obsql.Error
	if err == nil {
		return nil
	}
	if !errors.As(err, &e) {
		s.cluster.log.line("internal error: %v", err)
		e = internalError.with()
	}
	text := e.Text
	if s.tenant.Mode == modeOracle && e.Code > 4000 {
		text = fmt.Sprintf("ORA-00600: internal error code, arguments: -%d, %s", e.Code, text)
	}
	if s.cluster.knobs.on(knobRich) {
		text += fmt.Sprintf("\n[%s] [%s] [YB427F000001-%016X-0-0]", s.cluster.Known[0], time.Now().Format("2006-01-02 15:04:05.000000"), time.Now().UnixNano())
	}
	return &mysql.MyError{Code: e.Code, State: e.State, Message: text}
}

var fieldTypes = map[obsql.Type]uint8{
	obsql.Text: mysql.MYSQL_TYPE_VAR_STRING, obsql.Integer: mysql.MYSQL_TYPE_LONGLONG, obsql.Unsigned: mysql.MYSQL_TYPE_LONGLONG,
	obsql.Timestamp: mysql.MYSQL_TYPE_DATETIME, obsql.Decimal: mysql.MYSQL_TYPE_DOUBLE,
}

// Collations on the wire: binary for numbers, utf8mb4_general_ci for texts.
const (
	binaryCharset = 63
	textCharset   = 45
)

// result makes a table a result set of the text protocol, or of the binary one
// for prepared statements.
func result(t obsql.Table, binary bool) (*mysql.Result, error) {
	set := mysql.NewResultset(len(t.Columns))
	for i, c := range t.Columns {
		f := &mysql.Field{Name: []byte(c.Name), OrgName: []byte(c.Name), Type: fieldTypes[c.Type], Charset: binaryCharset, ColumnLength: 20}
		switch c.Type {
		case obsql.Text:
			f.Charset, f.ColumnLength = textCharset, 4096
		case obsql.Unsigned:
			f.Flag = mysql.UNSIGNED_FLAG | mysql.BINARY_FLAG
		case obsql.Timestamp:
			f.Decimal, f.ColumnLength = 6, 26
			// The binary form of times is not worth its code here.
			if binary {
				f.Type, f.Charset = mysql.MYSQL_TYPE_VAR_STRING, textCharset
			}
		default:
			f.Flag = mysql.BINARY_FLAG
		}
		set.Fields[i] = f
	}
	for _, row := range t.Rows {
		data := textRow(row)
		if binary {
			var err error
			if data, err = binaryRow(set.Fields, row); err != nil {
				return nil, err
			}
		}
		set.RowDatas = append(set.RowDatas, data)
	}
	return mysql.NewResult(set), nil
}

func textRow(row []any) []byte {
	var data []byte
	for _, v := range row {
		text, ok := obsql.Format(v)
		if !ok {
			data = append(data, 0xfb)
			continue
		}
		data = append(data, mysql.PutLengthEncodedString([]byte(text))...)
	}
	return data
}

func binaryRow(fields []*mysql.Field, row []any) ([]byte, error) {
	nulls := make([]byte, (len(row)+7+2)>>3)
	var data []byte
	for i, v := range row {
		if v == nil {
			nulls[(i+2)/8] |= 1 << (uint(i+2) % 8)
			continue
		}
		switch fields[i].Type {
		case mysql.MYSQL_TYPE_LONGLONG, mysql.MYSQL_TYPE_DOUBLE:
			b, err := mysql.FormatBinaryValue(v)
			if err != nil {
				return nil, err
			}
			data = append(data, b...)
		default:
			text, _ := obsql.Format(v)
			data = append(data, mysql.PutLengthEncodedString([]byte(text))...)
		}
	}
	return append(append([]byte{0}, nulls...), data...), nil
}

// done is the answer of a statement without rows.
func done(affected uint64) *mysql.Result {
	r := mysql.NewResultReserveResultset(0)
	r.AffectedRows = affected
	return r
}
