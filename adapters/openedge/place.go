package openedge

import (
	"fmt"
	"path"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// Place is a database as an action is given it.
type Place struct {
	Site      string   `json:"site"`
	Host      string   `json:"host"`
	DLC       string   `json:"dlc"`
	DSRHome   string   `json:"dsrhome"`
	ProMsgs   string   `json:"promsgs"`
	Database  string   `json:"database"`
	Port      int      `json:"port"`
	Address   string   `json:"address"`
	Agent     string   `json:"agent"`
	Arguments []string `json:"arguments,omitempty"`
	Spool     string   `json:"spool"`
}

// Check says what is wrong with a place that came with a step.
func (p Place) Check() error {
	if err := dr.CheckName("site", p.Site); err != nil {
		return err
	}
	if err := dr.CheckName("host", p.Host); err != nil {
		return err
	}
	for _, v := range []string{p.DLC, p.DSRHome, p.ProMsgs, p.Database, p.Spool} {
		if !kit.PlainPath(v) {
			return fmt.Errorf("%q is no plain absolute path", dr.Clip(v, 80))
		}
	}
	if p.Port < 1 || p.Port > 65535 || !kit.Address.MatchString(p.Address) || !agentName.MatchString(p.Agent) || reservedAgent(p.Agent) {
		return fmt.Errorf("the port, address or agent of %s is not allowed", p.Site)
	}
	for _, a := range p.Arguments {
		if !argument.MatchString(a) {
			return fmt.Errorf("the argument %q of %s is not allowed", dr.Clip(a, 80), p.Site)
		}
	}
	return nil
}

// base is the database's name.
func (p Place) base() string { return path.Base(p.Database) }
