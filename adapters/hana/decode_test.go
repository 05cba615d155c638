package hana

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestABadInventoryIsRefused(t *testing.T) {
	_, err := decode(systemYAML, northYAML, southYAML)
	require.NoError(t, err)
	for _, change := range [][2]string{
		{"sid: DRT", "sid: drt"},
		{`"00"`, "0"},
		{"SWITCHBACK", "x'; drop"},
		{"credential: erp", "credential: none"},
		{"credential: erp", "credential: ''"},
		{"DRT: {}", "SYSTEMDB: {}"},
		{"DRT: {}", "\"D;R\": {}"},
		{"tls: 'off'", "tls: maybe"},
		{"tls: 'off'", "handshake: perhaps"},
		{"tls: 'off'", "surprise: 1"},
		{"tls: 'off'", "timeouts: {start: 0.5s}"},
		{"tls: 'off'", "max_write_wait: 1500ms"},
		{"tls: 'off'", "tls_ca: ca.pem"},
		{"tls: 'off'", "max_replay_backlog_mb: -1"},
	} {
		_, err := decode(strings.Replace(systemYAML, change[0], change[1], 1), northYAML, southYAML)
		require.Error(t, err, change[1])
	}
	for _, change := range [][2]string{
		{"host: hana-n", "host: zzz"},
		{"site_name: NORTH", "site_name: ''"},
		{"site_name: NORTH", "site_name: unknown"},
		{"site_name: NORTH", "site_name: SOUTH"},
		{"name: dba01", "name: dbb01"},
		{"name: dba01", "name: 'a b'"},
		{"/hana/backup", "backup"},
		{"/hana/backup", "/hana/../x"},
		{"10.0.0.1", "'x;y'"},
		{"backup_dir", "replication_mode"},
		{"backup_dir: /hana/backup", "operation_mode: replay"},
		{"backup_dir: /hana/backup", "source: north"},
		{"backup_dir: /hana/backup", "tenant_ports: {XXX: 1}"},
		{"backup_dir: /hana/backup", "tenant_ports: {DRT: 0}"},
		{"backup_dir: /hana/backup", "sql_port: 70000"},
		{"backup_dir: /hana/backup", "more: [{host: hana-s}]"},
		{"backup_dir: /hana/backup", "usr_sap: usr"},
	} {
		_, err := decode(systemYAML, strings.Replace(northYAML, change[0], change[1], 1), southYAML)
		require.Error(t, err, change[1])
	}
	_, err = decode(systemYAML, northYAML)
	require.Error(t, err)
}

func TestTheWholeExampleOfTheInventoryIsAccepted(t *testing.T) {
	s, err := decode("sid: DRT\ninstance: \"00\"\nuser: SWITCHBACK\ncredential: erp\ntenants:\n  DRT: {user: SWITCHBACK, credential: erp}\ntls: verify\ntls_ca: /etc/switchback/hana-ca.pem\ntls_server_name: hana.example.com\n"+
		"handshake: auto\nmax_write_wait: 60s\nmax_replay_backlog_mb: 4096\nhook: true\ntimeouts: {start: 1h, stop: 30m, takeover: 1h, sync: 48h, backup: 24h}\n",
		northYAML+"sql_port: 30013\ntenant_ports: {DRT: 30015}\nusr_sap: /usr/sap\nshared: /hana/shared\nhook_dir: /hana/shared/DRT/switchback\nmore:\n  - {host: hana-n2, name: dba02, sql_address: dba02.example.com, sql_port: 30013}\n"+
			"replication_mode: sync\noperation_mode: logreplay\nsource: south\n", southYAML)
	require.NoError(t, err)
	st, _ := s.site("north")
	require.Len(t, st.Place.Hosts, 2)
	require.Equal(t, "/usr/sap/DRT/SYS/profile/DRT_HDB00_dba02", st.Place.profileOf(st.Place.Hosts[1]))
	south, _ := s.site("south")
	require.Equal(t, 30013, south.Place.main().Port)
	require.Len(t, s.Needs(), 3)
	for _, f := range s.Files() {
		require.NotEmpty(t, f.Body, f.Name)
		require.NotEmpty(t, f.Where, f.Name)
	}
}

func TestTheExampleInventoryHasEveryField(t *testing.T) {
	source, err := os.ReadFile("inventory.go")
	require.NoError(t, err)
	example, err := os.ReadFile("../../docs/systems.yaml")
	require.NoError(t, err)
	_, erp, ok := strings.Cut(string(example), "\n  erp:\n")
	require.True(t, ok)
	fields := regexp.MustCompile("`yaml:\"([a-z_]+)\"`").FindAllStringSubmatch(string(source), -1)
	require.Greater(t, len(fields), 30)
	for _, f := range fields {
		require.Regexp(t, `[\s{,]`+f[1]+`:`, erp)
	}
}

func TestEveryActionIsInTheTableOfTheReadme(t *testing.T) {
	page, err := os.ReadFile("README.md")
	require.NoError(t, err)
	for _, a := range (Adapter{}).Actions() {
		require.Contains(t, string(page), "`"+a.Name()+"`")
		require.NotEmpty(t, a.Doc())
	}
}
