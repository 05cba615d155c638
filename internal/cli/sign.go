package cli

import (
	"context"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/people"
)

// identity is who types, and the key to sign with; signer may be nil.
type identity struct {
	person string
	signer ssh.Signer
}

// identify reads who types from the flags or the environment and loads the
// key.
func (a *App) identify(in *input) (identity, error) {
	id := identity{person: in.person}
	if id.person == "" {
		id.person = a.Getenv("SWITCHBACK_PERSON")
	}
	key := in.key
	if key == "" {
		key = a.Getenv("SWITCHBACK_KEY")
	}
	if id.person != "" {
		if err := dr.CheckName("person", id.person); err != nil {
			return id, badUsage("%s", err.Error()).WithNext("use your ID under people in the inventory")
		}
	}
	if key == "" {
		return id, nil
	}
	if id.person == "" {
		return id, badUsage("a key is given but not whose it is").WithNext("--person YOUR-ID, or set SWITCHBACK_PERSON")
	}
	var err error
	id.signer, err = people.LoadSigner(key, a.Agent, a.Passphrase)
	return id, err
}

// signStart puts the person's signature into a request.
func (a *App) signStart(r *dr.Request, id identity) error {
	if id.signer == nil {
		return nil
	}
	r.Signed = &dr.SignedStart{
		Person: id.person, Key: ssh.FingerprintSHA256(id.signer.PublicKey()), Time: a.stamp(), Nonce: a.Random(),
	}
	message, err := r.StartBytes(dr.WorkflowID(r.System))
	if err != nil {
		return dr.Hold("internal", "the start cannot be signed: %v", err)
	}
	r.Signed.Signature, err = people.Sign(id.signer, dr.NamespaceStart, message)
	return err
}

// signDecision completes a decision for a run and signs it.
func (a *App) signDecision(d *dr.Decision, s dr.Status, id identity) error {
	d.Schema, d.Workflow, d.OriginalRun, d.Run = dr.DecisionSchema, s.Workflow, s.OriginalRun, s.Run
	d.Person, d.Channel = id.person, "starter"
	d.Time, d.Nonce = a.stamp(), a.Random()
	if id.signer == nil {
		return nil
	}
	message, err := d.SignedBytes()
	if err != nil {
		return dr.Hold("internal", "the decision cannot be signed: %v", err)
	}
	d.Signature, err = people.Sign(id.signer, dr.NamespaceDecision, message)
	return err
}

// stamp is the time now in a form that survives JSON unchanged.
func (a *App) stamp() time.Time { return a.Now().UTC().Truncate(time.Millisecond) }

// ask writes a question and reads one line of the answer. It ends with ctx;
// the reading itself goes on in the background then, which only an ending
// program does.
func (a *App) ask(ctx context.Context, question string) (string, error) {
	a.printf("%s", question)
	type line struct {
		text string
		err  error
	}
	got := make(chan line, 1)
	go func() {
		t, err := readLine(a.Stdin)
		got <- line{t, err}
	}()
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case l := <-got:
		return strings.TrimSpace(l.text), l.err
	}
}
