package wire

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/gateway"
)

// Bounds of a request.
const (
	callTimeout = 15 * time.Second
	maxAnswer   = 1 << 20
)

// CodeGone is the code of an error that says: what should be changed is not
// there any more.
const CodeGone = "chat_gone"

// Caller sends JSON over HTTP. It follows no redirect, since requests carry
// secrets, and no error names the address, since addresses may be secrets.
type Caller struct {
	// Name is the service's name in errors ("Mattermost").
	Name string
	// Header is sent with each request.
	Header http.Header
	client http.Client
}

// NewCaller makes a caller for a service.
func NewCaller(name string, header http.Header) *Caller {
	return &Caller{Name: name, Header: header, client: http.Client{
		Timeout:       callTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// JSON sends a body (nil for none) and gives the answer's body. What may go
// away is dr.Retry, also with the time that the service asks to wait; what
// never will is dr.Refuse.
func (c *Caller) JSON(ctx context.Context, method, address string, body any) ([]byte, error) {
	var raw []byte
	if body != nil {
		var err error
		if raw, err = json.Marshal(body); err != nil {
			return nil, dr.Hold("internal", "the message for %s cannot be written: %v", c.Name, err)
		}
	}
	return c.Raw(ctx, method, address, raw, nil)
}

// Raw is JSON with a body that is written already, and further headers.
func (c *Caller) Raw(ctx context.Context, method, address string, body []byte, header http.Header) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return nil, dr.Refuse("chat", "the address of %s cannot be used", c.Name)
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	for _, h := range []http.Header{c.Header, header} {
		for name, values := range h {
			req.Header[name] = values
		}
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return nil, dr.Retry("chat", "%s cannot be reached: %s", c.Name, plainCause(err))
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, dr.Retry("chat", "the answer of %s was cut off", c.Name)
	}
	return answer, c.judge(resp, answer)
}

func (c *Caller) judge(resp *http.Response, answer []byte) error {
	said := dr.Clip(dr.CleanLine(string(answer)), 200)
	switch code := resp.StatusCode; {
	case code >= 200 && code < 300:
		return nil
	case code == http.StatusTooManyRequests:
		return gateway.RetryAfter(retryAfter(resp.Header), "%s asks to wait", c.Name)
	case code >= 500 || code == http.StatusRequestTimeout:
		return dr.Retry("chat", "%s answered %d: %s", c.Name, code, said)
	case code == http.StatusNotFound || code == http.StatusGone:
		return dr.Refuse(CodeGone, "%s does not have it (%d): %s", c.Name, code, said)
	default:
		return dr.Refuse("chat", "%s refused it with %d: %s", c.Name, code, said)
	}
}

// retryAfter reads Retry-After in seconds; without it, it is a few seconds.
func retryAfter(h http.Header) time.Duration {
	if s, err := strconv.Atoi(strings.TrimSpace(h.Get("Retry-After"))); err == nil && s > 0 {
		return time.Duration(min(s, 600)) * time.Second
	}
	return 5 * time.Second
}

// plainCause is an error without the address that net/http puts into it.
func plainCause(err error) string {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer in time"
	}
	return dr.Clip(dr.CleanLine(err.Error()), 200)
}

// CheckAddress says what is wrong with an address that requests with secrets
// are sent to: it must be https, except on this machine.
func CheckAddress(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return errors.New("this is not an address such as https://chat.example.com")
	}
	if !Secure(u) {
		return errors.New("an address that secrets are sent to must begin with https")
	}
	return nil
}

// Secure says whether an address is https, or plain on this machine.
func Secure(u *url.URL) bool {
	host := u.Hostname()
	return u.Scheme == "https" || u.Scheme == "http" && (host == "127.0.0.1" || host == "::1" || host == "localhost")
}
