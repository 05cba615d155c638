package oceanbase

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNoSecretIsInWhatOlderVersionsAreReadAs(t *testing.T) {
	w := newLab(t, nil, "version=4.2.1.7")
	raw, err := json.Marshal(w.observe())
	require.NoError(t, err)
	for name, secret := range w.cred {
		i := strings.Index(string(raw), secret)
		require.Negative(t, i, "the value of %s is there: %s", name, string(raw)[max(0, i-200):min(len(raw), i+100)])
	}
}
