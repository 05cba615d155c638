package vvr

import (
	"os"
	"strings"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/lab/host"
)

// Names of the cluster manager's objects.
const (
	vcsGroup    = "shop_grp"
	vcsApp      = "shop_app"
	vcsResource = "shop_rvgprimary"
)

// haresText and hagrpText are the two programs by which Veritas Cluster Server
// is asked and stopped from interfering. The lab has no engine behind them: a
// group of one resource of type RVGPrimary that is frozen or not, and does
// nothing by itself, and a group of the application. The layout of hagrp -state
// is that of the Administrator's Guide.
const haresText = `#!/bin/sh
# Lab: hares of a site with one RVGPrimary resource.
case "$1 $2" in
'-list Type=RVGPrimary') printf '%s\t%s\n' @RESOURCE@ "$LAB_HOST" ;;
'-list '*) ;;
'-value @RESOURCE@')
  case $3 in
  Group) echo @GROUP@ ;;
  Type) echo RVGPrimary ;;
  RvgResourceName) echo shop_rvg ;;
  AutoTakeover) echo 1 ;;
  AutoResync) echo 0 ;;
  *) echo 'VCS WARNING V-16-1-0 Attribute does not exist' >&2; exit 1 ;;
  esac ;;
-value*) echo 'VCS WARNING V-16-1-0 Resource does not exist' >&2; exit 1 ;;
*) echo 'usage: hares -list Type=TYPE | -value RESOURCE ATTRIBUTE' >&2; exit 1 ;;
esac
`

const hagrpText = `#!/bin/sh
# Lab: hagrp of a site with two groups, RVGPrimary's and the application's.
dir=@ROOT@/etc/vcs
if [ "$1" = -list ]; then printf '%s\t%s\n' @APP@ "$LAB_HOST" @GROUP@ "$LAB_HOST"; exit 0; fi
state() {
  echo '#Group       Attribute             System       Value'
  if shop status >/dev/null; then v='|ONLINE|'; else v='|OFFLINE|'; fi
  printf '%-12s %-21s %-12s %s\n' @APP@ State "$LAB_HOST" "$v"
}
case "$1 $2 $3" in
'-state @APP@ ') state; exit ;;
'-online @APP@ -any') shop start >/dev/null 2>&1 </dev/null & exit ;;
'-offline @APP@ -any') shop stop >/dev/null 2>&1 </dev/null & exit ;;
'-value @APP@ Frozen' | '-value @APP@ TFrozen') echo 0; exit ;;
esac
[ "$2" = @GROUP@ ] || { echo 'VCS WARNING V-16-1-0 Group does not exist' >&2; exit 1; }
case "$1 $3" in
'-value Frozen') cat "$dir/Frozen" ;;
'-value TFrozen') cat "$dir/TFrozen" ;;
'-freeze -persistent') echo 1 >"$dir/Frozen" ;;
'-freeze ') echo 1 >"$dir/TFrozen" ;;
'-unfreeze -persistent') echo 0 >"$dir/Frozen" ;;
'-unfreeze ') echo 0 >"$dir/TFrozen" ;;
*) echo 'usage: hagrp -value|-freeze|-unfreeze|-state|-online|-offline GROUP ...' >&2; exit 1 ;;
esac
`

// installVCS puts a cluster manager on a host, where the settings say so.
func (s *system) installVCS(h *host.Host) error {
	if s.set.vcs == "off" {
		return nil
	}
	for _, d := range []string{"etc/vcs", vcsBin} {
		if err := h.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	frozen := map[string]string{"Frozen": "0\n", "TFrozen": "0\n"}
	if s.set.vcs == "frozen" {
		frozen["Frozen"] = "1\n"
	}
	for name, value := range frozen {
		if err := h.WriteFile("etc/vcs/"+name, value, 0o644); err != nil {
			return err
		}
	}
	fill := strings.NewReplacer("@ROOT@", dr.Quote(h.Root), "@GROUP@", vcsGroup, "@APP@", vcsApp, "@RESOURCE@", vcsResource)
	for name, text := range map[string]string{"hares": haresText, "hagrp": hagrpText} {
		if err := h.Program("libexec/"+name, fill.Replace(text)); err != nil {
			return err
		}
		if err := h.Shim(vcsBin+"/"+name, name, h.Path("libexec", name)); err != nil {
			return err
		}
		// On PATH, too, for people and for the application's commands.
		if err := os.Symlink("../"+vcsBin+"/"+name, h.Path(host.BinDir, name)); err != nil {
			return err
		}
	}
	return nil
}
