package hana

import (
	"fmt"
	"strings"

	"github.com/switchback-dr/switchback/dr"
)

// Exit codes of systemReplicationStatus.py. 15 alone is no proof: it was seen
// while replication did not work, so rows and words are counted too.
const (
	statusNoHSR  = 10
	statusActive = 15
)

// Status is what systemReplicationStatus.py said on the primary.
type Status struct {
	Exit    int       `json:"exit"`
	Overall string    `json:"overall,omitempty"`
	Rows    []Service `json:"rows,omitempty"`
}

// Service is one service's replication to one secondary: a row of
// M_SERVICE_REPLICATION, from the script or from SQL. Times are texts of the
// server's own clock.
type Service struct {
	Database      string `json:"database,omitempty"`
	Host          string `json:"host"`
	Port          string `json:"port"`
	Name          string `json:"name,omitempty"`
	Volume        string `json:"volume"`
	SecondarySite string `json:"secondary_site"`
	SecondaryHost string `json:"secondary_host,omitempty"`
	Active        string `json:"active"`
	Mode          string `json:"mode"`
	Operation     string `json:"operation,omitempty"`
	Status        string `json:"status"`
	Details       string `json:"details,omitempty"`
	// FullSync is the state of the full sync option; it never means that a
	// full resync happened.
	FullSync      string `json:"full_sync,omitempty"`
	LastPos       string `json:"last_pos,omitempty"`
	LastTime      string `json:"last_time,omitempty"`
	ShippedPos    string `json:"shipped_pos,omitempty"`
	ShippedTime   string `json:"shipped_time,omitempty"`
	ReplayBacklog string `json:"replay_backlog,omitempty"`
	Connected     string `json:"connected,omitempty"`
	FullStart     string `json:"full_start,omitempty"`
	FullEnd       string `json:"full_end,omitempty"`
	DeltaStart    string `json:"delta_start,omitempty"`
}

// put sets a column by its name in M_SERVICE_REPLICATION.
func (s *Service) put(column, value string) {
	if value == "-" || value == "NULL" {
		value = ""
	}
	fields := map[string]*string{
		"DATABASE": &s.Database, "DATABASE_NAME": &s.Database, "HOST": &s.Host, "PORT": &s.Port, "SERVICE_NAME": &s.Name,
		"VOLUME_ID": &s.Volume, "SECONDARY_SITE_NAME": &s.SecondarySite, "SECONDARY_HOST": &s.SecondaryHost,
		"SECONDARY_ACTIVE_STATUS": &s.Active, "REPLICATION_MODE": &s.Mode, "OPERATION_MODE": &s.Operation,
		"REPLICATION_STATUS": &s.Status, "REPLICATION_STATUS_DETAILS": &s.Details, "FULL_SYNC": &s.FullSync,
		"LAST_LOG_POSITION": &s.LastPos, "LAST_LOG_POSITION_TIME": &s.LastTime, "SHIPPED_LOG_POSITION": &s.ShippedPos,
		"SHIPPED_LOG_POSITION_TIME": &s.ShippedTime, "REPLAY_BACKLOG_SIZE": &s.ReplayBacklog, "SECONDARY_CONNECT_TIME": &s.Connected,
		"SHIPPED_LAST_FULL_REPLICA_START_TIME": &s.FullStart, "SHIPPED_LAST_FULL_REPLICA_END_TIME": &s.FullEnd,
		"SHIPPED_LAST_DELTA_REPLICA_START_TIME": &s.DeltaStart,
	}
	if f, ok := fields[column]; ok {
		*f = dr.Clip(value, 120)
	}
}

// ParseStatus reads the --sapcontrol=1 form. With several secondaries the same
// prefix appears once for each: a repeated column begins a new record.
func ParseStatus(out string, exit int) (Status, error) {
	if exit < statusNoHSR || exit > statusActive {
		return Status{}, fmt.Errorf("systemReplicationStatus.py ended with exit code %d, which is no answer", exit)
	}
	pairs, err := parseFrame(out)
	if err != nil {
		return Status{}, err
	}
	s := Status{Exit: exit}
	prefix := ""
	seen := map[string]bool{}
	for _, p := range pairs {
		if p.key == "status" && p.value == "ERROR" {
			return Status{}, fmt.Errorf("the script failed: status=ERROR")
		}
		if p.key == "overall_replication_status" {
			s.Overall = dr.Clip(p.value, 40)
		}
		f := strings.Split(p.key, "/")
		if f[0] != "service" {
			continue
		}
		if len(f) != 4 {
			return Status{}, fmt.Errorf("the key %q is not recognised", dr.Clip(p.key, 60))
		}
		if at := f[1] + "/" + f[2]; at != prefix || seen[f[3]] {
			prefix, seen = at, map[string]bool{}
			s.Rows = append(s.Rows, Service{Host: f[1], Port: f[2]})
			if len(s.Rows) > 500 {
				return Status{}, fmt.Errorf("it lists more than 500 services")
			}
		}
		seen[f[3]] = true
		s.Rows[len(s.Rows)-1].put(f[3], p.value)
	}
	for _, r := range s.Rows {
		if r.SecondarySite == "" || r.Status == "" {
			return Status{}, fmt.Errorf("the service %s:%s has no secondary site or no status", dr.Clip(r.Host, 40), dr.Clip(r.Port, 10))
		}
	}
	return s, nil
}

// parseRecommendation looks for exactly one of the three words of
// getTakeoverRecommendation.py. Its numbers are in no public source.
func parseRecommendation(out string) string {
	text := strings.ToLower(out)
	var found []string
	for _, w := range []string{"not decidable", "required", "possible"} {
		if strings.Contains(text, w) {
			found = append(found, w)
		}
	}
	if len(found) != 1 {
		return ""
	}
	return found[0]
}
