package vvr

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/switchback-dr/switchback/lab/host"
	"github.com/switchback-dr/switchback/lab/vvr/kernel"
	"github.com/switchback-dr/switchback/lab/vvr/shop"
	"github.com/switchback-dr/switchback/lab/vvr/vras"
	"github.com/switchback-dr/switchback/lab/vvr/vxvm"
)

// Places of programs below a host's root: the vendor's own directories.
const (
	sbin      = "usr/sbin"
	vcsBin    = "opt/VRTSvcs/bin"
	kernelBin = "libexec/vvr/vxkernel"
	vrasBin   = "libexec/vvr/vradmind"
	shopBin   = "libexec/vvr/shopd"
	bootBin   = "libexec/vvr/vxboot"
	vrasInit  = "etc/init.d/vras-vradmind.sh"
)

func root() string { return os.Getenv(host.RootEnv) }

func env() vxvm.Env { return vxvm.Env{Root: root(), Out: os.Stdout, Errs: os.Stderr} }

// The programs. They are package variables because each must be known before
// main begins.
var (
	vradminProgram = host.NewBuiltin("vvr-vradmin", func(a []string) int {
		return vras.Client(root(), a[1:], os.Stdin, os.Stdout, os.Stderr)
	})
	vxprintProgram = host.NewBuiltin("vvr-vxprint", func(a []string) int { return vxvm.Print(env(), a[1:]) })
	vxrlinkProgram = host.NewBuiltin("vvr-vxrlink", func(a []string) int { return vxvm.Rlink(env(), a[1:]) })
	vxrvgProgram   = host.NewBuiltin("vvr-vxrvg", func(a []string) int { return vxvm.Rvg(env(), a[1:]) })
	vxdgProgram    = host.NewBuiltin("vvr-vxdg", func(a []string) int { return vxvm.Dg(env(), a[1:]) })
	shopProgram    = host.NewBuiltin("vvr-shop", func(a []string) int {
		return shop.Client(context.Background(), root(), a[1:], startShopd, os.Stdout, os.Stderr)
	})

	vradmindProgram = host.NewBuiltin("vvr-vradmind", func([]string) int { return vras.Daemon(root()) })
	kernelProgram   = host.NewBuiltin("vvr-kernel", func([]string) int { return complain(kernel.Run(root())) })
	shopdProgram    = host.NewBuiltin("vvr-shopd", func([]string) int { return shop.Daemon(root()) })
	bootProgram     = host.NewBuiltin("vvr-boot", boot)
)

func complain(err error) int {
	if err == nil {
		return 0
	}
	_, _ = fmt.Fprintln(os.Stderr, err)
	return 1
}

func startShopd() error {
	_, err := host.Daemon(filepath.Join(root(), "var/log/shopd.log"), filepath.Join(root(), shopBin))
	return err
}

// boot starts a daemon and waits until it answers: "vxboot kernel" and "vxboot
// vras". A daemon that answers already is left alone.
func boot(args []string) int {
	if len(args) < 2 {
		return 2
	}
	path, socket := kernelBin, kernel.Socket
	if args[1] == "vras" {
		path, socket = vrasBin, vras.Socket
	}
	if answers(socket) {
		return 0
	}
	log := filepath.Join(root(), "var/log", filepath.Base(path)+".log")
	if _, err := host.Daemon(log, filepath.Join(root(), path)); err != nil {
		return complain(err)
	}
	for late := time.Now().Add(startPatience); time.Now().Before(late); time.Sleep(3 * time.Millisecond) {
		if answers(socket) {
			return 0
		}
	}
	return complain(fmt.Errorf("%s does not answer", filepath.Base(path)))
}

func answers(socket string) bool {
	c, err := net.Dial("unix", filepath.Join(root(), socket))
	if err != nil {
		return false
	}
	_ = c.Close()
	return true
}

// rc are the start files of a host, in their order.
var rc = map[string]string{
	"20-vxvm": "exec @ROOT@/" + bootBin + " kernel\n",
	"30-vras": "exec @ROOT@/" + bootBin + " vras\n",
	"90-shop": "exec @ROOT@/bin/shop boot\n",
}

// initText is the vendor's start file of vradmind.
const initText = `#!/bin/sh
# Lab: starts and stops vradmind.
stop() { [ -f @ROOT@/var/vx/vradmind.pid ] && read -r pid <@ROOT@/var/vx/vradmind.pid && kill "$pid" 2>/dev/null; rm -f @ROOT@/var/vx/vradmind.pid; }
case $1 in
start) exec @ROOT@/libexec/vvr/vxboot vras ;;
stop) stop; exit 0 ;;
restart) stop; sleep 0.1; exec @ROOT@/libexec/vvr/vxboot vras ;;
*) echo "usage: $0 start|stop|restart" >&2; exit 1 ;;
esac
`

// snapshotText is the operator's own snapshot of the data volumes. It copies
// the files, which is what a mirror that is broken off amounts to.
const snapshotText = `#!/bin/sh
# Lab: snapshot take|check ID of all data volumes of this host.
case $2 in ''|*[!A-Za-z0-9._-]*) echo 'usage: snapshot take|check ID' >&2; exit 2 ;; esac
to=@ROOT@/var/snapshots/$2
case $1 in
take) [ -d "$to" ] && exit 0; mkdir -p "$to.new" && cp @ROOT@/dev/vx/rdsk/@DG@/*_dv* "$to.new" && mv "$to.new" "$to" ;;
check) [ -d "$to" ] ;;
*) echo 'usage: snapshot take|check ID' >&2; exit 2 ;;
esac
`
