package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// spot is the middle of what was found, in the window, and whether it may be
// pressed there: nothing lies over it.
type spot struct {
	X, Y float64
	Free bool
}

// find looks for the first visible element that matches a CSS selector and
// whose text contains text; it scrolls there. Pages keep hidden twins of their
// forms, so "the first one" is not enough.
const find = `((selector, text) => {
  for (const e of document.querySelectorAll(selector)) {
    const shown = e.checkVisibility({visibilityProperty: true, opacityProperty: true}) && e.getBoundingClientRect().width > 0;
    if (!shown || e.disabled || !(e.innerText || e.value || "").includes(text)) continue;
    e.scrollIntoView({block: "center"});
    const r = e.getBoundingClientRect();
    const x = r.left + r.width / 2, y = r.top + r.height / 2;
    const top = document.elementFromPoint(x, y);
    return {X: x, Y: y, Free: top !== null && (top === e || e.contains(top) || top.contains(e))};
  }
  return null;
})(%s, %s)`

// Press clicks, with the mouse, on the visible and enabled element that matches
// the CSS selector and shows the text, once it stands still.
func (b *Tab) Press(selector, text string) {
	b.t.Helper()
	at := b.settle(selector, text)
	b.Do("press "+selector+" "+text, chromedp.MouseClickXY(at.X, at.Y))
}

// Paste clicks into the element and inserts the text there, as from the
// clipboard: editors complete brackets for those who type.
func (b *Tab) Paste(selector, text string) {
	b.t.Helper()
	b.Press(selector, "")
	b.Do("paste into "+selector, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := chromedp.Call(ctx, input.InsertText, input.InsertTextParams{Text: text})
		return err
	}))
}

// Shows says whether such an element is visible now.
func (b *Tab) Shows(selector, text string) bool {
	return b.look(selector, text) != nil
}

// settle waits until the element is there and has not moved between two looks.
func (b *Tab) settle(selector, text string) spot {
	b.t.Helper()
	deadline := time.Now().Add(awaitLimit)
	var last *spot
	for {
		now := b.look(selector, text)
		if now != nil && now.Free && last != nil && *last == *now {
			return *now
		}
		last = now
		if time.Now().After(deadline) {
			b.t.Fatalf("browser: there is no %q with the text %q to press", selector, text)
		}
		time.Sleep(lookEvery)
	}
}

func (b *Tab) look(selector, text string) *spot {
	s, err := chromedp.Run(b.ctx, chromedp.Evaluate[*spot](fmt.Sprintf(find, quoted(selector), quoted(text))))
	if err != nil {
		return nil // between two pages
	}
	return s
}

// quoted writes a string as JavaScript.
func quoted(s string) string {
	b, _ := json.Marshal(s) // a string cannot fail
	return string(b)
}
