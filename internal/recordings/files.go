// Package recordings keeps histories of workflows in files: compressed JSON, and
// beside it an outline that people and diffs can read.
package recordings

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	historypb "go.temporal.io/api/history/v1"
	"google.golang.org/protobuf/encoding/protojson"
)

const (
	historySuffix = ".json.gz"
	outlineSuffix = ".txt"
)

// Write writes a recording and its outline; path has no suffix.
func Write(path string, h *historypb.History) error {
	text, err := protojson.Marshal(h)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if _, err := z.Write(text); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := os.WriteFile(path+historySuffix, packed.Bytes(), 0o644); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := os.WriteFile(path+outlineSuffix, []byte(Outline(h)), 0o644); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// List gives the recordings below the folder, as paths without a suffix.
func List(dir string) ([]string, error) {
	found, err := filepath.Glob(filepath.Join(dir, "*", "*"+historySuffix))
	if err != nil {
		return nil, fmt.Errorf("recordings in %s: %w", dir, err)
	}
	for i := range found {
		found[i] = strings.TrimSuffix(found[i], historySuffix)
	}
	return found, nil
}

// Read reads a recording and its outline; path is one of List.
func Read(path string) (h *historypb.History, outline string, err error) {
	packed, err := os.ReadFile(path + historySuffix)
	if err != nil {
		return nil, "", fmt.Errorf("recording: %w", err)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", path, err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", path, err)
	}
	h = &historypb.History{}
	if err := protojson.Unmarshal(text, h); err != nil {
		return nil, "", fmt.Errorf("%s: %w", path, err)
	}
	short, err := os.ReadFile(path + outlineSuffix)
	if err != nil {
		return nil, "", fmt.Errorf("outline: %w", err)
	}
	return h, string(short), nil
}
