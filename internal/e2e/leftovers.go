package e2e

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// markName is a variable in the environment of every process that a test
// started; its descendants inherit it, also those that left the group.
const markName = "SWITCHBACK_E2E_TEST"

var (
	marksMu sync.Mutex
	marks   = map[testing.TB]string{}
	scrap   = map[testing.TB][]string{}
)

// testMark gives the mark of a test. With the first process of a test comes
// the promise that none with its mark outlives the test.
func testMark(t testing.TB) string {
	marksMu.Lock()
	defer marksMu.Unlock()
	if mark, ok := marks[t]; ok {
		return mark
	}
	mark := rand.Text()
	marks[t] = mark
	t.Cleanup(func() {
		marksMu.Lock()
		dirs := scrap[t]
		delete(marks, t)
		delete(scrap, t)
		marksMu.Unlock()
		for _, l := range marked(mark) {
			t.Logf("e2e: killing what the test left behind: %s", l)
			_ = syscall.Kill(l.PID, syscall.SIGKILL)
		}
		for _, dir := range dirs {
			_ = os.RemoveAll(dir)
		}
	})
	return mark
}

// removeLast removes a directory when nothing that the test started can write
// to it any more.
func removeLast(t testing.TB, dir string) {
	testMark(t)
	marksMu.Lock()
	defer marksMu.Unlock()
	scrap[t] = append(scrap[t], dir)
}

// Leftover is a process that runs because of a test.
type Leftover struct {
	PID     int
	Command string
}

// String is for messages.
func (l Leftover) String() string { return fmt.Sprintf("%d %s", l.PID, l.Command) }

// Descendants lists the running processes that come from programs which this
// test started, whatever group or session they are in now. A program that
// cleaned up after itself has left none. It needs /proc, that is Linux.
func Descendants(t testing.TB) []Leftover {
	t.Helper()
	return marked(testMark(t))
}

func marked(mark string) []Leftover {
	want := []byte(markName + "=" + mark)
	var found []Leftover
	environs, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range environs {
		env, err := os.ReadFile(path)
		if err != nil || !contains(env, want) {
			continue
		}
		dir := filepath.Dir(path)
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		cmdline, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		found = append(found, Leftover{PID: pid, Command: string(bytes.TrimSpace(bytes.ReplaceAll(cmdline, []byte{0}, []byte{' '})))})
	}
	return found
}

func contains(environ, want []byte) bool {
	for v := range bytes.SplitSeq(environ, []byte{0}) {
		if bytes.Equal(v, want) {
			return true
		}
	}
	return false
}

// procState is the one-letter state of a process, T when it is stopped.
func procState(pid int) string {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return err.Error()
	}
	// The name in parentheses may itself hold spaces and parentheses.
	_, rest, _ := strings.Cut(string(stat[bytes.LastIndexByte(stat, ')')+1:]), " ")
	state, _, _ := strings.Cut(rest, " ")
	return state
}
