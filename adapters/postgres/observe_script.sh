# Reads one PostgreSQL server and changes nothing. Prints "tag value" lines and ends with "end ok".
# Arguments: full|brief, bin, data, socket, port, user, database, start.conf (or empty), SQL
mode=$1 bin=$2 data=$3 socket=$4 port=$5 user=$6 db=$7 startconf=$8 sql=$9
LC_ALL=C PGCONNECT_TIMEOUT=4 PGOPTIONS='-c statement_timeout=4000'
export LC_ALL PGCONNECT_TIMEOUT PGOPTIONS
echo "begin 1"
# What the login may not look at seems absent. Only somebody who may search the
# last directory that is there can say that the next is not; only the owner of
# the data directory, or of / (root), that nothing runs in it.
there=no
if [ -d "$data" ]; then there=yes
else
	up=$data
	while [ -n "$up" ] && [ ! -d "$up" ]; do up=${up%/*}; done
	[ -x "${up:-/}" ] || there=unknown
fi
echo "data $there"
owner=yes
[ "$there" = no ] || [ -O "$data" ] || [ -O / ] || owner=no
[ $owner = yes ] || echo "owner no"
# The shell's own words where they do: each program started lengthens an outage.
[ -f "$data/PG_VERSION" ] && { read -r version <"$data/PG_VERSION"; echo "version $version"; }
for f in standby.signal recovery.signal backup_label promote; do [ -e "$data/$f" ] && echo "file $f"; done
# A pid file alone proves nothing: the process must live and stand in this data directory.
running=no
if [ -e "$data/postmaster.pid" ]; then
	running=unknown pid=
	{ read -r pid <"$data/postmaster.pid"; } 2>/dev/null
	case $pid in
	'' | *[!0-9]*) [ -e "$data/postmaster.pid" ] || running=no ;;
	*)
		if ! kill -0 "$pid" 2>/dev/null && [ ! -d "/proc/$pid" ]; then running=no
		elif [ "/proc/$pid/cwd" -ef "$data" ]; then running=yes
		elif grep -q '^State:[[:space:]]*Z' "/proc/$pid/status" 2>/dev/null; then running=no
		elif [ -r "/proc/$pid/cwd/." ]; then running=no
		else case $(cat "/proc/$pid/comm" 2>/dev/null) in postgres | postmaster) ;; *) running=no ;; esac; fi ;;
	esac
fi
# Backends that outlive a killed postmaster may still commit: then it is unknown.
if [ "$running" = no ]; then
	[ $owner = yes ] || running=unknown
	for c in /proc/[0-9]*/cwd; do [ "$c" -ef "$data" ] && running=unknown; done
fi
echo "running $running"
# The name of the newest segment tells the timeline; the control file lags.
# Names sort by timeline, so the last one that fits is the newest.
newest=
for f in "$data"/pg_wal/????????????????????????; do
	f=${f##*/}
	case $f in *[!0-9A-F]*) ;; *) newest=${f%????????????????} ;; esac
done
[ -n "$newest" ] && echo "wal_timeline $newest"
control=$data
if [ -d "$data/switchback-fence" ]; then
	run=
	{ read -r run <"$data/switchback-fence/run"; } 2>/dev/null
	echo "fence $run"
	[ -e "$data/global/pg_control" ] || control=$data/switchback-fence
	[ -e "$data/global/pg_control" ] && echo "fence_broken yes"
fi
for d in "$data".rewind-*; do [ -d "$d" ] && echo "rewind $d"; done
"$bin/pg_controldata" -D "$control" 2>/dev/null | sed -n 's/^/control /;/cluster state\|system identifier\|Latest checkpoint.s TimeLineID\|Latest checkpoint location\|REDO location\|Min recovery ending\|wal_log_hints\|checksum version\|Bytes per WAL segment/p'
# Without the directory the server may stand in another one: an answer tells.
if [ "$running" != no ] || [ $there = no ]; then
	"$bin/psql" -X -w -v ON_ERROR_STOP=1 -At -h "$socket" -p "$port" -U "$user" -d "$db" -c "$sql" 2>&1 |
		sed 's/^\(server\|repl\|receiver\|slot\) {/sql \1 {/;t;s/^/sqlerror /'
fi
if [ "$mode" = full ]; then
	h=$(ls "$data/pg_wal" 2>/dev/null | grep -x '[0-9A-F]\{8\}\.history' | tail -n 1)
	[ -n "$h" ] && echo "history_file $h" && sed -n 's/^\([0-9][0-9]*\)[[:space:]]\{1,\}\([0-9A-F]*\/[0-9A-F]*\).*/history \1 \2/p' "$data/pg_wal/$h"
	df -Pk "$data/pg_wal/." 2>/dev/null | awk 'NR == 2 { print "disk " $4 " " $2 }'
	[ -n "$startconf" ] && [ -r "$startconf" ] && echo "start_conf $(grep -v '^[[:space:]]*\(#.*\)\{0,1\}$' "$startconf" | head -n 1)"
	if [ "$running" = no ]; then
		# The segment written last is the end of the log; a zeroed spare segment may be newer.
		for s in $(ls -t "$data/pg_wal" 2>/dev/null | grep -x "$newest[0-9A-F]\{16\}" | head -n 3); do
			out=$("$bin/pg_waldump" -q -p "$data/pg_wal" "$s" 2>&1 | tail -n 1)
			echo "wal_end $s $out"
			case $out in *'could not find a valid record'*) ;; *) break ;; esac
		done
	fi
	for f in patroni.dynamic.json postgresql.base.conf postgresql-auto-failover.conf; do [ -e "$data/$f" ] && echo "manager_file $f"; done
	grep -q '"pause": *true' "$data/patroni.dynamic.json" 2>/dev/null && echo "paused patroni"
	cat /proc/[0-9]*/comm 2>/dev/null | grep -x 'patroni\|repmgrd\|pg_autoctl\|pacemakerd\|stolon-keeper\|pgpool\|efm' | sort -u | while read -r m; do
		echo "manager $m"
		case $m in
		repmgrd) [ "$("$bin/psql" -X -w -At -h "$socket" -p "$port" -U "$user" -d repmgr -c 'select repmgr.repmgrd_is_paused()' 2>/dev/null)" = t ] && echo "paused repmgrd" ;;
		pacemakerd) crm_mon -1 2>/dev/null | grep -q 'Resource management is DISABLED' && echo "paused pacemakerd" ;;
		esac
	done
fi
echo "end ok"
