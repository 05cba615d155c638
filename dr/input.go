package dr

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// MaxInputBytes bounds the input of a procedure.
const MaxInputBytes = 16 * 1024

// SignedStart proves who started a procedure. The signature is SSHSIG in the
// namespace NamespaceStart over StartBytes; it is good once and for five
// minutes.
type SignedStart struct {
	Person    string    `json:"person"`
	Key       string    `json:"key"`
	Time      time.Time `json:"time"`
	Nonce     string    `json:"nonce"`
	Signature string    `json:"signature"`
	// Gateway and Account are set when a gateway signs for an account.
	Gateway string `json:"gateway,omitempty"`
	Account string `json:"account,omitempty"`
}

// StartValidity is how long a signed start is good.
const StartValidity = 5 * time.Minute

// TakeoverInput is the one argument of the workflow Takeover.
type TakeoverInput struct {
	System string `json:"system"`
	// Mode is "planned" or "unplanned".
	Mode Mode `json:"mode"`
	// To is the site that shall become primary.
	To     string       `json:"to"`
	Reason string       `json:"reason"`
	Signed *SignedStart `json:"signed,omitempty"`
}

// FailbackInput is the one argument of the workflow Failback.
type FailbackInput struct {
	System string `json:"system"`
	// To is the original primary; empty means the site that the baseline
	// names.
	To     string       `json:"to,omitempty"`
	Reason string       `json:"reason"`
	Signed *SignedStart `json:"signed,omitempty"`
}

// ReseedInput is the one argument of the workflow Reseed.
type ReseedInput struct {
	System string `json:"system"`
	// To is the site whose data will be overwritten with a copy.
	To     string       `json:"to"`
	Reason string       `json:"reason"`
	Signed *SignedStart `json:"signed,omitempty"`
}

// The examples that every complaint about an input shows.
const (
	ExampleTakeover = `{"system":"orders","mode":"planned","to":"west","reason":"move to west for maintenance"}`
	ExampleFailback = `{"system":"orders","reason":"east is back"}`
	ExampleReseed   = `{"system":"orders","to":"east","reason":"east lost its disks"}`
)

// Request is an input after checking, the same for all procedures.
type Request struct {
	Procedure Procedure    `json:"procedure"`
	System    string       `json:"system"`
	Mode      Mode         `json:"mode,omitempty"`
	To        string       `json:"to,omitempty"`
	Reason    string       `json:"reason"`
	Signed    *SignedStart `json:"signed,omitempty"`
}

// DecodeTakeover reads and checks the input of a takeover.
func DecodeTakeover(raw []byte) (Request, error) {
	var in TakeoverInput
	if err := decodeInput(raw, &in, ExampleTakeover); err != nil {
		return Request{}, err
	}
	r := Request{Procedure: ProcTakeover, System: in.System, Mode: in.Mode, To: in.To, Reason: in.Reason, Signed: in.Signed}
	if in.Mode != ModePlanned && in.Mode != ModeUnplanned {
		return Request{}, badInput(fmt.Sprintf(`the field "mode" is %q, not "planned" or "unplanned"`, clip(string(in.Mode), 40)), ExampleTakeover)
	}
	return r, r.check(true, ExampleTakeover)
}

// DecodeFailback reads and checks the input of a failback.
func DecodeFailback(raw []byte) (Request, error) {
	var in FailbackInput
	if err := decodeInput(raw, &in, ExampleFailback); err != nil {
		return Request{}, err
	}
	r := Request{Procedure: ProcFailback, System: in.System, To: in.To, Reason: in.Reason, Signed: in.Signed}
	return r, r.check(false, ExampleFailback)
}

// DecodeReseed reads and checks the input of a reseed.
func DecodeReseed(raw []byte) (Request, error) {
	var in ReseedInput
	if err := decodeInput(raw, &in, ExampleReseed); err != nil {
		return Request{}, err
	}
	r := Request{Procedure: ProcReseed, System: in.System, To: in.To, Reason: in.Reason, Signed: in.Signed}
	return r, r.check(true, ExampleReseed)
}

func decodeInput(raw []byte, v any, example string) error {
	if len(raw) > MaxInputBytes {
		return badInput(fmt.Sprintf("the input is larger than %d bytes", MaxInputBytes), example)
	}
	if err := DecodeStrict(raw, v); err != nil {
		return badInput(err.Error(), example)
	}
	return nil
}

func badInput(what, example string) *Error {
	return Refuse("input", "the input is not usable: %s", what).WithNext("start again with an input such as %s", example)
}

func (r Request) check(needTo bool, example string) error {
	if err := CheckName("system", r.System); err != nil {
		return badInput(err.Error(), example)
	}
	if needTo || r.To != "" {
		if err := CheckName("site", r.To); err != nil {
			return badInput(err.Error()+` (the field "to")`, example)
		}
	}
	if r.Reason == "" {
		return badInput(`the field "reason" is missing: it stands in the report`, example)
	}
	if len([]rune(r.Reason)) > MaxReason {
		return badInput(fmt.Sprintf("the reason is longer than %d characters", MaxReason), example)
	}
	return nil
}

// StartBytes is what a signed start signs: the canonical JSON of the workflow
// ID, the input without its signature, the person, time and nonce.
func (r Request) StartBytes(workflow string) ([]byte, error) {
	s := SignedStart{}
	if r.Signed != nil {
		s = *r.Signed
	}
	s.Signature = ""
	r.Signed = &s
	return Canonical(struct {
		Workflow string  `json:"workflow"`
		Request  Request `json:"request"`
	}{workflow, r})
}

// Input writes the request as the one argument of its procedure's workflow,
// checked as the workflow will check it.
func (r Request) Input() ([]byte, error) {
	var v any
	decode := DecodeTakeover
	switch r.Procedure {
	case ProcTakeover:
		v = TakeoverInput{System: r.System, Mode: r.Mode, To: r.To, Reason: r.Reason, Signed: r.Signed}
	case ProcFailback:
		v, decode = FailbackInput{System: r.System, To: r.To, Reason: r.Reason, Signed: r.Signed}, DecodeFailback
	case ProcReseed:
		v, decode = ReseedInput{System: r.System, To: r.To, Reason: r.Reason, Signed: r.Signed}, DecodeReseed
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // people paste it
	if err := enc.Encode(v); err != nil {
		return nil, Hold("internal", "the input cannot be written: %v", err)
	}
	raw := bytes.TrimSpace(b.Bytes())
	_, err := decode(raw)
	return raw, err
}
