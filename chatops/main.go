// Command chatops is the gateway between procedures and people: it shows gates,
// holds and endings in chats, verifies who clicks, signs decisions with its own
// key and delivers them.
//
//	chatops [run]    serve (the default)
//	chatops check    read chatops.yaml and the inventory; connects to nothing
package main

import (
	"cmp"
	"context"
	"flag"
	"log/slog"
	"os"

	"github.com/switchback-dr/switchback/internal/gateway"
	"github.com/switchback-dr/switchback/internal/program"
)

func main() {
	o := gateway.Options{Kinds: channels(), Out: os.Stdout}
	os.Exit(program.Program{
		Name: "chatops",
		Flags: func(f *flag.FlagSet) {
			f.StringVar(&o.Path, "config", cmp.Or(os.Getenv("SWITCHBACK_CHATOPS"), "chatops.yaml"), "the configuration file")
		},
		Commands: []program.Command{
			{Name: "run", Run: func(ctx context.Context, log *slog.Logger) (int, error) {
				o.Log = log
				return program.Done, gateway.Run(ctx, o)
			}},
			{Name: "check", Run: func(_ context.Context, log *slog.Logger) (int, error) {
				o.Log = log
				return program.Done, gateway.Check(o)
			}},
		},
	}.Run(os.Args[1:], os.Stderr))
}
