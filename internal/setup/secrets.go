package setup

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/inventory"
)

// mask stands where a secret stood.
const mask = "***"

// secrets gives credentials and takes every value that it ever gave out of
// texts. A value that was rotated stays known: old output may still hold it.
type secrets struct {
	inv *inventory.Inventory

	mu     sync.RWMutex
	values []string // longest first, so that none leaves a part of another
}

// newSecrets learns all credentials that can be read now, so that a secret is
// taken out of a text even before this process has used it. One that cannot be
// read is no error here: the step that needs it says so.
func newSecrets(inv *inventory.Inventory) *secrets {
	s := &secrets{inv: inv}
	for name := range inv.Credentials {
		_, _ = s.Secret(context.Background(), name)
	}
	return s
}

// Secret gives the value of a credential, read anew.
func (s *secrets) Secret(ctx context.Context, credential string) (string, error) {
	v, err := s.inv.Secret(ctx, credential)
	if err == nil {
		s.learn(v)
	}
	return v, err
}

func (s *secrets) learn(value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, form := range forms(value) {
		if !slices.Contains(s.values, form) {
			s.values = append(s.values, form)
		}
	}
	slices.SortFunc(s.values, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
}

// forms are the ways in which a value can stand in a text: as it is, quoted
// for a shell, inside a JSON string, and its lines one by one.
func forms(value string) []string {
	out := []string{value, dr.Quote(value)}
	if raw, err := json.Marshal(value); err == nil {
		out = append(out, string(raw[1:len(raw)-1]))
	}
	if lines := strings.Split(value, "\n"); len(lines) > 1 {
		for _, l := range lines {
			if l = strings.TrimSpace(l); len(l) >= inventory.MinSecret {
				out = append(out, l)
			}
		}
	}
	return out
}

// Redact replaces every known value.
func (s *secrets) Redact(text string) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, v := range s.values {
		text = strings.ReplaceAll(text, v, mask)
	}
	return text
}
