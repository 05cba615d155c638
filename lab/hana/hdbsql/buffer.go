package hdbsql

import (
	"encoding/binary"
	"errors"
	"math"
	"unicode/utf16"
	"unicode/utf8"
)

// errShort is the error of a part that ends in the middle of a value.
var errShort = errors.New("the part ends in the middle of a value")

// out builds a part's bytes.
type out struct{ b []byte }

func (o *out) i8(v int8)      { o.b = append(o.b, byte(v)) }
func (o *out) u8(v byte)      { o.b = append(o.b, v) }
func (o *out) i16(v int16)    { o.b = binary.LittleEndian.AppendUint16(o.b, uint16(v)) }
func (o *out) i32(v int32)    { o.b = binary.LittleEndian.AppendUint32(o.b, uint32(v)) }
func (o *out) u32(v uint32)   { o.b = binary.LittleEndian.AppendUint32(o.b, v) }
func (o *out) i64(v int64)    { o.b = binary.LittleEndian.AppendUint64(o.b, uint64(v)) }
func (o *out) f64(v float64)  { o.i64(int64(math.Float64bits(v))) }
func (o *out) bytes(v []byte) { o.b = append(o.b, v...) }
func (o *out) zeroes(n int)   { o.b = append(o.b, make([]byte, n)...) }

// field writes a length as values of variable length carry it, and the value.
func (o *out) field(v []byte) {
	switch n := len(v); {
	case n <= 245:
		o.u8(byte(n))
	case n <= math.MaxInt16:
		o.u8(246)
		o.i16(int16(n))
	default:
		o.u8(247)
		o.i32(int32(n))
	}
	o.bytes(v)
}

// authField is field as the server writes it in an authentication part: long
// lengths are big endian.
func (o *out) authField(v []byte) {
	if len(v) <= 250 {
		o.u8(byte(len(v)))
	} else {
		o.u8(255)
		o.b = binary.BigEndian.AppendUint16(o.b, uint16(len(v)))
	}
	o.bytes(v)
}

// in reads a part's bytes. After the first value that is cut off every further
// one is zero and err says so.
type in struct {
	b   []byte
	err error
}

func (i *in) take(n int) []byte {
	if i.err != nil || n < 0 || n > len(i.b) {
		if i.err == nil {
			i.err = errShort
		}
		return make([]byte, max(0, min(n, 8)))
	}
	v := i.b[:n]
	i.b = i.b[n:]
	return v
}

func (i *in) u8() byte     { return i.take(1)[0] }
func (i *in) i16() int16   { return int16(binary.LittleEndian.Uint16(i.take(2))) }
func (i *in) i32() int32   { return int32(binary.LittleEndian.Uint32(i.take(4))) }
func (i *in) u32() uint32  { return binary.LittleEndian.Uint32(i.take(4)) }
func (i *in) i64() int64   { return int64(binary.LittleEndian.Uint64(i.take(8))) }
func (i *in) f64() float64 { return math.Float64frombits(uint64(i.i64())) }

// field reads a value with its length; null when the length says so.
func (i *in) field() (v []byte, null bool) {
	switch n := i.u8(); n {
	case 255:
		return nil, true
	case 246:
		return i.take(int(uint16(i.i16()))), false
	case 247:
		return i.take(int(i.i32())), false
	default:
		return i.take(int(n)), false
	}
}

// authField is field as a server writes it in an authentication part.
func (i *in) authField() []byte {
	n := int(i.u8())
	if n == 255 {
		n = int(binary.BigEndian.Uint16(i.take(2)))
	}
	return i.take(n)
}

// toCESU8 encodes text as the protocol wants it: as UTF-8, but for characters
// outside of the basic plane, which are two surrogates of three bytes each.
func toCESU8(s string) []byte {
	var b []byte
	for _, r := range s {
		if r < 0x10000 {
			b = utf8.AppendRune(b, r)
			continue
		}
		high, low := utf16.EncodeRune(r)
		b = append(b, surrogate(high)...)
		b = append(b, surrogate(low)...)
	}
	return b
}

func surrogate(r rune) []byte {
	return []byte{0xE0 | byte(r>>12), 0x80 | byte(r>>6)&0x3F, 0x80 | byte(r)&0x3F}
}

// fromCESU8 is the reverse of toCESU8. What is not CESU-8 becomes U+FFFD.
func fromCESU8(b []byte) string {
	var all []rune
	for len(b) > 0 {
		if len(b) >= 6 && b[0] == 0xED && b[3] == 0xED {
			if r := utf16.DecodeRune(wide(b), wide(b[3:])); r != utf8.RuneError {
				all = append(all, r)
				b = b[6:]
				continue
			}
		}
		r, n := utf8.DecodeRune(b)
		all = append(all, r)
		b = b[n:]
	}
	return string(all)
}

func wide(b []byte) rune {
	return rune(b[0]&0x0F)<<12 | rune(b[1]&0x3F)<<6 | rune(b[2]&0x3F)
}
