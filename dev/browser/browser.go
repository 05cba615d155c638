// Package browser drives a real, headless Chromium for tests: people use
// pages, so pages are tested as people meet them. Only tests import it.
package browser

import (
	"bytes"
	"context"
	"image/png"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// limit bounds everything that one browser does in one test.
const limit = 5 * time.Minute

// startLimit bounds the start of Chromium on a loaded machine, endLimit its
// end.
const (
	startLimit = time.Minute
	endLimit   = 20 * time.Second
)

// awaitLimit bounds the wait for what a page shall show.
const awaitLimit = 90 * time.Second

// lookEvery is the pause between two looks at a page.
const lookEvery = 50 * time.Millisecond

// Size is a window in CSS pixels.
type Size struct {
	Width, Height int64
	// Mobile makes the page behave as on a telephone with a touch screen.
	Mobile bool
}

// The windows that tests use.
var (
	Desktop = Size{Width: 1280, Height: 800}
	Phone   = Size{Width: 390, Height: 844, Mobile: true}
)

// Tab is one page of a browser of its own.
type Tab struct {
	t   testing.TB
	ctx context.Context
}

// Open starts Chromium with an empty profile and a window of the given size.
// It ends with the test; a test that fails tells what it showed.
func Open(t testing.TB, size Size) *Tab {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("browser: chromium is missing: apt-get install chromium")
	}
	options := append([]chromedp.ExecAllocatorOption{}, chromedp.DefaultExecAllocatorOptions[:]...)
	options = append(
		options,
		chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("lang", "en-GB"),
		chromedp.Env("TZ=UTC"), chromedp.WSURLReadTimeout(startLimit),
	)
	alloc, endAlloc := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := context.WithTimeout(alloc, limit)
	ctx, endTab := chromedp.NewContext(ctx, chromedp.WithErrorf(t.Logf))
	tab := &Tab{t: t, ctx: ctx}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the browser showed %s", tab.describe())
		}
		bye, stop := context.WithTimeout(ctx, endLimit)
		defer stop()
		if err := chromedp.Cancel(bye); err != nil {
			t.Logf("the browser ended with: %v", err)
		}
		endTab()
		cancel()
		endAlloc()
	})
	var emulate []chromedp.EmulateViewportOption
	if size.Mobile {
		emulate = append(emulate, chromedp.EmulateMobile, chromedp.EmulateTouch, chromedp.EmulatePortrait)
	}
	tab.Do("start", chromedp.EmulateViewport(size.Width, size.Height, emulate...))
	return tab
}

// Do does the actions in their order. All must succeed; what says what they
// are for.
func (b *Tab) Do(what string, actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		b.t.Fatalf("browser: %s: %v", what, err)
	}
}

// Get does an action that gives something.
func Get[T any](b *Tab, what string, a chromedp.Action[T]) T {
	b.t.Helper()
	got, err := chromedp.Run(b.ctx, a)
	if err != nil {
		b.t.Fatalf("browser: %s: %v", what, err)
	}
	return got
}

// Go opens an address.
func (b *Tab) Go(url string) {
	b.t.Helper()
	b.Do("open "+url, chromedp.Navigate(url))
}

// URL gives the address of the page.
func (b *Tab) URL() string {
	b.t.Helper()
	return Get(b, "read the address", chromedp.Location())
}

// Text gives what the page shows; "" while there is no page.
func (b *Tab) Text() string {
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.body ? document.body.innerText : ""`))
	if err != nil {
		return "" // between two pages
	}
	return text
}

// See waits until the page shows all texts at once, and gives the whole text.
func (b *Tab) See(texts ...string) string {
	b.t.Helper()
	var page string
	b.Await("for "+strings.Join(texts, "; "), func() bool {
		page = b.Text()
		for _, text := range texts {
			if !strings.Contains(page, text) {
				return false
			}
		}
		return true
	})
	return page
}

// Await waits until done says yes.
func (b *Tab) Await(what string, done func() bool) {
	b.t.Helper()
	deadline := time.Now().Add(awaitLimit)
	for !done() {
		if b.ctx.Err() != nil || time.Now().After(deadline) {
			b.t.Fatalf("browser: waited in vain %s", what)
		}
		time.Sleep(lookEvery)
	}
}

// Picture writes what the window shows as a PNG, when path is not "".
func (b *Tab) Picture(path string) {
	b.t.Helper()
	if path == "" {
		return
	}
	shot, err := png.Decode(bytes.NewReader(Get(b, "take a picture", chromedp.CaptureScreenshot())))
	if err != nil {
		b.t.Fatal(err)
	}
	var small bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&small, shot); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(path, small.Bytes(), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// describe says where the browser is, for a failed test.
func (b *Tab) describe() string {
	ctx, cancel := context.WithTimeout(b.ctx, 5*time.Second)
	defer cancel()
	url, err := chromedp.Run(ctx, chromedp.Location())
	if err != nil {
		return "nothing that can be read: " + err.Error()
	}
	return url + "\n" + b.Text()
}

// Frame gives the text of a frame of the same origin; "" while it has none.
func (b *Tab) Frame(selector string) string {
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](
		`((s) => { const f = document.querySelector(s); return f && f.contentDocument && f.contentDocument.body ? f.contentDocument.body.innerText : ""; })(`+quoted(selector)+`)`))
	if err != nil {
		return "" // between two pages
	}
	return text
}
