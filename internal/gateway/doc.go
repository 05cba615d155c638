// Package gateway brings gates, holds and endings to people where they are,
// and brings their decisions back, signed.
//
// The core is one for all channels: it composes what people must see (Card),
// keeps one message for each question up to date through a small workflow of
// its own (workflows.Chat), knows who may come from where, signs decisions with
// the gateway's key and delivers them. A channel turns a Card into its own
// markup and its own callbacks into an Intent; it judges nothing.
//
// # Adding a channel
//
// One folder below this one with a type that satisfies Channel, and one line in
// the list in chatops/list.go:
//
//	{Name: "slack", Account: "slack", New: slack.New},
//
// New is given the channel's own part of chatops.yaml, which it decodes
// strictly (kind: its struct has yaml tags), and the Gateway. It returns the
// channel or a complaint with file and line. From then on
//
//   - Deliver is called for each message: post it, or edit the one that the
//     receipt names. When Post.Tried is set, search for Post.Key before posting:
//     an earlier attempt may have succeeded unseen. Give dr.Retry (with
//     RetryAfter where the chat says how long) for what may go away, dr.Refuse
//     for what never will: the next target is told instead.
//   - Run serves whatever the channel listens to until ctx ends; a channel that
//     is called over HTTP gives its Routes instead.
//   - For a click, call Gateway.Decide with an Intent; for a typed command,
//     Gateway.Command. Answer the chat within its time limit first (Gateway.Later
//     runs the work in the background with a deadline of its own), then show
//     Answer.Text to that person alone.
//   - Everything in a Card is plain text from outside: escape it for the
//     chat's markup. It is redacted and free of control characters already.
//   - A request that is not authentic goes to Gateway.Forged, never to Decide.
//
// The account of a person is "<kind>:<id>" as the chat itself gives it in an
// authenticated request, never a display name.
package gateway
