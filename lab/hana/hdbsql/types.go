package hdbsql

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"time"
)

// Type is a type code of the protocol.
type Type byte

// Types that this server knows.
const (
	TypeTinyint    Type = 1
	TypeSmallint   Type = 2
	TypeInteger    Type = 3
	TypeBigint     Type = 4
	TypeDecimal    Type = 5
	TypeReal       Type = 6
	TypeDouble     Type = 7
	TypeVarchar    Type = 9
	TypeNvarchar   Type = 11
	TypeVarbinary  Type = 13
	TypeBoolean    Type = 0x1C
	TypeString     Type = 0x1D
	TypeNstring    Type = 0x1E
	TypeBstring    Type = 0x21
	TypeLongdate   Type = 0x3D
	TypeSeconddate Type = 0x3E
	TypeDaydate    Type = 0x3F
)

// Column describes a column of a result.
type Column struct {
	Name string
	Type Type
	// Length is the declared length of text, or the precision.
	Length int
}

// Null values of types without a null indicator.
const (
	longdateNull   int64 = 3155380704000000001
	seconddateNull int64 = 315538070401
	daydateNull    int32 = 3652062
)

// dayOrigin is the number of 1970-01-01 in LONGDATE's own count of days.
const dayOrigin = 719164

const ticksPerSecond = 10_000_000

// longdate counts 100 ns since the origin, from 1.
func longdate(t time.Time) int64 {
	t = t.UTC()
	return (t.Unix()+dayOrigin*86400)*ticksPerSecond + int64(t.Nanosecond())/100 + 1
}

func fromLongdate(v int64) time.Time {
	v--
	return time.Unix(v/ticksPerSecond-dayOrigin*86400, v%ticksPerSecond*100).UTC()
}

func daydate(t time.Time) int32 {
	return int32(math.Floor(float64(t.Unix())/86400)) + dayOrigin + 1
}

// encodeValue writes a value of a result. Values are nil, bool, int64, float64,
// string, []byte and time.Time.
func encodeValue(o *out, t Type, v any) error {
	switch t {
	case TypeTinyint, TypeSmallint, TypeInteger, TypeBigint:
		return encodeInteger(o, t, v)
	case TypeDouble, TypeReal:
		return encodeFloat(o, t, v)
	case TypeDecimal:
		return encodeDecimal(o, v)
	case TypeBoolean:
		o.u8(map[any]byte{nil: 1, true: 2, false: 0}[v])
		return nil
	case TypeLongdate, TypeSeconddate, TypeDaydate:
		return encodeTime(o, t, v)
	default:
	}
	switch v := v.(type) {
	case nil:
		o.u8(255)
	case []byte:
		o.field(v)
	case string:
		o.field(toCESU8(v))
	default:
		o.field(toCESU8(fmt.Sprint(v)))
	}
	return nil
}

func encodeInteger(o *out, t Type, v any) error {
	if v == nil {
		o.u8(0)
		return nil
	}
	n, err := toInt(v)
	if err != nil {
		return err
	}
	o.u8(1)
	switch t {
	case TypeTinyint:
		o.u8(byte(n))
	case TypeSmallint:
		o.i16(int16(n))
	case TypeInteger:
		o.i32(int32(n))
	default:
		o.i64(n)
	}
	return nil
}

func toInt(v any) (int64, error) {
	switch v := v.(type) {
	case int64:
		return v, nil
	case bool:
		return int64(flag(v)), nil
	case float64:
		return int64(v), nil
	case string:
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			return 0, &Error{Code: 339, State: "HY000", Text: "invalid number"}
		}
		return n, nil
	}
	return 0, fmt.Errorf("%T is no integer", v)
}

func encodeFloat(o *out, t Type, v any) error {
	f, null := math.NaN(), v == nil
	switch v := v.(type) {
	case float64:
		f = v
	case int64:
		f = float64(v)
	case nil:
	default:
		return fmt.Errorf("%T is no floating point number", v)
	}
	switch {
	case t == TypeReal && null:
		o.u32(math.MaxUint32)
	case t == TypeReal:
		o.u32(math.Float32bits(float32(f)))
	case null:
		o.i64(-1)
	default:
		o.f64(f)
	}
	return nil
}

// encodeDecimal writes a floating DECIMAL: the mantissa in 113 bits, then the
// exponent with a bias of 6176, then the sign.
func encodeDecimal(o *out, v any) error {
	b := make([]byte, 16)
	if v == nil {
		b[15] = 0x70
		o.bytes(b)
		return nil
	}
	text := fmt.Sprint(v)
	if f, ok := v.(float64); ok {
		text = strconv.FormatFloat(f, 'f', -1, 64)
	}
	negative := false
	digits, exponent := "", 0
	point := false
	for _, c := range text {
		switch {
		case c == '-' && digits == "":
			negative = true
		case c == '.' && !point:
			point = true
		case c >= '0' && c <= '9':
			digits += string(c)
			if point {
				exponent--
			}
		default:
			return &Error{Code: 339, State: "HY000", Text: "invalid number"}
		}
	}
	m, ok := new(big.Int).SetString(digits, 10)
	if !ok || m.BitLen() > 113 {
		return &Error{Code: 314, State: "HY000", Text: "numeric overflow"}
	}
	for i, c := range m.FillBytes(make([]byte, 16)) {
		b[15-i] = c
	}
	e := uint16(exponent+6176) << 1
	b[14] |= byte(e)
	b[15] |= byte(e >> 8)
	if negative {
		b[15] |= 0x80
	}
	o.bytes(b)
	return nil
}

func encodeTime(o *out, t Type, v any) error {
	at, ok := v.(time.Time)
	if !ok && v != nil {
		return fmt.Errorf("%T is no time", v)
	}
	switch {
	case t == TypeLongdate && v == nil:
		o.i64(longdateNull)
	case t == TypeLongdate:
		o.i64(longdate(at))
	case t == TypeSeconddate && v == nil:
		o.i64(seconddateNull)
	case t == TypeSeconddate:
		o.i64((longdate(at)-1)/ticksPerSecond + 1)
	case v == nil:
		o.i32(daydateNull)
	default:
		o.i32(daydate(at))
	}
	return nil
}

// decodeParameter reads one input parameter with its type byte.
func decodeParameter(i *in) (any, error) {
	t := Type(i.u8())
	if t&0x80 != 0 {
		return nil, i.err
	}
	switch t {
	case TypeTinyint:
		return int64(i.u8()), i.err
	case TypeSmallint:
		return int64(i.i16()), i.err
	case TypeInteger:
		return int64(i.i32()), i.err
	case TypeBigint:
		return i.i64(), i.err
	case TypeReal:
		return float64(math.Float32frombits(i.u32())), i.err
	case TypeDouble:
		return i.f64(), i.err
	case TypeBoolean:
		return i.u8() == 2, i.err
	case TypeLongdate:
		return fromLongdate(i.i64()), i.err
	case TypeVarchar, TypeNvarchar, TypeString, TypeNstring, 8, 10:
		b, null := i.field()
		if null {
			return nil, i.err
		}
		return fromCESU8(b), i.err
	case TypeVarbinary, TypeBstring, 12:
		b, null := i.field()
		if null {
			return nil, i.err
		}
		return append([]byte{}, b...), i.err
	default:
	}
	return nil, &Error{Code: CodeFeature, State: "HY000", Text: fmt.Sprintf("feature not supported: parameter of type %d", t)}
}
