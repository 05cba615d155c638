package observer

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
)

// longestSource bounds a LOG_RESTORE_SOURCE (server source: about 128).
const longestSource = 512

// parseSource reads the value of LOG_RESTORE_SOURCE: parts between spaces, each
// a name and a value around the first "=". An empty value is no source.
func parseSource(value string) (*source, error) {
	value = strings.TrimSpace(value)
	if value == "" {
		return nil, nil
	}
	if len(value) > longestSource {
		return nil, badArguments.with(badSourceText)
	}
	parts := map[string]string{}
	for _, p := range strings.Fields(value) {
		name, v, ok := strings.Cut(p, "=")
		name = strings.ToUpper(name)
		if _, twice := parts[name]; !ok || twice {
			return nil, badArguments.with(badSourceText)
		}
		parts[name] = v
	}
	if location, ok := parts["LOCATION"]; ok && len(parts) == 1 {
		if !strings.HasPrefix(location, "file://") {
			return nil, badArguments.with(badSourceLocation)
		}
		return &source{Type: "LOCATION", Location: location}, nil
	}
	return parseService(parts)
}

func parseService(parts map[string]string) (*source, error) {
	list, ok := parts["SERVICE"]
	if !ok || len(parts) != 3 {
		return nil, badArguments.with(badSourceText)
	}
	s := &source{Type: "SERVICE"}
	for _, at := range strings.Split(list, ";") {
		host, port, err := net.SplitHostPort(at)
		if err != nil || net.ParseIP(host) == nil || port == "" {
			return nil, badArguments.with(badSourceList)
		}
		s.Addresses = append(s.Addresses, at)
	}
	login, ok := parts["USER"]
	if !ok {
		return nil, badArguments.with(badSourceText)
	}
	s.User, s.Tenant, ok = strings.Cut(login, "@")
	if !ok || s.User == "" || s.Tenant == "" || strings.Contains(s.Tenant, "@") {
		return nil, badArguments.with(badSourceUser)
	}
	if s.Password, ok = parts["PASSWORD"]; !ok || s.Password == "" || strings.Contains(s.Password, ",") {
		return nil, badArguments.with(badSourcePassword)
	}
	return s, nil
}

// value is VALUE of CDB_OB_LOG_RESTORE_SOURCE. Community builds keep the
// password as it is (server source).
func (s *source) value() string {
	if s.Type == "LOCATION" {
		return "LOCATION=" + s.Location
	}
	return fmt.Sprintf("IP_LIST=%s,USER=%s@%s,PASSWORD=%s,TENANT_ID=%d,CLUSTER_ID=%d,COMPATIBILITY_MODE=%s,IS_ENCRYPTED=false",
		strings.Join(s.Addresses, ";"), s.User, s.Tenant, s.Password, s.TenantID, s.ClusterID, s.Mode)
}

// checkSource looks at a source before it is taken: a service is asked who it
// is, a location must be there.
func (o *Cluster) checkSource(t *tenant, s *source) error {
	if s == nil {
		return nil
	}
	if s.Type == "LOCATION" {
		dir, err := localPath(s.Location)
		if err != nil {
			return badArguments.with(badSourceLocation)
		}
		if _, err := readArchive(dir); err != nil {
			return badArguments.with(badSourceLocation)
		}
		if t != nil && t.Archive != nil && t.Archive.URI == s.Location {
			return badArguments.with(sourceItself)
		}
		return nil
	}
	if !o.Version.network() {
		return notSupported.with("log restore source service in current version is")
	}
	reply, err := o.askSource(s)
	if err != nil {
		return badArguments.with(sourceComplaint(err))
	}
	switch {
	case reply.ClusterID == o.clusterID() && reply.Cluster != o.Cluster:
		return notAllowed.with(sameClusterID)
	case t != nil && reply.ClusterID == o.clusterID() && reply.Tenant == t.ID:
		return notAllowed.with(tenantItself)
	}
	s.TenantID, s.ClusterID, s.Mode = reply.Tenant, reply.ClusterID, reply.Mode
	return nil
}

// sourceComplaint says what of the value is wrong when the source does not let
// this cluster in.
func sourceComplaint(err error) string {
	var q *queryError
	if errors.As(err, &q) {
		switch q.code {
		case -1045, -1142, -1044, -3118:
			return badSourceUser
		}
	}
	return badSourceList
}

// localPath gives the directory of a file URI.
func localPath(uri string) (string, error) {
	path, ok := strings.CutPrefix(uri, "file://")
	if !ok || !filepath.IsAbs(path) || filepath.Clean(path) != path {
		return "", fmt.Errorf("%q is no file:// directory", uri)
	}
	return path, nil
}

// clusterID is the cluster's number as it says it.
func (o *Cluster) clusterID() int64 {
	if n, ok := o.knobs.number(knobSameID); ok {
		return n
	}
	return o.ClusterID
}
