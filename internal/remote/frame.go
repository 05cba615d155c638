package remote

import (
	"bytes"
	"errors"
	"io"
)

// frame is one stream's part of an answer.
type frame struct {
	// head and tail are what stood on the lines of the two marks.
	head, tail string
	body       []byte
	truncated  bool
	// noise is what came before the first mark, clipped.
	noise []byte
	begun bool
}

const (
	maxNoise    = 512
	maxMarkLine = 256
)

var errMarkLine = errors.New("the mark's line is too long")

// frameReader cuts frames out of a stream.
type frameReader struct {
	r   io.Reader
	buf []byte
	in  [32 << 10]byte
	// onHead, if set, is given the rest of the begin mark's line at once.
	onHead func(string)
}

// next reads up to the line of the end mark and keeps at most limit bytes of
// what stands between. With an error, what was read so far is in the frame.
func (f *frameReader) next(begin, end string, limit int) (frame, error) {
	var fr frame
	before, err := f.until(begin, maxNoise)
	fr.noise = before.kept
	if err != nil {
		return fr, err
	}
	if fr.head, err = f.line(); err != nil {
		return fr, err
	}
	fr.begun = true
	if f.onHead != nil {
		f.onHead(fr.head)
	}
	between, err := f.until(end, limit)
	fr.body, fr.truncated = between.kept, between.more
	if err != nil {
		return fr, err
	}
	fr.tail, err = f.line()
	return fr, err
}

type piece struct {
	kept []byte
	more bool
}

func (p *piece) add(b []byte, limit int) {
	if room := limit - len(p.kept); len(b) > room {
		b, p.more = b[:room], true
	}
	p.kept = append(p.kept, b...)
}

// until consumes the stream up to and with the mark.
func (f *frameReader) until(mark string, limit int) (piece, error) {
	var p piece
	for {
		if i := bytes.Index(f.buf, []byte(mark)); i >= 0 {
			p.add(f.buf[:i], limit)
			f.buf = f.buf[i+len(mark):]
			return p, nil
		}
		// A mark may be half there: keep as much as that.
		if n := len(f.buf) - len(mark) + 1; n > 0 {
			p.add(f.buf[:n], limit)
			f.buf = append(f.buf[:0:0], f.buf[n:]...)
		}
		if err := f.fill(); err != nil {
			p.add(f.buf, limit)
			return p, err
		}
	}
}

// line reads the rest of the mark's line.
func (f *frameReader) line() (string, error) {
	for {
		if i := bytes.IndexByte(f.buf, '\n'); i >= 0 {
			s := string(f.buf[:i])
			f.buf = f.buf[i+1:]
			return s, nil
		}
		if len(f.buf) > maxMarkLine {
			return "", errMarkLine
		}
		if err := f.fill(); err != nil {
			return "", err
		}
	}
}

func (f *frameReader) fill() error {
	n, err := f.r.Read(f.in[:])
	f.buf = append(f.buf, f.in[:n]...)
	if n > 0 {
		return nil
	}
	if err == nil {
		return io.ErrNoProgress
	}
	return err
}
