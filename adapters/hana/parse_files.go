package hana

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/switchback-dr/switchback/dr"
)

// parseIni reads the parameters of one layer of global.ini that concern
// replication, as "section/key".
func parseIni(out string) map[string]string {
	values := map[string]string{}
	section := ""
	for line := range strings.Lines(out) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]"):
			section = strings.Trim(line, "[]")
		case line == "" || line[0] == '#' || line[0] == ';':
		case strings.HasPrefix(section, "system_replication") && len(values) < 100:
			if k, v, ok := strings.Cut(line, "="); ok {
				values[section+"/"+strings.TrimSpace(k)] = dr.Clip(strings.TrimSpace(v), 200)
			}
		}
	}
	return values
}

var versionLine = regexp.MustCompile(`(?m)^ *version: +([0-9]+\.[0-9]{2}\.[0-9]{3}(?:\.[0-9]{2})?(?:\.[0-9]+)?) *$`)

// parseVersion reads `HDB version`.
func parseVersion(out string) string {
	if m := versionLine.FindStringSubmatch(out); m != nil {
		return m[1]
	}
	return ""
}

// handshakeSince is 2.0 SPS04, the first with -sr_takeover --suspendPrimary.
const handshakeSince = "2.00.040"

// hasHandshake says whether a version knows the takeover with handshake.
func hasHandshake(version string) dr.Tri {
	if len(version) < len(handshakeSince) {
		return dr.Unknown
	}
	return dr.TriOf(version[:len(handshakeSince)] >= handshakeSince)
}

// parseAutostart reads the profile's line; a profile without one does not start
// by itself.
func parseAutostart(out string) (dr.Tri, error) {
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) < 2 || lines[0] != "begin" || lines[len(lines)-1] != "end" {
		return dr.Unknown, fmt.Errorf("the profile's answer is cut off")
	}
	if len(lines) == 2 {
		return dr.No, nil
	}
	_, v, _ := strings.Cut(lines[len(lines)-2], "=")
	switch strings.TrimSpace(v) {
	case "1":
		return dr.Yes, nil
	case "0":
		return dr.No, nil
	}
	return dr.Unknown, fmt.Errorf("the profile says %q", dr.Clip(lines[len(lines)-2], 60))
}

var sumLine = regexp.MustCompile(`^\\?([0-9a-f]{64}) [ *]`)

// parseSums makes one short text of the two checksums.
func parseSums(out string) (string, error) {
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 2 || !strings.HasSuffix(out, "\n") {
		return "", fmt.Errorf("there are %d checksums, not 2", len(lines))
	}
	sum := sha256.New()
	for _, l := range lines {
		m := sumLine.FindStringSubmatch(l)
		if m == nil {
			return "", fmt.Errorf("a checksum is not recognised")
		}
		_, _ = sum.Write([]byte(m[1]))
	}
	return hex.EncodeToString(sum.Sum(nil))[:16], nil
}

// Cluster says whether Pacemaker is in charge.
type Cluster struct {
	// Managed is yes when it has a resource of SAP HANA and is not told to
	// leave it alone.
	Managed dr.Tri `json:"managed"`
	Text    string `json:"text"`
}

var hanaResource = regexp.MustCompile(`SAPHana|SAPHanaController|SAPHanaFilesystem`)

// parseCluster reads crm_mon. Its layouts differ by release: only plain words
// count, and what is not understood is unknown.
func parseCluster(out string) (Cluster, error) {
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) < 2 || lines[0] != "begin" || lines[len(lines)-1] != "end" {
		return Cluster{}, fmt.Errorf("the answer is cut off")
	}
	if len(lines) == 2 {
		return Cluster{dr.No, "there is no cluster manager"}, nil
	}
	text := strings.Join(lines[2:len(lines)-1], "\n")
	if strings.Contains(text, "Connection to cluster failed") || strings.Contains(text, "cluster is not available") {
		return Cluster{dr.No, "Pacemaker is installed and does not run"}, nil
	}
	if strings.TrimSpace(text) == "" || lines[1] != "present" {
		return Cluster{}, fmt.Errorf("crm_mon gave no answer")
	}
	paused := strings.Contains(text, "Resource management is DISABLED") || strings.Contains(text, "maintenance-mode=true")
	found := 0
	idle := true
	for line := range strings.Lines(text) {
		if hanaResource.MatchString(line) {
			found++
			low := strings.ToLower(line)
			idle = idle && (strings.Contains(low, "unmanaged") || strings.Contains(low, "maintenance"))
		}
	}
	switch {
	case found == 0:
		return Cluster{dr.No, "Pacemaker runs and has no resource of SAP HANA"}, nil
	case paused || idle:
		return Cluster{dr.No, "Pacemaker is in maintenance"}, nil
	}
	return Cluster{dr.Yes, fmt.Sprintf("Pacemaker manages SAP HANA (%d lines)", found)}, nil
}

// Hook is what the HA/DR provider's files say.
type Hook struct {
	Mark   string   `json:"mark,omitempty"`
	Events []string `json:"events,omitempty"`
}

func parseHook(out string) (Hook, error) {
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) < 2 || lines[0] != "begin" || lines[len(lines)-1] != "end" {
		return Hook{}, fmt.Errorf("the answer is cut off")
	}
	var h Hook
	for _, l := range lines[1 : len(lines)-1] {
		switch tag, rest, _ := strings.Cut(l, " "); tag {
		case "mark":
			h.Mark += dr.Clip(rest, 200) + ";"
		case "event":
			h.Events = append(h.Events, dr.Clip(rest, 300))
		}
	}
	return h, nil
}

var capacity = regexp.MustCompile(`^\S+ +[0-9]+ +[0-9]+ +-?[0-9]+ +([0-9]{1,3})% +/`)

// parseLogRoom reads df -P of one file system and gives how full it is, in per
// cent.
func parseLogRoom(out string) (int, error) {
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 4 || lines[0] != "begin" || lines[3] != "end" {
		return 0, fmt.Errorf("df gave no answer for the log volumes")
	}
	m := capacity.FindStringSubmatch(lines[2])
	if m == nil {
		return 0, fmt.Errorf("the answer of df is not recognised")
	}
	n, err := strconv.Atoi(m[1])
	if err != nil || n > 100 {
		return 0, fmt.Errorf("the answer of df is not recognised")
	}
	return n, nil
}

// parseTrace joins the lines of a trace for people; nothing is concluded from
// them.
func parseTrace(out string) string {
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) < 3 || lines[0] != "begin" || lines[len(lines)-1] != "end" {
		return ""
	}
	return dr.Clip(strings.Join(lines[1:len(lines)-1], " / "), 300)
}
