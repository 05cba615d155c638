package labkit

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/switchback-dr/switchback/lab/host"
)

// longestRoot bounds the path of the hosts' directory, so that sockets below
// it stay under the 108 bytes that the kernel allows.
const longestRoot = 60

// labFile is written when a lab is up; it marks a directory as a lab's.
const labFile = "lab.json"

// hostsDir is where DIR holds the hosts' root directories, or a link to a
// directory whose name begins with elsewherePrefix.
const (
	hostsDir        = "hosts"
	elsewherePrefix = "switchback-lab-"
)

// prepareDir makes DIR, or empties one that an earlier lab used. A directory
// with anything else in it is refused: the lab deletes nothing of yours.
func prepareDir(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("the lab's directory %s cannot be made: %w", dir, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("the lab's directory %s cannot be read: %w", dir, err)
	}
	if len(entries) == 0 {
		return nil
	}
	if _, err := os.Stat(filepath.Join(dir, labFile)); err != nil {
		return fmt.Errorf("the directory %s is not empty and no lab made it: name an empty one with --dir", dir)
	}
	if alive(filepath.Join(dir, controlSocket)) {
		return fmt.Errorf("a lab runs in %s already: stop it first, or name another directory with --dir", dir)
	}
	_ = os.RemoveAll(Elsewhere(dir))
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			return fmt.Errorf("the earlier lab in %s cannot be removed: %w", dir, err)
		}
	}
	return nil
}

// Elsewhere is the directory outside of DIR that holds the hosts of a lab, or
// "". A lab that was killed could not remove it.
func Elsewhere(dir string) string {
	target, err := os.Readlink(filepath.Join(dir, hostsDir))
	if err != nil || !filepath.IsAbs(target) || !strings.HasPrefix(filepath.Base(target), elsewherePrefix) {
		return ""
	}
	return target
}

// placeHosts decides where the hosts' root directories are: in DIR/hosts, or,
// when the ordinary user cannot reach that or the path is too long for
// sockets, in a directory below the system's temporary one, linked from there.
func placeHosts(dir string, user host.User) (root string, remove func(), err error) {
	root = filepath.Join(dir, hostsDir)
	if err := os.Mkdir(root, 0o755); err != nil {
		return "", nil, err
	}
	if len(root) <= longestRoot && reachable(root, user) {
		return root, func() {}, nil
	}
	elsewhere, err := os.MkdirTemp("", elsewherePrefix)
	if err != nil {
		return "", nil, fmt.Errorf("the lab has no place for its hosts: %w", err)
	}
	if err := os.Chmod(elsewhere, 0o755); err != nil {
		return "", nil, err
	}
	if len(elsewhere) > longestRoot || !reachable(elsewhere, user) {
		_ = os.RemoveAll(elsewhere)
		return "", nil, fmt.Errorf("neither %s nor %s can be used by %s: name a short --dir that this user can reach, such as /var/tmp/lab", root, elsewhere, user.Name)
	}
	if err := os.Remove(root); err != nil {
		return "", nil, err
	}
	return elsewhere, func() { _ = os.RemoveAll(elsewhere) }, os.Symlink(elsewhere, root)
}

// reachable asks the kernel whether the user can use the directory.
func reachable(dir string, user host.User) bool {
	cmd := exec.Command("/bin/sh", "-c", `cd "$1" && [ -x . ]`, "sh", dir)
	cmd.Dir = "/"
	if user.UID >= 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(user.UID), Gid: uint32(user.GID)}}
	}
	return cmd.Run() == nil
}
