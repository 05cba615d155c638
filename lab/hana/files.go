package hana

import (
	"fmt"
	"os"
	"strings"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/lab/hana/instance"
	"github.com/switchback-dr/switchback/lab/hana/programs"
	"github.com/switchback-dr/switchback/lab/host"
)

// scripts are the programs of python_support.
var scripts = map[string]host.Builtin{
	"systemReplicationStatus.py":    programs.ReplicationProgram,
	"landscapeHostConfiguration.py": programs.LandscapeProgram,
	"getTakeoverRecommendation.py":  programs.RecommendationProgram,
}

// prepareHost makes a host's directories, programs and login environment.
// Hosts of one site share everything below /hana.
func (s *system) prepareHost(h *host.Host, conf instance.Config, first *host.Host) error {
	at := "usr/sap/" + conf.SID
	inst := at + "/HDB" + conf.Number
	for _, dir := range []string{inst + "/exe/Python/bin", inst + "/exe/python_support", inst + "/" + h.Name + "/trace", inst + "/" + h.Name + "/sec", at + "/SYS/exe", at + "/SYS/profile", instance.FaultsDir, "etc"} {
		if err := h.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	if err := s.share(h, conf, first); err != nil {
		return err
	}
	if err := os.Symlink(h.Path("hana/shared", conf.SID, "global"), h.Path(at, "SYS/global")); err != nil {
		return err
	}
	if err := os.Symlink(h.Path(inst, "exe"), h.Path(at, "SYS/exe/hdb")); err != nil {
		return err
	}
	if err := conf.Write(h.WriteFile); err != nil {
		return err
	}
	if err := s.installPrograms(h, inst); err != nil {
		return err
	}
	profile := fmt.Sprintf("SAPSYSTEMNAME = %s\nSAPSYSTEM = %s\nINSTANCE_NAME = HDB%s\nSAPLOCALHOST = %s\nAutostart = %d\n",
		conf.SID, conf.Number, conf.Number, h.Name, map[bool]int{true: 1, false: 0}[s.set.autostart])
	if err := h.WriteFile(at+"/SYS/profile/"+conf.SID+"_HDB"+conf.Number+"_"+h.Name, profile, 0o644); err != nil {
		return err
	}
	for name, text := range map[string]string{".profile": loginText, ".login": loginCsh} {
		if err := h.WriteFile(host.HomeDir+"/"+name, s.fill(text, h, conf), 0o755); err != nil {
			return err
		}
	}
	if err := s.certify(h, conf); err != nil {
		return err
	}
	if err := h.Program(host.BinDir+"/df", strings.ReplaceAll(diskText, "@FULL@", dr.Quote(h.Path(instance.FaultsDir, "log-volume-full")))); err != nil {
		return err
	}
	return h.Program(host.RCDir+"/50-sapinit", s.fill(bootText, h, conf))
}

// share makes /hana on the site's first host, and links it from the others.
func (s *system) share(h *host.Host, conf instance.Config, first *host.Host) error {
	if first != h {
		return os.Symlink(first.Path("hana"), h.Path("hana"))
	}
	global := "hana/shared/" + conf.SID + "/global"
	for _, dir := range []string{
		"hana/data/" + conf.SID, "hana/log/" + conf.SID, "hana/backup", "hana/shared/" + conf.SID + "/switchback",
		global + "/hdb/custom/config", global + "/security/rsecssfs/data", global + "/security/rsecssfs/key",
	} {
		if err := h.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	register := ""
	if s.set.register {
		register = "register_secondaries_on_takeover = true\n"
	}
	ini := "[persistence]\nbasepath_datavolumes = " + h.Path("hana/data", conf.SID) + "\nbasepath_logvolumes = " + h.Path("hana/log", conf.SID) +
		"\n\n[system_replication]\noperation_mode = " + s.set.operation + "\n" + register
	if err := h.WriteFile(global+"/hdb/custom/config/global.ini", ini, 0o644); err != nil {
		return err
	}
	for i, name := range []string{"data/SSFS_" + conf.SID + ".DAT", "key/SSFS_" + conf.SID + ".KEY"} {
		if err := h.WriteFile(global+"/security/rsecssfs/"+name, s.ssfs[i], 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (s *system) installPrograms(h *host.Host, inst string) error {
	exe := inst + "/exe/"
	for at, b := range map[string]host.Builtin{
		exe + "hdbnsutil": programs.NSUtilProgram, exe + "sapcontrol": programs.SapControlProgram, inst + "/HDB": programs.HDBProgram,
		exe + "scp": programs.SecureCopyProgram,
	} {
		if err := h.Install(b, at); err != nil {
			return err
		}
	}
	for at, b := range map[string]host.Builtin{exe + "hdbdaemon": daemon, exe + "sapstartsrv": programs.StartServiceProgram} {
		if err := h.InstallPlain(b, at); err != nil {
			return err
		}
	}
	for name, b := range scripts {
		if err := h.Install(b, exe+"python_support/"+name); err != nil {
			return err
		}
	}
	for at, text := range map[string]string{exe + "Python/bin/python": pythonText, exe + "Python/bin/python3": pythonText, inst + "/HDBSettings.sh": settingsText} {
		if err := h.Program(at, text); err != nil {
			return err
		}
	}
	return nil
}

func (s *system) fill(text string, h *host.Host, conf instance.Config) string {
	return strings.NewReplacer("@INST@", dr.Quote(h.Path("usr/sap", conf.SID, "HDB"+conf.Number)), "@SID@", conf.SID, "@NR@", conf.Number,
		"@HOST@", h.Name, "@BIN@", dr.Quote(h.Path(host.BinDir)), "@PROFILE@", dr.Quote(conf.Profile()), "@PLAIN@", dr.Quote(h.Path("libexec/hana-sapcontrol/sapcontrol"))).Replace(text)
}

// diskText shows a log volume as full while the fault fills it.
const diskText = `#!/bin/sh
# Lab: df, with a log volume that a fault has filled.
[ -e @FULL@ ] || exec /usr/bin/df "$@"
for last; do :; done
case $last in */hana/log/*) ;; *) exec /usr/bin/df "$@" ;; esac
echo 'Filesystem     1024-blocks      Used Available Capacity Mounted on'
echo '/dev/mapper/log   536870912 536870912         0     100% /hana/log'
`

// loginText is the login environment of <sid>adm.
const loginText = `SAPSYSTEMNAME=@SID@; TINSTANCE=@NR@; SAPLOCALHOST=@HOST@
DIR_INSTANCE=@INST@; DIR_EXECUTABLE=$DIR_INSTANCE/exe
PATH=@BIN@:$DIR_INSTANCE:$DIR_EXECUTABLE:$DIR_EXECUTABLE/Python/bin:$PATH
export SAPSYSTEMNAME TINSTANCE SAPLOCALHOST DIR_INSTANCE DIR_EXECUTABLE PATH
alias cdpy='cd $DIR_EXECUTABLE/python_support'
`

// loginCsh is the same for csh, which <sid>adm often has.
const loginCsh = `setenv SAPSYSTEMNAME @SID@; setenv TINSTANCE @NR@; setenv SAPLOCALHOST @HOST@
setenv DIR_INSTANCE @INST@; setenv DIR_EXECUTABLE ${DIR_INSTANCE}/exe
setenv PATH @BIN@:${DIR_INSTANCE}:${DIR_EXECUTABLE}:${DIR_EXECUTABLE}/Python/bin:${PATH}
alias cdpy 'cd $DIR_EXECUTABLE/python_support'
`

// bootText starts sapstartsrv at boot, and the database when the instance
// profile says so.
const bootText = `#!/bin/sh
# Starts sapstartsrv, and the instance as Autostart in its profile says.
[ "$1" = start ] || exit 0
@PLAIN@ -nr @NR@ -function StartService @SID@ || exit 1
grep -q '^Autostart *= *1' @PROFILE@ || { echo 'Autostart is not 1: not started'; exit 0; }
@PLAIN@ -nr @NR@ -function Start
`

// pythonText runs the scripts that the lab has, and leaves others to a real
// Python of the machine, if there is one.
const pythonText = `#!/bin/sh
# Lab: the scripts of python_support are programs of the lab.
script=$1
if [ -f "$script" ] && read -r first <"$script" && [ "$first" = '#!/bin/sh' ]; then
  shift
  case $script in */*) exec "$script" "$@" ;; *) exec "./$script" "$@" ;; esac
fi
for real in /usr/bin/python3 /usr/local/bin/python3; do
  [ -x "$real" ] && exec "$real" "$@"
done
echo "python: can't open file '$script': [Errno 2] No such file or directory" >&2
exit 2
`

// settingsText is HDBSettings.sh: it runs a script of python_support.
const settingsText = `#!/bin/sh
# Lab: runs a script of python_support in HANA's environment.
script=$1; shift
here=$(dirname "$0")/exe
case $script in
*.py) cd "$here/python_support" && exec "$here/Python/bin/python" "$script" "$@" ;;
*) exec "$script" "$@" ;;
esac
`
