package sim

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// ConfigFile is the lab's own file in DLC: what a real installation takes from
// the machine that it is on.
const ConfigFile = "lab.json"

// Config is what the lab tells the programs of one host.
type Config struct {
	// Host is the host's name, Root the directory that stands for its file
	// system, Shared are directories beyond it that several hosts see.
	Host   string   `json:"host"`
	Root   string   `json:"root"`
	Shared []string `json:"shared,omitempty"`
	// Bind is the address on which the host's servers listen.
	Bind string `json:"bind"`
	// Release is the installed version: "12.8".
	Release string `json:"release"`
	// FailCode is the exit code of failures to which the vendor gives no
	// meaning.
	FailCode int `json:"fail_code"`
	// Prompt replaces the words of the overwrite question; "" keeps them.
	Prompt string `json:"prompt,omitempty"`
	// RefusePlainSeed makes a backup without -REPLTargetCreation useless as
	// the base of a target.
	RefusePlainSeed bool `json:"refuse_plain_seed,omitempty"`
	Pace            Pace `json:"pace"`
	// CrashAfter names a step of a transition after which the program kills
	// itself; FailAt one that fails.
	CrashAfter string `json:"crash_after,omitempty"`
	FailAt     string `json:"fail_at,omitempty"`
	// DeferralOver: no server has time left to look for agents.
	DeferralOver bool `json:"deferral_over,omitempty"`
	// Disks are the free bytes of directories; one that is not named is
	// unbounded.
	Disks map[string]int64 `json:"disks,omitempty"`
}

// Pace is how long things take in the lab, in milliseconds.
type Pace struct {
	// Backup and Restore are the times of a whole backup, restore or verify;
	// Step that of one step of a transition, Sync that of a synchronisation.
	Backup  int `json:"backup"`
	Restore int `json:"restore"`
	Step    int `json:"step"`
	Sync    int `json:"sync"`
	// Lag is how long the replication server keeps notes back.
	Lag int `json:"lag"`
	// Minute and Second are how long those of the properties and arguments
	// last; Retry is the server's time between two attempts to reach an agent
	// after a deferred start, five minutes in a real one.
	Minute int `json:"minute"`
	Second int `json:"second"`
	Retry  int `json:"retry"`
	// Slow multiplies the first four; 0 is 1.
	Slow float64 `json:"slow,omitempty"`
}

// DefaultPace is fast enough for tests and slow enough to be seen.
var DefaultPace = Pace{Backup: 150, Restore: 150, Step: 15, Sync: 80, Lag: 2, Minute: 1000, Second: 20, Retry: 200}

func (p Pace) slow(ms int) time.Duration {
	f := p.Slow
	if f == 0 {
		f = 1
	}
	return time.Duration(float64(ms)*f) * time.Millisecond
}

func (p Pace) minutes(n int) time.Duration {
	return time.Duration(n) * time.Duration(p.Minute) * time.Millisecond
}

func (p Pace) seconds(n int) time.Duration {
	return time.Duration(n) * time.Duration(p.Second) * time.Millisecond
}

// ReadConfig reads the lab's file of an installation.
func ReadConfig(dlc string) (Config, error) {
	var c Config
	b, err := os.ReadFile(filepath.Join(dlc, ConfigFile))
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(b, &c); err != nil {
		return c, fmt.Errorf("the lab's file in %s cannot be read: %w", dlc, err)
	}
	return c, nil
}

// WriteConfig replaces it in one step.
func WriteConfig(dlc string, c Config) error {
	return writeJSON(filepath.Join(dlc, ConfigFile), c)
}

// writeJSON replaces a file in one step.
func writeJSON(path string, v any) error {
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err
	}
	return replaceFile(path, append(b, '\n'))
}

// replaceFile writes a file so that no reader sees half of it.
func replaceFile(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-")
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if e := f.Chmod(0o644); err == nil {
		err = e
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

func readJSON(path string, v any) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}
