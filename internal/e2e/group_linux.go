package e2e

import "syscall"

// ownGroup puts a process into a group of its own and has the kernel kill it
// when the test process dies, however it dies.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
