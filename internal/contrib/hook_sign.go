package contrib

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// The headers of a signed call. docs/hooks.md is their contract.
const (
	timestampHeader   = "Switchback-Timestamp"
	signatureHeader   = "Switchback-Signature"
	idempotencyHeader = "Idempotency-Key"
)

// idempotencyKey names one attempt at one step of one run. It is the same for
// every worker that carries this attempt out.
func idempotencyKey(k kit.JobKey) string {
	return fmt.Sprintf("%s/%s/%s-%d/%s-%d", k.Workflow, k.OriginalRun, k.Gate, k.Occurrence, k.Step, k.Attempt)
}

// signedText is what the signature covers, one part a line.
func signedText(timestamp, method, path, body, key string) string {
	sum := sha256.Sum256([]byte(body))
	return strings.Join([]string{"v1", timestamp, method, path, hex.EncodeToString(sum[:]), key}, "\n")
}

// sign adds the headers. path is the request target: path and query, as sent.
func (a callArgs) sign(ctx context.Context, env kit.Env, req *http.Request, body string) error {
	secret, err := env.Secret(ctx, a.Key)
	if err != nil {
		return err
	}
	timestamp, key := strconv.FormatInt(env.Now().Unix(), 10), idempotencyKey(env.Job)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(signedText(timestamp, req.Method, req.URL.RequestURI(), body, key)))
	req.Header.Set(timestampHeader, timestamp)
	req.Header.Set(idempotencyHeader, key)
	req.Header.Set(signatureHeader, "v1="+hex.EncodeToString(mac.Sum(nil)))
	req.Header.Set("User-Agent", "switchback")
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if a.Bearer != "" {
		token, err := env.Secret(ctx, a.Bearer)
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return nil
}

// client follows no redirection: the signature is for one address, and another
// one is not in the plan.
func (a callArgs) client(env kit.Env) (*http.Client, error) {
	t := &http.Transport{DialContext: env.Dial, DisableKeepAlives: true, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}}
	if a.CA != "" {
		raw, err := os.ReadFile(a.CA)
		pool := x509.NewCertPool()
		if err != nil || !pool.AppendCertsFromPEM(raw) {
			return nil, dr.Refuse("hook_ca", "the certificates in %s of the hook %s cannot be read on this worker", a.CA, a.Name).WithNext("put the file there on every worker, then retry")
		}
		t.TLSClientConfig.RootCAs = pool
	}
	return &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, nil
}
