package inventory_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/inventory"
)

// fakeAdapter is a product with the smallest possible settings.
type fakeAdapter struct{ needs []kit.Need }

type fakeSite struct {
	Host string `yaml:"host"`
	Port int    `yaml:"port"`
}

type fakeSettings struct {
	Version  string `yaml:"version"`
	Password string `yaml:"password"`
}

// fakeSystem is a decoded system of the fake product.
type fakeSystem struct {
	sites    []string
	settings fakeSettings
	at       map[string]fakeSite
	needs    []kit.Need
}

func (fakeAdapter) Product() string       { return "fake" }
func (fakeAdapter) Actions() []kit.Action { return nil }

func (a fakeAdapter) Decode(e kit.Entry) (kit.System, error) {
	s := &fakeSystem{at: map[string]fakeSite{}, needs: a.needs}
	var errs []error
	for _, site := range e.Sites {
		var f fakeSite
		errs = append(errs, site.Node.Decode(&f))
		if !e.Hosts(f.Host) {
			errs = append(errs, site.Node.Complain("host", "the host %q is not under hosts", f.Host))
		}
		s.sites = append(s.sites, site.Name)
		s.at[site.Name] = f
		s.needs = append(s.needs, kit.Need{Site: site.Name, Host: f.Host})
	}
	if e.Node != nil {
		errs = append(errs, e.Node.Decode(&s.settings))
		if p := s.settings.Password; p != "" && !e.Credentials(p) {
			errs = append(errs, e.Node.Complain("password", "there is no such credential"))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *fakeSystem) Sites() []string   { return s.sites }
func (s *fakeSystem) Needs() []kit.Need { return s.needs }
func (s *fakeSystem) ObserveSite(context.Context, kit.Env, string) dr.SiteSituation {
	return dr.SiteSituation{}
}
func (s *fakeSystem) Judge(dr.Situation) dr.Judgement         { return dr.Judgement{} }
func (s *fakeSystem) Baseline(dr.Situation) []dr.BaselineSite { return nil }
func (s *fakeSystem) Plan(kit.PlanInput, *kit.Draft) error    { return nil }
func (s *fakeSystem) Files() []kit.File                       { return nil }

var products = []kit.Adapter{fakeAdapter{}}

const example = "testdata/systems.yaml"

func good(t *testing.T) []byte {
	t.Helper()
	raw, err := os.ReadFile(example)
	require.NoError(t, err)
	return raw
}

func load(t *testing.T) *inventory.Inventory {
	t.Helper()
	inv, err := inventory.Load(example, products)
	require.NoError(t, err)
	return inv
}

func abs(t *testing.T, path string) string {
	t.Helper()
	p, err := filepath.Abs(path)
	require.NoError(t, err)
	return p
}
