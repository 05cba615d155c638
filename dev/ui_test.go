package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type assertCollect = assert.CollectT

func TestTheUIServesItsPagesAndLetsPeopleStartAndSignalWorkflows(t *testing.T) {
	p := start(t, "--memory", "--port", "0", "--ui-port", "0")
	ctx := testContext(t)
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	browser := &http.Client{Jar: jar}

	require.Contains(t, get(t, browser, p.ready.UI+"/"), "<html")
	require.Contains(t, get(t, browser, p.ready.UI+"/api/v1/namespaces"), `"default"`)
	settings := get(t, browser, p.ready.UI+"/api/v1/settings")
	for _, off := range []string{"DisableWriteActions", "WorkflowSignalDisabled", "WorkflowUpdateDisabled", "StartWorkflowDisabled"} {
		require.Contains(t, settings, fmt.Sprintf("%q:false", off))
	}

	c := p.client(t)
	startWorker(t, c)
	runs := p.ready.UI + "/api/v1/namespaces/default/workflows/talk"
	post(t, browser, runs, `{"workflowType":{"name":"talk"},"taskQueue":{"name":"restart"},"requestId":"1"}`)
	// The payload is the JSON string "end" in base64, as the UI's form sends it.
	post(t, browser, runs+"/signal/say", `{"input":{"payloads":[{"metadata":{"encoding":"anNvbi9wbGFpbg=="},"data":"ImVuZCI="}]}}`)
	var result string
	require.NoError(t, c.GetWorkflow(ctx, "talk", "").Get(ctx, &result))
	require.Equal(t, "end", result)
}

func get(t *testing.T, c *http.Client, url string) string {
	t.Helper()
	resp, err := c.Get(url)
	require.NoError(t, err)
	return body(t, resp)
}

// post sends what a browser would: the token from the cookie in the header.
func post(t *testing.T, c *http.Client, url, json string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewBufferString(json))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	for _, cookie := range c.Jar.Cookies(req.URL) {
		if cookie.Name == "_csrf" {
			req.Header.Set("X-CSRF-Token", cookie.Value)
		}
	}
	resp, err := c.Do(req)
	require.NoError(t, err)
	body(t, resp)
}

func body(t *testing.T, resp *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equalf(t, http.StatusOK, resp.StatusCode, "%s", b)
	return string(b)
}

func TestEverySocketListensOnLoopbackOnly(t *testing.T) {
	p := start(t, "--memory", "--port", "0", "--ui-port", "0")
	var listening int
	for _, table := range []string{"tcp", "tcp6"} {
		for inode, ip := range listeners(t, table) {
			if !owns(t, p.cmd.Process.Pid, inode) {
				continue
			}
			listening++
			require.Truef(t, ip.IsLoopback(), "a socket listens on %s", ip)
		}
	}
	require.GreaterOrEqual(t, listening, 5, "four services and the UI")
}

// listeners reads the kernel's table of listening sockets: inode to address.
func listeners(t *testing.T, table string) map[string]net.IP {
	t.Helper()
	text, err := os.ReadFile("/proc/net/" + table)
	require.NoError(t, err)
	found := map[string]net.IP{}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) < 10 || f[3] != "0A" { // 0A is LISTEN
			continue
		}
		hex, _, _ := strings.Cut(f[1], ":")
		var ip net.IP
		// The kernel prints each group of four bytes in host order.
		for i := 0; i < len(hex); i += 8 {
			var b [4]byte
			_, err := fmt.Sscanf(hex[i:i+8], "%02X%02X%02X%02X", &b[3], &b[2], &b[1], &b[0])
			require.NoError(t, err)
			ip = append(ip, b[:]...)
		}
		found[f[9]] = ip
	}
	return found
}

func owns(t *testing.T, pid int, inode string) bool {
	t.Helper()
	fds, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	require.NoError(t, err)
	for _, fd := range fds {
		if to, err := os.Readlink(fd); err == nil && to == "socket:["+inode+"]" {
			return true
		}
	}
	return false
}
