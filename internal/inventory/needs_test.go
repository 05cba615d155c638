package inventory_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/internal/inventory"
)

func TestTheProgramsThatMoveVirtualAddressesAreAmongTheToolsThatAreLookedFor(t *testing.T) {
	const show = "        show: [/opt/vip/show]\n"
	text, err := os.ReadFile(example)
	require.NoError(t, err)
	tools := func(rest string) map[string]string {
		vip := "      - name: ip\n        vip:\n          sites: {east: {host: db1, interface: eth0}, west: {host: db2, interface: eth0}}\n" + rest
		inv, err := inventory.Parse("systems.yaml", []byte(strings.Replace(string(text), show, show+vip, 1)), products)
		require.NoError(t, err)
		s, err := inv.System("orders")
		require.NoError(t, err)
		out := map[string]string{}
		for _, n := range s.Needs() {
			for _, tool := range n.Tools {
				if tool.Or != nil {
					out[n.Host] += tool.Name + " "
				}
			}
		}
		return out
	}
	require.Equal(t, map[string]string{"db1": "ip arping sudo ", "db2": "ip arping sudo "}, tools("          addresses: [192.0.2.50/24]\n"))
	require.Equal(t, map[string]string{"db1": "ip ping sysctl ", "db2": "ip ping sysctl "}, tools("          addresses: [\"2001:db8::50/64\"]\n          no_sudo: true\n"))
}
