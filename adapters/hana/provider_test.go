package hana

import (
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheProviderPassesItsOwnTestsUnderPython3(t *testing.T) {
	c := exec.Command("python3", "-B", "-m", "unittest", "-q")
	c.Dir = "provider"
	out, err := c.CombinedOutput()
	require.NoError(t, err, "python3 is needed: %s", out)
}
