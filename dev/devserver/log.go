package devserver

import (
	"go.temporal.io/server/common/log"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// quietLog is the server's log. While the server starts and stops, its parts
// warn about each other not being there (yet, or any more): at the default
// level only errors are written then, so that a warning means something.
type quietLog struct {
	level   zap.AtomicLevel
	running zapcore.Level
	log.Logger
}

// newLog makes a log of JSON lines on standard error.
func newLog(level string) (*quietLog, error) {
	running, err := zapcore.ParseLevel(level)
	if err != nil {
		return nil, err
	}
	l := &quietLog{level: zap.NewAtomicLevel(), running: running}
	l.quiet()
	cfg := zap.NewProductionConfig()
	cfg.Level = l.level
	cfg.Sampling = nil
	cfg.DisableCaller = true // the server names the place itself
	cfg.EncoderConfig.EncodeTime = zapcore.ISO8601TimeEncoder
	cfg.OutputPaths, cfg.ErrorOutputPaths = []string{"stderr"}, []string{"stderr"}
	z, err := cfg.Build(zap.WrapCore(func(c zapcore.Core) zapcore.Core { return withoutTrailers{c} }))
	if err != nil {
		return nil, err
	}
	l.Logger = log.NewZapLogger(z)
	return l, nil
}

// quiet drops warnings, unless more than warnings were asked for.
func (l *quietLog) quiet() {
	if l.running == zapcore.WarnLevel {
		l.level.SetLevel(zapcore.ErrorLevel)
		return
	}
	l.level.SetLevel(l.running)
}

// normal writes what was asked for.
func (l *quietLog) normal() { l.level.SetLevel(l.running) }

// withoutTrailers drops one complaint of the server about itself: a call that
// ends while the server stops may have sent its headers already, so that nothing
// can be added behind them. Nobody needs what is missing then.
type withoutTrailers struct{ zapcore.Core }

func (c withoutTrailers) With(fields []zapcore.Field) zapcore.Core {
	return withoutTrailers{c.Core.With(fields)}
}

func (c withoutTrailers) Check(e zapcore.Entry, to *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if e.Message == "unable to add metrics baggage to gRPC trailer" {
		return to
	}
	return c.Core.Check(e, to)
}
