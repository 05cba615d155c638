package activities

import (
	"encoding/json"

	"github.com/switchback-dr/switchback/dr"
)

// redacted takes secrets out of what a plan shows of the world. The digest is
// made over steps, which never contain secrets, so it stays valid: a plan whose
// digest changes by redaction is refused.
func (a *Activities) redacted(p dr.Planned) (dr.Planned, error) {
	out, err := redactedValue(a, p)
	if err != nil {
		return out, err
	}
	d, err := out.Plan.ComputeDigest()
	if err != nil || d != p.Plan.Digest {
		return dr.Planned{}, a.failure(dr.Refuse("secret_in_plan", "the plan of %s contains the value of a credential", p.Plan.System).
			WithNext("look for the credential's value in the inventory: names, paths and arguments must not contain it"))
	}
	return out, nil
}

// redactedValue redacts every string inside a value.
func redactedValue[T any](a *Activities, v T) (T, error) {
	var out T
	raw, err := json.Marshal(v)
	if err != nil {
		return out, a.failure(err)
	}
	var tree any
	if err := dr.DecodeNumbers(raw, &tree); err != nil {
		return out, a.failure(err)
	}
	raw, err = json.Marshal(walkStrings(tree, a.Redact))
	if err != nil {
		return out, a.failure(err)
	}
	return out, json.Unmarshal(raw, &out)
}

func walkStrings(v any, f func(string) string) any {
	switch t := v.(type) {
	case string:
		return f(t)
	case []any:
		for i := range t {
			t[i] = walkStrings(t[i], f)
		}
	case map[string]any:
		for k := range t {
			t[k] = walkStrings(t[k], f)
		}
	}
	return v
}
