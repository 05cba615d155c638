package programs

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/lab/hana/instance"
)

// SecureCopy is the program scp between the hosts of a system, for the two
// files of the secure store: the content passes through the link of the sites,
// so that a cut link stops it. Anything else it refuses.
func SecureCopy(args []string) int {
	if err := secureCopy(args[1:]); err != nil {
		_, _ = fmt.Fprintf(os.Stderr, "scp: %v\n", err)
		return 1
	}
	return 0
}

func secureCopy(args []string) error {
	conf, err := instance.Here()
	if err != nil {
		return err
	}
	names := slices.DeleteFunc(slices.Clone(args), func(a string) bool { return strings.HasPrefix(a, "-") })
	if len(names) != 2 {
		return fmt.Errorf("usage: scp HOST:FILE FILE")
	}
	remote, file, ok := strings.Cut(names[0], ":")
	address, known := conf.At(remote, conf.ReplicationPort())
	if !ok || !known {
		return fmt.Errorf("could not resolve hostname %s", remote)
	}
	index := slices.IndexFunc(conf.SSFS(), func(f string) bool { return filepath.Base(f) == filepath.Base(file) })
	if index < 0 {
		return fmt.Errorf("%s: the lab copies the files of the secure store only", file)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var got instance.SecureStore
	if err := instance.Ask(ctx, address, "ssfs", instance.Nothing{}, &got); err != nil || index >= len(got.Files) {
		return fmt.Errorf("lost connection to %s", remote)
	}
	return os.WriteFile(names[1], got.Files[index], 0o600)
}
