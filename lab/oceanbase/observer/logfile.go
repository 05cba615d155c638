package observer

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
)

// LogName is the observer's log in its data directory's parent: what people and
// the lab's ledger read. Each line has a time, a level and a text.
const LogName = "observer.log"

type logFile struct {
	mu   sync.Mutex
	file *os.File
}

func openLog(dir string) (*logFile, error) {
	path := filepath.Join(filepath.Dir(dir), "log", LogName)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("no log: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("no log: %w", err)
	}
	return &logFile{file: f}, nil
}

func (l *logFile) close() error { return l.file.Close() }

// line writes one line; what would break it is made harmless.
func (l *logFile) line(format string, a ...any) {
	text := strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, fmt.Sprintf(format, a...))
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = fmt.Fprintf(l.file, "[%s] INFO  %s\n", time.Now().Format("2006-01-02 15:04:05.000000"), text)
}

var (
	passwordPart = regexp.MustCompile(`(?i)(PASSWORD\s*=\s*|IDENTIFIED\s+BY\s+'?)[^\s',]*`)
	keyPart      = regexp.MustCompile(`(?i)(access_id|access_key)=[^&'"\s]*`)
)

// hidden hides what a statement must not leave in a log.
func hidden(statement string) string {
	return keyPart.ReplaceAllString(passwordPart.ReplaceAllString(statement, "${1}***"), "${1}=***")
}
