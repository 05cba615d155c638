package host

import (
	"strings"

	"github.com/switchback-dr/switchback/dr"
)

// sudoShim runs the rest of its arguments as the user that already is: all of
// a lab host belongs to one user. The options that take a value are those of
// sudo(8) which scripts use.
const sudoShim = `#!/bin/sh
# Lab: sudo that changes nothing but drops sudo's own options.
while [ $# -gt 0 ]; do
  case $1 in
    -u|-g|-p|-D|-h|-C|-T|-U) shift; [ $# -gt 0 ] && shift ;;
    --) shift; break ;;
    -*) shift ;;
    *=*) export "$1"; shift ;;
    *) break ;;
  esac
done
[ $# -gt 0 ] || { echo 'usage: sudo command' >&2; exit 1; }
exec "$@"
`

// whoShim prints the simulated boot time as coreutils does.
const whoShim = `#!/bin/sh
# Lab: who -b tells the simulated boot time; anything else is the real who.
if [ "$1" = -b ]; then
  read -r day clock <@BOOT@ || exit 1
  echo "         system boot  $day $clock"
  exit 0
fi
exec /usr/bin/who "$@"
`

// profile puts the host's programs in front again for login shells, because
// Debian's /etc/profile sets PATH anew.
const profile = `PATH=@BIN@:$PATH
export PATH
`

func (h *Host) writeShims() error {
	fill := strings.NewReplacer("@BOOT@", dr.Quote(h.Path(bootFile)), "@BIN@", h.Path(BinDir))
	files := []struct{ name, text string }{
		{BinDir + "/sudo", sudoShim},
		{BinDir + "/who", whoShim},
		{HomeDir + "/.profile", profile},
	}
	for _, f := range files {
		if err := h.Program(f.name, fill.Replace(f.text)); err != nil {
			return err
		}
	}
	return nil
}

// Program puts an executable text below the host's root.
func (h *Host) Program(relative, text string) error {
	return h.WriteFile(relative, text, 0o755)
}
