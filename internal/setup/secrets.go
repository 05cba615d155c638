package setup

import (
	"context"
	"slices"
	"sync"

	"github.com/switchback-dr/switchback/internal/inventory"
	"github.com/switchback-dr/switchback/internal/redact"
)

// secrets gives credentials and takes every value that it ever gave out of
// texts. A value that was rotated stays known: old output may still hold it.
type secrets struct {
	inv *inventory.Inventory

	mu       sync.RWMutex
	values   []string
	redactor *redact.Redactor
}

// newSecrets learns all credentials that can be read now, so that a secret is
// taken out of a text even before this process has used it. One that cannot be
// read is no error here: the step that needs it says so.
func newSecrets(inv *inventory.Inventory) *secrets {
	s := &secrets{inv: inv, redactor: redact.New()}
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
	if slices.Contains(s.values, value) {
		return
	}
	s.values = append(s.values, value)
	s.redactor = redact.New(s.values...)
}

// Redact takes secrets and terminal escapes out of a text.
func (s *secrets) Redact(text string) string {
	s.mu.RLock()
	r := s.redactor
	s.mu.RUnlock()
	return r.String(text)
}
