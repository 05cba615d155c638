# $1 full or brief, $2 database without .db, $3 DLC, $4 DSRHOME, $5 spool,
# $6 number of agents, then their names, then files whose ends are shown.
mode=$1; db=$2; dlc=$3; dsr=$4; spool=$5; n=$6; shift 6
agents=; while [ "$n" -gt 0 ]; do agents="$agents $1"; shift; n=$((n - 1)); done
# What the login may not look at seems absent: only somebody who may search the
# last directory that is there can say that what is below it is not.
up=${db%/*}; while [ -n "$up" ] && [ ! -d "$up" ]; do up=${up%/*}; done
absent=no; [ -x "${up:-/}" ] || absent=unknown
yn() { if [ "$2" "$3" ]; then echo "$1 yes"; else echo "$1 $absent"; fi; }
lines() { sed 's/^/| /'; }
tool() { name=$1; shift; out=$(timeout 12 "$@" </dev/null 2>&1); echo "tool $name $?"; [ -z "$out" ] || printf '%s\n' "$out" | lines; }
echo 'switchback-openedge 1'
yn exists -e "$db.db"; yn lock -e "$db.lk"; yn fenced -e "$db.db.switchback-fence"
yn recovery_file -e "$db.repl.recovery"; yn transition_file -e "$db.transition.recovery"
[ ! -e "$db.switchback-fence" ] || echo "fence_run $(head -n 1 "$db.switchback-fence")"
[ ! -e "$db.switchback-restore" ] || echo "restore $(head -n 1 "$db.switchback-restore")"
echo "me $(id -un)"; [ ! -e "$db.db" ] || echo "owner $(stat -c %U "$db.db")"
ps -eo pid=,args= | awk -v db="$db" '{ for (i = 2; i <= 3; i++) { n = split($i, p, "/"); b = p[n]
	if (b !~ /^(_mprosrv|_mprshut|_dbutil|_proutil|_rfutil|rpserv|rpagent|rprepl|probkup|prorest|proutil|rfutil|dsrutil|prostrct|prodel|proshut)/) continue
	for (j = i + 1; j <= NF; j++) if ($j == db) { print "proc", b, $1, $(i + 1) == "-C" ? $(i + 2) : $(j + 2); next } } }' |
	while read -r word name pid verb; do case $verb in status|holder|busy|describe|recovery|aimage) ;; *) echo "$word $name $pid" ;; esac; done
if [ -e "$db.db" ]; then
	tool holder "$dlc/bin/proutil" "$db" -C holder
	tool describe "$dlc/bin/proutil" "$db" -C describe
	tool status "$dsr/bin/dsrutil" "$db" -C status -detail
	for a in $agents; do tool "agent:$a" "$dsr/bin/dsrutil" "$db" -C status "$a" -detail; done
	if [ "$mode" = full ]; then
		tool busy "$dlc/bin/proutil" "$db" -C busy
		tool extents "$dlc/bin/rfutil" "$db" -C aimage extent list
		tool recovery_server "$dsr/bin/dsrutil" "$db" -C recovery server
		tool recovery_agent "$dsr/bin/dsrutil" "$db" -C recovery agent
	fi
fi
if [ -e "$db.lg" ]; then
	echo 'log yes'
	tail -n 4000 "$db.lg" | grep -E '\((333|334|542|1361|1362|1363|1364|1368|1369|2248|2249|5316|6021|10436|10440|10485|10489|10490|10500|10504|10505|10506|10535|10698|11696|12688|13875|20257|20258)\)' | tail -n 60 | cut -c 1-300 | lines
else echo 'log no'; fi
if [ "$mode" = full ]; then
	if [ -e "$db.repl.properties" ]; then echo 'properties yes'; head -c 60000 "$db.repl.properties" | lines; else echo 'properties no'; fi
fi
echo "data_kb $(du -ck "$db".db "$db".db.switchback-fence "$db".[abdt][0-9]* 2>/dev/null | awk 'END { print $1 + 0 }')"
df -Pk "${db%/*}" | awk 'NR == 2 { print "data_free_kb", $4 }'
df -Pk "$spool" 2>/dev/null | awk 'NR == 2 { print "spool_free_kb", $4 }'
yn structure -e "$db.st"
for f in "$@"; do
	if [ ! -e "$f" ]; then echo "file no $f"; continue; fi
	echo "bytes $(stat -c %s "$f") $f"; echo "file yes $f"
	case $f in *.bck) ;; *) tail -n 80 "$f" | cut -c 1-400 | lines ;; esac
done
echo 'end 1'
