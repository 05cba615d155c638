package e2e_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/e2e"
)

// newPerson makes a key and gives its file and its public line.
func (s *stage) newPerson(id string) (file, line string) {
	pub, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(s.T, err)
	block, err := ssh.MarshalPrivateKey(private, id)
	require.NoError(s.T, err)
	key, err := ssh.NewPublicKey(pub)
	require.NoError(s.T, err)
	return s.file(id, string(pem.EncodeToMemory(block))), strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))) + " " + id
}

// strictInventory is the lab's with the product's own defaults and two people
// beside the requester: two others must sign.
func (s *stage) strictInventory() (path, carlasKey string) {
	key, line := s.newPerson("carla")
	d := s.document()
	d.part("people")["carla"] = map[string]any{"name": "Carla Example", "roles": []string{"approver"}, "ssh_keys": []string{line}}
	d.part("policies")["lab"] = map[string]any{"quorum": 2, "unsigned": "refuse", "exclude_requester": true}
	return s.write(d), key
}

// answers runs the starter, which must end with the exit code.
func (s *stage) answers(exit int, args ...string) string {
	s.T.Helper()
	r := s.program("starter", nil, args...)
	require.Equal(s.T, exit, r.Exit, "starter %v\n%s%s", args, r.Stdout, r.Stderr)
	return r.Stdout + r.Stderr
}

// TestATakeoverStartedAndApprovedWithSignaturesOfTheStarter walks through what
// people type: two others than the requester must sign what was planned.
func TestATakeoverStartedAndApprovedWithSignaturesOfTheStarter(t *testing.T) {
	t.Parallel()
	s := &stage{&e2e.Stage{T: t, Dev: e2e.StartDev(t, e2e.DevOptions{})}}
	s.LabProcess = e2e.StartLab(t, "postgres", t.TempDir()+"/lab", &s.Lab)
	s.Client = s.Dev.Client(t)
	var carla string
	s.Lab.Inventory, carla = s.strictInventory()
	ana, ben := s.Lab.People["ana"], s.Lab.People["ben"]
	s.StartWorker()
	s.looksAround()

	s.answers(0, "takeover", system, "--to", "west", "--reason", "exercise", "--person", "ana", "--key", ana, "--detach", "--json")
	st := s.Gate(dr.GateDecide)
	require.Equal(t, st.Gate.Digest, s.statusJSON().Gate.Digest)
	s.answers(8, "status", system, "--exit-code")
	s.replays()
	before := s.Ledger().Commands

	digest := dr.ShortDigest(st.Gate.Digest)
	approve := func(exit int, person, key, digest string) string {
		args := []string{"approve", system, "--person", person, "--digest", digest}
		if key != "" {
			args = append(args, "--key", key)
		}
		return s.answers(exit, args...)
	}
	require.Contains(t, approve(3, "ana", ana, digest), "ana", "the requester may not approve")
	approve(3, "ben", "", digest)
	approve(3, "ben", carla, digest)
	approve(3, "ben", ben, strings.Repeat("0", dr.ShortDigestLen))
	require.Equal(t, before, s.Ledger().Commands, "nothing is changed before two have signed")
	approve(0, "ben", ben, digest)
	approve(3, "ben", ben, digest)
	require.NotNil(t, s.Gate(dr.GateDecide).Gate)
	require.Equal(t, before, s.Ledger().Commands, "nothing is changed before two have signed")
	approve(0, "carla", carla, digest)

	require.Contains(t, s.answers(0, "follow", system), "west is primary")
	s.answers(0, "status", system, "--exit-code")
	report := s.answers(0, "report", system, "--format", "md")
	for _, want := range []string{"exercise", "ana", "ben", "carla", "pg_promote"} {
		require.Contains(t, report, want)
	}
	approve(3, "carla", carla, digest)
	s.Clean()
	s.Once("west", "psql pg_promote")
}

// looksAround asks what needs no run.
func (s *stage) looksAround() {
	s.T.Helper()
	require.Contains(s.T, s.answers(0, "systems"), system)
	require.Contains(s.T, s.answers(0, "files", system), "CREATE ROLE replicator")
	link := s.answers(0, "link", "takeover", system, "--to", "west", "--reason", "exercise")
	require.Contains(s.T, link, "dr-"+system)
	require.Contains(s.T, link, `"to":"west"`)
	check := s.program("worker", nil, "check")
	require.Equal(s.T, 0, check.Exit, "%s%s", check.Stdout, check.Stderr)
	require.Contains(s.T, check.Stdout, " 0 problems; nothing was changed")
	require.Contains(s.T, check.Stdout, "reads the site west: standby on timeline")
}

// statusJSON reads the status as a script would.
func (s *stage) statusJSON() dr.Status {
	s.T.Helper()
	r := s.program("starter", nil, "status", system, "--json")
	require.Equal(s.T, 0, r.Exit, r.Stderr)
	var v struct {
		Status dr.Status `json:"status"`
	}
	require.NoError(s.T, json.Unmarshal([]byte(r.Stdout), &v), r.Stdout)
	return v.Status
}

// replays is the gate before an upgrade: the parked run and the watch can be
// continued by this very program.
func (s *stage) replays() {
	s.T.Helper()
	r := s.program("worker", nil, "replay")
	require.Equal(s.T, 0, r.Exit, "%s%s", r.Stdout, r.Stderr)
	require.Contains(s.T, r.Stdout, "ok      dr-"+system)
	require.Contains(s.T, r.Stdout, "2 open runs, 0 that this program cannot continue")
}
