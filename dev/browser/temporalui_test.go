package browser_test

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dev/browser"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/e2e"
)

// person is somebody with a browser, an account of Temporal's UI and nothing
// else: no starter, no terminal.
type person struct {
	t     *testing.T
	stage *e2e.Stage
	tab   *browser.Tab
}

// links is what `starter link --json` prints: somebody put it into the wiki.
type links struct {
	Start   string
	Input   json.RawMessage
	Running string
}

// dataField is where the UI takes a JSON document.
const dataField = `[aria-label="Data"]`

// detailsFrame is where the UI shows a run's current details.
const detailsFrame = "#user-metadata-current-details"

func newPerson(t *testing.T) person {
	t.Helper()
	s := &e2e.Stage{T: t, Dev: e2e.StartDev(t, e2e.DevOptions{Memory: true, UI: true})}
	s.LabProcess = e2e.StartLab(t, "hana", filepath.Join(t.TempDir(), "lab"), &s.Lab, "--no-writer")
	s.Client = s.Dev.Client(t)
	s.StartWorker()
	return person{t: t, stage: s, tab: browser.Open(t, browser.Desktop)}
}

// link asks for the links of a procedure.
func (p person) link(args ...string) links {
	p.t.Helper()
	run := e2e.RunStarter(p.t, p.stage.Dev, p.stage.Lab.Inventory, append([]string{"link", "--json", "--ui", p.stage.Dev.UI}, args...)...)
	require.Zero(p.t, run.Exit, run.Stderr)
	var l links
	require.NoError(p.t, json.Unmarshal([]byte(run.Stdout), &l))
	return l
}

// start follows the prefilled link, pastes the input and presses the button.
func (p person) start(l links, shot string) {
	p.t.Helper()
	p.tab.Go(l.Start)
	p.tab.See("Start Workflow", "Task Queue is Active")
	p.fill(string(l.Input))
	picture(p.tab, shot)
	p.tab.Press(`[data-testid="start-workflow-button"]`, "Start Workflow")
	p.tab.See("Workflow started successfully")
}

// fill pastes a document; the form sets it anew, indented, when it is left.
func (p person) fill(document string) {
	p.t.Helper()
	p.tab.Paste(dataField, document)
	p.tab.Do("leave the field", chromedp.KeyEvent("\t"))
	p.tab.Await("for the document to be set", func() bool { return strings.Contains(p.tab.Text(), "\": ") })
}

// details opens the run's page and reads its current details once they show
// the texts.
func (p person) details(l links, texts ...string) string {
	p.t.Helper()
	p.tab.Go(l.Running)
	p.tab.Press("a", "User Metadata")
	var shown string
	asked := time.Now()
	p.tab.Await("for the details to show "+strings.Join(texts, "; "), func() bool {
		shown = p.tab.Frame(detailsFrame)
		for _, text := range texts {
			if strings.Contains(shown, text) {
				continue
			}
			if time.Since(asked) > time.Second {
				asked = time.Now()
				p.tab.Do("ask for the details again", chromedp.KeyEvent("r")) // the key that the page names
			}
			return false
		}
		return true
	})
	return shown
}

// gate reads the details of a run that waits at a gate. The page paints them
// piece by piece: each document is whole when the line below it is there too.
func (p person) gate(l links, g dr.Gate, texts ...string) string {
	p.t.Helper()
	return p.details(l, append(texts, "Gate open: "+string(g), "starter "+string(dr.VerbApprove), "starter "+string(dr.VerbReject))...)
}

// body finds the document that the details offer to paste for a verb.
func (p person) body(details string, verb dr.Verb) string {
	p.t.Helper()
	_, after, found := strings.Cut(details, string(verb)+": signal or update")
	require.True(p.t, found, "the details offer no %s: %s", verb, details)
	return strings.ReplaceAll(regexp.MustCompile(`\{.*\}`).FindString(after), dr.YourID, "ana")
}

// send opens the form of the menu, chooses the verb from its list, where it
// stands with its description, and fills in the document.
func (p person) send(kind, item string, verb dr.Verb, document, shot string) {
	p.t.Helper()
	p.tab.Press("button", "More Actions")
	p.tab.Press("li", item)
	p.tab.Press(`[data-testid="`+kind+`-select-button"]`, "")
	for _, v := range dr.Verbs() {
		p.tab.See(string(v) + "\n" + v.Describe())
	}
	p.tab.Press(`[role="option"]`, verb.Describe())
	p.fill(document)
	picture(p.tab, shot)
	p.tab.Press(`[data-testid="confirm-modal-button"]`, "Submit")
}

func TestSomebodyWithOnlyTheTemporalUIStartsApprovesAndRejects(t *testing.T) {
	p := newPerson(t)
	takeover := p.link("takeover", "erp", "--to", "west", "--reason", "maintenance of east")
	p.start(takeover, "ui-start.png")

	gate := p.gate(takeover, dr.GateDecide, "hdbnsutil -sr_takeover")
	browser.Get(p.tab, "look at the gate", chromedp.Evaluate[bool](`(document.querySelector("`+detailsFrame+`").scrollIntoView(), true)`))
	picture(p.tab, "ui-gate.png")
	st := p.stage.Gate(dr.GateDecide)
	require.Contains(t, gate, dr.ShortDigest(st.Gate.Digest))

	wrong := strings.ReplaceAll(p.body(gate, dr.VerbApprove), dr.ShortDigest(st.Gate.Digest), "000000000000")
	p.send("update", "Send an Update", dr.VerbApprove, wrong, "")
	p.tab.See("approve refused: it is for plan 000000000000; the open plan is " + dr.ShortDigest(st.Gate.Digest))
	require.NotNil(t, p.stage.Gate(dr.GateDecide), "a refused approval changes nothing")

	p.details(takeover, "Refused decisions")
	p.send("signal", "Send a Signal", dr.VerbApprove, p.body(gate, dr.VerbApprove), "ui-approve.png")
	p.details(takeover, "Ended: done")
	p.tab.See("COMPLETED")
	p.tab.Press("a", "Timeline")
	p.tab.See(`"kind": "done"`, "west is primary")
	picture(p.tab, "ui-done.png")
	require.False(t, p.stage.Report().Votes[0].Signed)

	failback := p.link("failback", "erp", "--reason", "east is ready")
	p.start(failback, "")
	gate = p.gate(failback, dr.GateCutover)
	p.send("update", "Send an Update", dr.VerbReject, p.body(gate, dr.VerbReject), "")
	p.details(failback, "Ended: in sync, not handed back", "was rejected by ana")
}
