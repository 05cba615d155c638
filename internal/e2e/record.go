package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/recordings"
)

// RecordEnv names the folder in which stages leave the histories of their runs
// for the replay tests; without it they leave none.
const RecordEnv = "SWITCHBACK_RECORD"

// record leaves the histories of the stage's runs at the end of its test.
func (s *Stage) record(product string) {
	dir := os.Getenv(RecordEnv)
	if dir == "" {
		return
	}
	s.T.Cleanup(func() {
		if s.T.Failed() {
			return
		}
		for i, run := range s.runs {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			var h historypb.History
			for it := s.Client.GetWorkflowHistory(ctx, dr.WorkflowID(s.Lab.System), run, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT); it.HasNext(); {
				e, err := it.Next()
				if err != nil {
					// Its test has moved the server away from this client.
					s.T.Logf("run %s is not recorded: %v", run, err)
					cancel()
					return
				}
				h.Events = append(h.Events, e)
			}
			cancel()
			name := fmt.Sprintf("%s-%d", strings.TrimPrefix(s.T.Name(), "Test"), i+1)
			anonymous(s.T, &h)
			require.NoError(s.T, recordings.Write(filepath.Join(dir, product, name), &h))
		}
	})
}

// identity is how clients name themselves to Temporal: process and machine.
var identity = regexp.MustCompile(`("identity":\s*)"[0-9]+@[^"]*"`)

// anonymous takes the names of this machine out of a history.
func anonymous(t testing.TB, h *historypb.History) {
	t.Helper()
	text, err := protojson.Marshal(h)
	require.NoError(t, err)
	require.NoError(t, protojson.Unmarshal(identity.ReplaceAll(text, []byte(`${1}"switchback"`)), h))
}
