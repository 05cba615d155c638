# Reads one host. $1 the sections, $2 "sudo -n" or nothing, $3 and $4 the
# directories of VxVM and VCS, $5 disk group, $6 RVG, $7 the system's name.
# Every line begins with its section, so that no answer can look like another.
LC_ALL=C; export LC_ALL
want=" $1 "; pre=$2; bin=$3; vcs=$4; dg=$5; rvg=$6; sys=$7
limit=; command -v timeout >/dev/null 2>&1 && limit='timeout 8'
run() {
	t=$1; shift
	out=$($limit $pre "$@" </dev/null 2>&1); rc=$?
	[ -z "$out" ] || printf '%s\n' "$out" | sed "s/^/$t /"
	echo "rc $t $rc"
}
wanted() { case $want in *" $1 "*) return 0 ;; esac; return 1; }
echo 'begin 1'
run dg "$bin/vxdg" -q list
run rvg "$bin/vxprint" -g "$dg" -l "$rvg"
flags=$(printf '%s\n' "$out" | sed -n 's/^flags: *//p')
vols=$(printf '%s\n' "$out" | sed -n 's/.*datavols=\([^ ]*\).*/\1/p' | tr ',' ' ')
run rlink "$bin/vxprint" -g "$dg" -Pl
links=$(printf '%s\n' "$out" | awk -v g="rvg=$rvg" '/^Rlink:/ { n = $2; mine = 0 } { for (i = 1; i <= NF; i++) if ($i == g) mine = 1 } /^flags:.* attached( |$)/ { if (mine) print n }')
case " $flags " in
*' primary '*)
	for l in $links; do run status "$bin/vxrlink" -g "$dg" status "$l"; done
	run cp "$bin/vxrvg" -g "$dg" cplist "$rvg"
	;;
*' secondary '*)
	if wanted updates; then for l in $links; do run updates "$bin/vxrlink" -g "$dg" updates "$l"; done; fi
	;;
esac
if wanted rds; then run rds "$bin/vradmin" -g "$dg" -l printrvg "$rvg"; fi
if wanted rep; then run rep "$bin/vradmin" -g "$dg" -l repstatus "$rvg"; fi
if wanted vol; then run vol "$bin/vradmin" -g "$dg" printvol "$rvg"; fi
if wanted holders; then
	for v in $vols; do
		grep "^/dev/vx/dsk/$dg/$v " /proc/mounts 2>/dev/null | while read -r d m rest; do echo "holder $v mounted on $m"; done
		for p in $($limit $pre fuser "/dev/vx/dsk/$dg/$v" "/dev/vx/rdsk/$dg/$v" </dev/null 2>/dev/null); do
			echo "holder $v process $p $(ps -o comm= -p "${p%%[!0-9]*}" 2>/dev/null)"
		done
	done
fi
if wanted vcs && [ -x "$vcs/hares" ]; then
	run vcs "$vcs/hares" -list Type=RVGPrimary
	for r in $([ "$rc" = 0 ] && printf '%s\n' "$out" | awk '{print $1}' | sort -u); do
		run group "$vcs/hares" -value "$r" Group
		g=$out
		run frozen "$vcs/hagrp" -value "$g" Frozen
		run frozen "$vcs/hagrp" -value "$g" TFrozen
	done
fi
if wanted marks; then
	for f in "$HOME/.switchback/vvr/$sys-"*; do
		[ -f "$f" ] || continue
		echo "mark ${f##*/} $(head -c 400 "$f" | tr '\n' ' ')"
	done
fi
echo 'end ok'
