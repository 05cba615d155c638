package inventory_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/inventory"
)

func TestASecretIsReadWhereTheInventorySaysAndNowhereElse(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	inv := &inventory.Inventory{Path: "systems.yaml", Credentials: map[string]inventory.Credential{
		"e": {Name: "e", Env: "SWITCHBACK_TEST_SECRET"}, "f": {Name: "f", File: file},
	}}
	write := func(text string, mode os.FileMode) {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		require.NoError(t, os.Chmod(file, mode))
	}
	refused := func(name, want string) {
		t.Helper()
		v, err := inv.Secret(context.Background(), name)
		require.Empty(t, v)
		require.EqualError(t, err, want)
		require.True(t, dr.HasCode(err, "credential"))
		require.Equal(t, dr.ClassRefuse, dr.ClassOf(err))
	}
	refused("x", `there is no credential "x" in systems.yaml; next: describe it under credentials`)
	refused("e", "the credential e is missing: the environment variable SWITCHBACK_TEST_SECRET is not set; next: set it for the worker and start the worker again")
	refused("f", "the credential f is missing: there is no file "+file+"; next: write the file with mode 0600")
	require.Empty(t, inv.Secrets(context.Background()))

	t.Setenv("SWITCHBACK_TEST_SECRET", "hunter22")
	write("correct horse\n", 0o600)
	for name, want := range map[string]string{"e": "hunter22", "f": "correct horse"} {
		v, err := inv.Secret(context.Background(), name)
		require.NoError(t, err)
		require.Equal(t, want, v)
	}
	require.Equal(t, []string{"hunter22", "correct horse"}, inv.Secrets(context.Background()))

	for _, mode := range []os.FileMode{0o640, 0o604, 0o620} {
		write("correct horse\n", mode)
		_, err := inv.Secret(context.Background(), "f")
		require.ErrorContains(t, err, "can be read by others (mode 0")
		require.ErrorContains(t, err, "next: chmod 600 "+file)
	}
	write("abc\n", 0o600)
	refused("f", "the credential f is shorter than 4 characters and could not be kept out of reports; next: set a longer secret")
	write("        \n", 0o600)
	refused("f", "the credential f is shorter than 4 characters and could not be kept out of reports; next: set a longer secret")
	write("abcd\x00ef", 0o600)
	refused("f", "the credential f is not plain text")
	write(strings.Repeat("x", inventory.MaxSecret+1), 0o600)
	refused("f", "the credential f is larger than 65.5 kB")
	inv.Credentials["f"] = inventory.Credential{Name: "f", File: filepath.Dir(file)}
	refused("f", "the file "+filepath.Dir(file)+" of the credential f is not a regular file")
}
