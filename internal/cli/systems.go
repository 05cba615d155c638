package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/render"
)

// systemRow is one system as `systems --json` writes it.
type systemRow struct {
	Name     string   `json:"name"`
	Product  string   `json:"product"`
	Sites    []string `json:"sites"`
	Home     string   `json:"home,omitempty"`
	Workflow string   `json:"workflow"`
	// Approvers is how many must approve the first gate of a takeover, the
	// requester apart.
	Approvers int `json:"approvers"`
}

func (a *App) systems(_ context.Context, in *input) (int, error) {
	s, err := a.load(in)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	rows := make([]systemRow, 0, len(s.Inventory.Systems))
	for _, sys := range s.Inventory.Systems {
		rows = append(rows, systemRow{
			Name: sys.Name, Product: sys.Product, Sites: sys.Sites, Home: sys.Home, Workflow: dr.WorkflowID(sys.Name),
			Approvers: sys.Policies.For(dr.VerbApprove, dr.GateDecide).Needed(true),
		})
	}
	if in.json {
		return ExitDone, a.printJSON(rows, nil)
	}
	if len(rows) == 0 {
		a.printf("There are no systems in %s.\n", s.Inventory.Path)
		return ExitDone, nil
	}
	var table [][]string
	for _, r := range rows {
		table = append(table, []string{r.Name, r.Product, r.Home, fmt.Sprint(r.Approvers), strings.Join(r.Sites, ", ")})
	}
	a.printf("%s", render.Table(a.style(), []string{"SYSTEM", "PRODUCT", "HOME", "APPROVERS", "SITES"}, table))
	return ExitDone, nil
}

// fileRow is one offered file as `files --json` writes it.
type fileRow struct {
	Name  string `json:"name"`
	Where string `json:"where"`
	Body  string `json:"body"`
}

func (a *App) files(_ context.Context, in *input) (int, error) {
	s, sys, err := a.loadSystem(in, in.args[0])
	if err != nil {
		return 0, err
	}
	defer s.Close()
	rows := []fileRow{}
	for _, f := range sys.Instance.Files() {
		rows = append(rows, fileRow{f.Name, f.Where, f.Body})
	}
	if in.json {
		return ExitDone, a.printJSON(rows, s.Redact)
	}
	if len(rows) == 0 {
		a.printf("The adapter of %s offers no files for %s.\n", sys.Product, sys.Name)
		return ExitDone, nil
	}
	for i, f := range rows {
		if i > 0 {
			a.printf("\n")
		}
		a.printf("# ---- %s: %s\n%s\n", dr.CleanLine(f.Name), dr.CleanLine(f.Where), strings.TrimRight(dr.CleanText(s.Redact(f.Body)), "\n"))
	}
	return ExitDone, nil
}
