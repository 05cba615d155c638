package hdbsql

import (
	"context"
	"encoding/binary"
)

// defaultFetch is how many rows go out at once when the client does not say.
const defaultFetch = 128

func (s *conn) id8(v uint64) []byte { return binary.LittleEndian.AppendUint64(nil, v) }

// result makes the reply to a statement.
func (s *conn) result(r *Result, metadata bool) (message, error) {
	if r.Kind != Query {
		m := ok(int16(r.Kind))
		if r.Kind != Other {
			o := out{}
			o.i32(int32(r.Changed))
			m.parts = append(m.parts, part{kind: partRowsAffected, count: 1, data: o.b})
		}
		return m, nil
	}
	m := ok(fcSelect)
	if metadata {
		m.parts = append(m.parts, resultMetadata(r.Columns))
	}
	s.next++
	m.parts = append(m.parts, part{kind: partResultSetID, count: 1, data: s.id8(s.next)})
	o := &open{columns: r.Columns, rows: r.Rows}
	rows, err := o.take(defaultFetch, attrFirst)
	if err != nil {
		return message{}, err
	}
	if len(o.rows) > 0 {
		s.results[s.next] = o
	}
	m.parts = append(m.parts, rows)
	return m, nil
}

// take makes the part with the next rows.
func (o *open) take(n int, attrs int8) (part, error) {
	n = min(n, len(o.rows))
	w := out{}
	for _, row := range o.rows[:n] {
		for i, c := range o.columns {
			if err := encodeValue(&w, c.Type, row[i]); err != nil {
				return part{}, err
			}
		}
	}
	o.rows = o.rows[n:]
	if len(o.rows) == 0 {
		attrs |= attrLast | attrClosed
	}
	return part{kind: partResultSet, attrs: attrs, count: n, data: w.b}, nil
}

func (s *conn) fetch(m message) (message, error) {
	id := identifier(m, partResultSetID)
	o := s.results[id]
	if o == nil {
		return message{}, &Error{Code: CodeGeneral, State: "HY000", Text: "general error: the result set is not open"}
	}
	n := defaultFetch
	if p, found := m.find(partFetchSize); found {
		i := in{b: p.data}
		if asked := int(i.i32()); asked > 0 {
			n = asked
		}
	}
	rows, err := o.take(n, 0)
	if len(o.rows) == 0 {
		delete(s.results, id)
	}
	return ok(fcFetch, rows), err
}

// noName is the offset of a name that a column does not have.
const noName = 0xFFFFFFFF

func resultMetadata(columns []Column) part {
	o, names := out{}, out{}
	for _, c := range columns {
		o.i8(2) // nullable
		o.u8(byte(c.Type))
		o.i16(0)
		o.i16(int16(c.Length))
		o.zeroes(2)
		o.u32(noName)
		o.u32(noName)
		at := uint32(len(names.b))
		o.u32(at)
		o.u32(at)
		name := toCESU8(c.Name)
		if len(name) > 255 {
			name = name[:255]
		}
		names.u8(byte(len(name)))
		names.bytes(name)
	}
	o.bytes(names.b)
	return part{kind: partResultMetadata, count: len(columns), data: o.b}
}

func parameterMetadata(types []Type) part {
	o := out{}
	for _, t := range types {
		o.i8(2) // optional
		o.u8(byte(t))
		o.i8(1) // in
		o.zeroes(1)
		o.u32(noName)
		length := int16(0)
		if t == TypeNvarchar {
			length = 5000
		}
		o.i16(length)
		o.i16(0)
		o.zeroes(4)
	}
	return part{kind: partParameterMetadata, count: len(types), data: o.b}
}

func (s *conn) prepare(m message) (message, error) {
	p, _ := m.find(partCommand)
	text := fromCESU8(p.data)
	looked, err := s.session.Prepare(text)
	if err != nil {
		return message{}, err
	}
	s.next++
	s.statements[s.next] = text
	reply := ok(int16(looked.Kind), part{kind: partStatementID, count: 1, data: s.id8(s.next)})
	if looked.Kind == Query {
		reply.parts = append(reply.parts, resultMetadata(looked.Columns))
	}
	if len(looked.Parameters) > 0 {
		reply.parts = append(reply.parts, parameterMetadata(looked.Parameters))
	}
	return reply, nil
}

// execute runs a prepared statement, once for each row of its parameters.
func (s *conn) execute(ctx context.Context, m message) (message, error) {
	text, found := s.statements[identifier(m, partStatementID)]
	if !found {
		return message{}, &Error{Code: CodeGeneral, State: "HY000", Text: "general error: the statement is not prepared"}
	}
	looked, err := s.session.Prepare(text)
	if err != nil {
		return message{}, err
	}
	p, _ := m.find(partParameters)
	rows := 1
	if len(looked.Parameters) > 0 {
		rows = p.count
	}
	i := in{b: p.data}
	total := &Result{Kind: looked.Kind}
	for range rows {
		args := make([]any, len(looked.Parameters))
		for n := range args {
			if args[n], err = decodeParameter(&i); err != nil {
				return message{}, err
			}
		}
		r, err := s.session.Execute(ctx, text, args, m.commit)
		if err != nil {
			return message{}, err
		}
		if r.Kind == Query {
			r.Columns = looked.Columns
			return s.result(r, false)
		}
		total.Changed += r.Changed
	}
	return s.result(total, false)
}
