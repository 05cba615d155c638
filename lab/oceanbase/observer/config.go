package observer

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Config is what an observer is started with: a JSON file of the host.
type Config struct {
	// Dir is the data directory. Knobs is the directory of fault switches.
	Dir   string `json:"dir"`
	Knobs string `json:"knobs"`
	// Cluster and ClusterID are cluster and cluster_id; Version the server's.
	Cluster   string  `json:"cluster"`
	ClusterID int64   `json:"cluster_id"`
	Version   Version `json:"version"`
	// Listen are the addresses of the SQL port of each server of the cluster,
	// Known those under which others know them.
	Listen []string `json:"listen"`
	Known  []string `json:"known"`
	// Streams is how many user log streams a new tenant gets.
	Streams int `json:"streams"`
	// Pace is how long things take.
	Pace Pace `json:"pace"`
}

// Pace is how long things take that depend on hardware.
type Pace struct {
	// Step is the time spent in each state of a role change.
	Step Duration `json:"step"`
	// Poll is the time between two requests for log.
	Poll Duration `json:"poll"`
	// Job is the time of each phase of a backup or restore.
	Job Duration `json:"job"`
	// Ahead is how far a switchover pushes the SCNs ahead of the clock.
	Ahead Duration `json:"ahead"`
}

// Duration is a time.Duration that JSON writes like "30ms".
type Duration time.Duration

// MarshalText writes it as time.Duration does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads what time.ParseDuration does.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	*d = Duration(v)
	return err
}

// ReadConfig reads the file.
func ReadConfig(path string) (Config, error) {
	var c Config
	b, err := os.ReadFile(path)
	if err != nil {
		return c, fmt.Errorf("the observer has no configuration: %w", err)
	}
	if err := json.Unmarshal(b, &c); err != nil {
		return c, fmt.Errorf("the configuration %s cannot be read: %w", path, err)
	}
	return c, c.check()
}

func (c Config) check() error {
	switch {
	case !filepath.IsAbs(c.Dir), !filepath.IsAbs(c.Knobs):
		return errors.New("dir and knobs must be absolute paths")
	case c.Cluster == "" || c.ClusterID < 1:
		return errors.New("a cluster needs a name and a number")
	case len(c.Listen) == 0 || len(c.Listen) != len(c.Known):
		return errors.New("a cluster needs servers, each with an address to listen on and one to be known by")
	case c.Streams < 1 || c.Streams > 8:
		return errors.New("a tenant has 1 to 8 user log streams")
	}
	return c.Version.check()
}
