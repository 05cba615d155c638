package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/switchback-dr/switchback/dr"
)

// commands lists every command in the order in which people meet them.
func commands() []command {
	list := []command{
		{
			name: "systems", what: "List the systems of the inventory.", run: (*App).systems,
			flags: func(in *input) { in.inventoryFlag(); in.jsonFlag() },
		},
		{
			name: "assess", args: "[SYSTEM]", max: 1, run: (*App).assess,
			what:  "Observe a system, or all of them, and say whether it is proven healthy.\nChanges nothing and works without Temporal.",
			flags: func(in *input) { in.inventoryFlag(); in.jsonFlag() },
		},
		{
			name: "plan", args: "takeover|failback|reseed SYSTEM", min: 2, max: 2, run: (*App).plan,
			what:  "Observe a system and show what a procedure would do now: a preview that cannot be approved,\nor with --format markdown a run-book to carry out by hand. Changes nothing and works without Temporal.",
			flags: planFlags,
		},
	}
	for _, p := range []dr.Procedure{dr.ProcTakeover, dr.ProcFailback, dr.ProcReseed} {
		list = append(list, startCommand(p))
	}
	list = append(list,
		command{
			name: "follow", args: "SYSTEM", min: 1, max: 1, run: (*App).followRun,
			what:  "Follow the present run of a system to its end; on a terminal an open gate can be decided here.",
			flags: func(in *input) { in.personFlags(); in.jsonFlag(); in.followFlags() },
		},
		command{
			name: "status", args: "SYSTEM", min: 1, max: 1, run: (*App).status,
			what:  "Say what the present or last run of a system does or waits for; at an open gate, with the plan.",
			flags: statusFlags,
		})
	for _, v := range dr.Verbs() {
		list = append(list, decisionCommand(v))
	}
	return append(list,
		acknowledgeCommand(),
		command{
			name: "report", args: "SYSTEM", min: 1, max: 1, run: (*App).report,
			what:  "Write the report of the present or last run: from Temporal's history while that is kept, else from the report files.",
			flags: reportFlags,
		},
		command{
			name: "files", args: "SYSTEM", min: 1, max: 1, run: (*App).files,
			what:  "Show the files that the product's adapter offers to install (roles, settings, hook scripts).",
			flags: func(in *input) { in.inventoryFlag(); in.jsonFlag() },
		},
		command{
			name: "link", args: "takeover|failback|reseed SYSTEM", min: 2, max: 2, run: (*App).link,
			what:  "Give the link to the Temporal UI's start page, filled in, and the input to paste there. Starts nothing.",
			flags: linkFlags,
		},
	)
}

// usage is the first page.
func usage() string {
	var b strings.Builder
	b.WriteString("starter: disaster-recovery procedures as durable workflows\n\nCommands:\n")
	for _, c := range commands() {
		fmt.Fprintf(&b, "  %-44s %s\n", strings.TrimSpace(c.name+" "+c.args), strings.SplitN(c.what, "\n", 2)[0])
	}
	b.WriteString("\n  starter help COMMAND      the flags of one command\n  starter help exit-codes   what the exit codes mean\n\n" +
		"Inventory: --inventory, else SWITCHBACK_INVENTORY, else ./systems.yaml\n" +
		"Temporal:  TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE and the profiles of temporal.toml\n" +
		"You:       --person and --key, else SWITCHBACK_PERSON and SWITCHBACK_KEY\n")
	return b.String()
}

func (a *App) help(args []string) (int, error) {
	if len(args) == 0 {
		a.printf("%s", usage())
		return ExitDone, nil
	}
	if args[0] == "exit-codes" {
		a.printf("%s", exitCodesText())
		return ExitDone, nil
	}
	for _, c := range commands() {
		if c.name == args[0] {
			return a.runCommand(context.Background(), c, []string{"-help"})
		}
	}
	return 0, badUsage("there is no help about %q", dr.Clip(args[0], 40)).WithNext("%s", suggestCommand(args[0]))
}

// suggestCommand names the command that was probably meant.
func suggestCommand(typed string) string {
	best, distance := "", 3
	for _, c := range commands() {
		if d := editDistance(typed, c.name); d < distance {
			best, distance = c.name, d
		}
	}
	if best == "" {
		return "starter help"
	}
	return "starter help " + best
}

// editDistance counts the letters to change, add or leave out.
func editDistance(a, b string) int {
	if len(a) > 40 {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
