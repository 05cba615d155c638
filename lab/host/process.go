package host

// This file is what the lab and a host's process 1 say to each other. One
// message is one packet of a SEQPACKET socket, so that a packet's descriptors
// belong to exactly one request.

// initEnv is set, with the value of a descriptor number, in the process that
// is to become process 1 of a simulated host.
const initEnv = "SWITCHBACK_LAB_INIT"

// maxPacket bounds one message; the kernel bounds one argument to 128 KiB.
const maxPacket = 192 << 10

// request is what the lab asks of process 1.
type request struct {
	ID   int      `json:"id"`
	Op   string   `json:"op"` // start, signal, off
	Argv []string `json:"argv,omitempty"`
	Env  []string `json:"env,omitempty"`
	Dir  string   `json:"dir,omitempty"`
	// UID and GID are who runs the program; negative means as process 1.
	UID    int `json:"uid"`
	GID    int `json:"gid"`
	Signal int `json:"signal,omitempty"`
}

// reply is what process 1 answers.
type reply struct {
	ID    int    `json:"id"`
	Op    string `json:"op"` // started, exited, off
	PID   int    `json:"pid,omitempty"`
	Error string `json:"error,omitempty"`
	// Exit is the exit code, or Signal the signal that ended the program.
	Exit   int `json:"exit,omitempty"`
	Signal int `json:"signal,omitempty"`
	// Killed is how many processes the power-off ended.
	Killed int `json:"killed,omitempty"`
}

// Exit is how a program ended.
type Exit struct {
	// Code is the exit code; meaningless when Signal is not 0.
	Code int
	// Signal is the signal that ended the program, else 0.
	Signal int
}
