package web

import (
	"net/url"
	"time"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/gateway"
	"github.com/switchback-dr/switchback/internal/gateway/wire"
)

// linkPurpose is the purpose of the links that channels without callbacks send.
const linkPurpose = "link"

// linkFor is how long a link in a message leads to its question.
const linkFor = 24 * time.Hour

// Linker makes the signed links that lead from a message to its question on
// the web page. A link decides nothing and lets nobody in: it only proves that
// this gateway asked that question.
type Linker struct {
	seal wire.Sealer
	base string
}

// NewLinker takes the key of the channel web and the gateway's public address.
func NewLinker(seal wire.Sealer, publicURL string) (Linker, error) {
	base, why := publicBase(publicURL)
	if why != "" {
		return Linker{}, dr.Refuse("chatops", "links to the web page need public_url: %s", why)
	}
	return Linker{seal, base.String()}, nil
}

// Link gives the address at which a question is decided.
func (l Linker) Link(ref gateway.Ref, now time.Time) string {
	return l.base + "/go/" + url.PathEscape(l.seal.Seal(linkPurpose, now.Add(linkFor), ref))
}

// Page gives the address of a system's page.
func (l Linker) Page(system string) string { return l.base + "/system/" + url.PathEscape(system) }
