# Functions that Switchback loads into the /bin/sh it keeps open on a host.
# POSIX sh; tried with dash and bash. Nothing here may read standard input:
# the shell's own program comes from there, and dash reads ahead.
#
# A claim is a directory. Its files (few, since each costs time on a real disk):
#   run          the wrapper. Its first lines tell the identity of the boot and
#                the host's clock at the claim; within parentheses stands the
#                command as people approved it; secrets by reference only. A
#                process that runs it has the job in its arguments
#   seen         the same first lines, by the first reader of a claim without run
#   credentials  names (not values) of the secrets, so that readers can redact
#   pid          of the wrapper, which leads its own process group; below it
#                the exit code of the command, once it has ended. The file is
#                made once: by the wrapper, or by whoever declares it lost
#   fenced       declared lost between the making of pid and its first line
#   out, err     what the command printed
#   stopped      ended on request
#   void         why this claim can never start

sb_umask=$(umask)
sb_nl='
'

# The identity of this boot. `who -b` is asked too because boot_id exists on
# Linux only; in UTC, since login shells may have another time zone.
sb_boot=
[ -r /proc/sys/kernel/random/boot_id ] && read -r sb_boot </proc/sys/kernel/random/boot_id
sb_boot="$sb_boot $(LC_ALL=C TZ=UTC0 who -b 2>/dev/null)"
sb_boot=${sb_boot%%"$sb_nl"*}

# sb_clock sets sb_now: seconds of a clock that people do not set, if there is
# one. Reading /proc/uptime costs no process.
sb_clock() {
	sb_now=
	if [ -r /proc/uptime ]; then
		# shellcheck disable=SC2034 # the rest is not needed
		read -r sb_now sb_rest </proc/uptime
		sb_now=${sb_now%%.*}
	fi
	[ -n "$sb_now" ] || sb_now=$(date +%s)
}

# sb_begin and sb_end put the caller's random marks around an answer, on both
# streams. What stands outside of them (banners, start files) is no answer. The
# process number lets the worker end a command whose caller has gone.
sb_begin() {
	sb_clock
	printf '%s %s %s\n' "$1" "$sb_now" "$$"
	printf '%s %s %s\n' "$1" "$sb_now" "$$" >&2
}

sb_end() {
	printf '%s %s\n' "$1" "$2"
	printf '%s %s\n' "$1" "$2" >&2
}

# sb_at sets sb_dir; a leading ~/ is the login user's home.
sb_at() {
	# shellcheck disable=SC2088 # a literal tilde is meant
	case $1 in
	"~/"*) sb_dir=${HOME:?is not set}/${1#"~/"} ;;
	*) sb_dir=$1 ;;
	esac
}

# sb_args sets sb_args to the arguments of process sb_pid, with blanks around.
sb_args() {
	if [ -r "/proc/$sb_pid/cmdline" ]; then
		sb_args=" $(2>/dev/null tr '\000' ' ' <"/proc/$sb_pid/cmdline") "
	else
		sb_args=" $(ps -o args= -p "$sb_pid" 2>/dev/null) "
	fi
}

# sb_alive: is sb_pid still this job's wrapper? A number alone proves nothing,
# since the system gives it away again.
sb_alive() {
	kill -0 "$sb_pid" 2>/dev/null || return 1
	sb_args
	case $sb_args in
	*" $sb_dir/run "*) return 0 ;;
	esac
	return 1
}

# sb_group: has the process group sb_pid a member that is no zombie? Signal 0
# cannot tell, for it counts zombies and overlooks other users' processes.
sb_group() (
	if [ -r /proc/self/stat ]; then
		for sb_f in /proc/[0-9]*/stat; do
			{ read -r sb_line <"$sb_f"; } 2>/dev/null || continue
			# shellcheck disable=SC2086 # the fields after the name
			set -- ${sb_line##*) }
			[ "$3" = "$sb_pid" ] && [ "$1" != Z ] && [ "$1" != X ] && exit 0
		done
		exit 1
	fi
	ps -A -o pgid= -o stat= | while read -r sb_g sb_s; do
		case $sb_g:$sb_s in
		"$sb_pid":Z*) ;;
		"$sb_pid":*) echo member ;;
		esac
	done | grep member >/dev/null
)

# sb_readpid sets sb_pid, or empties it when there is none yet.
sb_readpid() {
	sb_pid=
	[ -s "$sb_dir/pid" ] && read -r sb_pid <"$sb_dir/pid"
	case $sb_pid in
	*[!0-9]* | 0 | 1) sb_pid= ;;
	esac
	[ -n "$sb_pid" ]
}

# sb_ended: is the end of the job recorded?
sb_ended() {
	if [ -f "$sb_dir/pid" ] && { read -r sb_line && read -r sb_line; } <"$sb_dir/pid"; then
		sb_state=finished sb_exit=$sb_line
	elif [ -f "$sb_dir/stopped" ]; then
		sb_state=finished sb_exit=143 sb_text='stopped on request; its process group has ended'
	else
		return 1
	fi
}

# sb_expired: is the claim so old, or from an earlier boot, that its starter
# must be taken for dead? The deadline is 30 s by this host's clock.
sb_expired() {
	sb_file=$sb_dir/run
	if [ ! -s "$sb_file" ]; then
		sb_file=$sb_dir/seen
		sb_clock
		[ -s "$sb_file" ] || (set -C; printf '# %s\n# %s\n' "$sb_boot" "$sb_now" >"$sb_file") 2>/dev/null
	fi
	sb_then=
	{ IFS= read -r sb_was; read -r sb_then; } 2>/dev/null <"$sb_file"
	sb_was=${sb_was#"# "} sb_then=${sb_then#"# "}
	case $sb_then in
	'' | *[!0-9]*) return 1 ;;
	esac
	if [ "$sb_was" != "$sb_boot" ]; then
		sb_text='the host has booted since it was claimed'
		return 0
	fi
	sb_clock
	sb_text='it was claimed but not started within 30 s'
	[ $((sb_now - sb_then)) -gt 30 ] || [ "$sb_now" -lt "$sb_then" ]
}

# sb_process judges a job whose wrapper is known.
sb_process() {
	if sb_alive; then
		sb_state=running
		return 0
	fi
	# It may have ended between the two readings.
	sb_ended && return 0
	sb_state=lost
	sb_text="process $sb_pid is gone and left no exit code"
	# A group without its leader is ours; with another leader the number was
	# given away again.
	if ! kill -0 "$sb_pid" 2>/dev/null && sb_group; then
		sb_text="$sb_text, but its process group $sb_pid still runs"
	fi
}

# sb_look sets sb_state, sb_exit and sb_text of the claim sb_dir.
sb_look() {
	sb_state=none sb_exit=0 sb_text=
	[ -d "$sb_dir" ] || return 0
	sb_ended && return 0
	if [ -f "$sb_dir/void" ]; then
		sb_state=void
		read -r sb_text <"$sb_dir/void"
	elif sb_readpid; then
		sb_process
	elif ! sb_expired; then
		sb_state=claimed sb_text=
	elif sb_fence || ! sb_readpid; then
		sb_state=lost
	else
		sb_process
	fi
}

# sb_fence takes the right to start, so that a starter that was only slow can
# not start what has been declared lost. It fails when the wrapper was first.
sb_fence() {
	(set -C; printf 'lost\n' >"$sb_dir/pid") 2>/dev/null && return 0
	# The wrapper writes its number and then looks for this file; here it is
	# the other way round, so that one of the two sees the other.
	: >"$sb_dir/fenced"
	! sb_readpid
}

# sb_report prints the state, then the tails of what the command printed.
sb_report() {
	printf 'verdict %s\nstate %s\nexit %s\ndir %s\ntext %s\n' "$1" "$sb_state" "$sb_exit" "$sb_dir" "$sb_text"
	[ -s "$sb_dir/credentials" ] && while read -r sb_name; do
		printf 'credential %s\n' "$sb_name"
	done <"$sb_dir/credentials"
	printf 'output\n'
	[ -s "$sb_dir/out" ] && tail -c "$2" "$sb_dir/out"
	[ -s "$sb_dir/err" ] && tail -c "$2" "$sb_dir/err" >&2
	return 0
}

# sb_cannot says that the claim could not be made, and why.
sb_cannot() {
	sb_state=none sb_exit=0 sb_text=$(printf '%s' "$1" | tr '\n' ' ')
	sb_report cannot 1
}

# sb_claim makes the claim: 0 it is ours, 1 somebody else's, 2 not possible.
sb_claim() {
	umask 077
	sb_parent=${sb_dir%/*}
	[ -d "$sb_parent" ] || mkdir -p "$sb_parent" 2>/dev/null
	mkdir "$sb_dir" 2>/dev/null && return 0
	[ -d "$sb_dir" ] && return 1
	# Only now it costs a process more to learn why; this try may succeed.
	sb_why=$(mkdir -p "$sb_parent" 2>&1)$(mkdir "$sb_dir" 2>&1) && return 0
	[ -d "$sb_dir" ] && return 1
	return 2
}

# sb_launch COMMAND CREDENTIALS MS starts the wrapper of sb_dir in its own
# session, with no descriptor of this connection, so that neither can hold up
# the other, and waits up to MS for its end where that needs no polling.
sb_launch() {
	sb_clock
	# shellcheck disable=SC2154 # sb_before and sb_after, the parts of run.sh, are set by the worker
	{
		printf '# %s\n# %s\n%s\n%s\n%s\n' "$sb_boot" "$sb_now" "$sb_before" "$1" "$sb_after" >"$sb_dir/run" &&
			{ [ -z "$2" ] || printf '%s\n' "$2" >"$sb_dir/credentials"; }
	} 2>/dev/null || return 1
	umask "$sb_umask"
	sb_watchdog=
	if command -v setsid >/dev/null 2>&1; then
		setsid /bin/sh "$sb_dir/run" </dev/null >/dev/null 2>&1 &
		sb_await "$!" "$3"
	else
		# Job control gives a process group of its own where setsid is missing.
		set -m
		nohup /bin/sh "$sb_dir/run" </dev/null >/dev/null 2>&1 &
		set +m
	fi
}

# sb_await PID MS waits for a child as its parent can, without polling, until
# the child ends or a signal of the watchdog says that the time is over. It
# does nothing where this subshell cannot find its own number ($$ is that of
# the shell that the worker keeps open).
sb_await() {
	sb_me=
	# shellcheck disable=SC2034 # the rest is not needed
	[ -r /proc/self/stat ] && read -r sb_me sb_rest </proc/self/stat
	{ [ -n "$sb_me" ] && [ "$2" -ge 1000 ]; } || return 0
	trap : USR1
	(
		trap 'kill "$sb_sleep"; exit' TERM
		sleep "$(($2 / 1000))" &
		sb_sleep=$!
		wait "$sb_sleep"
		kill -s USR1 "$sb_me"
	) </dev/null >/dev/null 2>&1 &
	sb_watchdog=$!
	wait "$1"
	# The trap stays: a signal that was on its way must not end the answer.
	kill "$sb_watchdog" 2>/dev/null
}

# sb_pause sleeps a little longer the longer it has waited; sb_left counts ms.
sb_pause() {
	sb_n=$((sb_n + 1))
	if [ "$sb_n" -le 5 ]; then
		sb_ms=2 sb_s=0.002
	elif [ "$sb_n" -le 300 ]; then
		sb_ms=10 sb_s=0.01
	elif [ "$sb_n" -le 500 ]; then
		sb_ms=50 sb_s=0.05
	else
		sb_ms=200 sb_s=0.2
	fi
	if ! sleep "$sb_s" 2>/dev/null; then
		sleep 1
		sb_ms=1000
	fi
	sb_left=$((sb_left - sb_ms))
}

# sb_follow MS waits for the end of a job. The exit code's file is asked for at
# each turn; at every 16th also whether the process lives, which costs more, and
# the clock, since pauses last longer than they say.
sb_follow() {
	sb_left=$1 sb_n=0
	sb_clock
	sb_until=$((sb_now + $1 / 1000 + 1))
	while [ "$sb_left" -gt 0 ]; do
		case $sb_state in
		running | claimed) ;;
		*) return 0 ;;
		esac
		sb_pause
		if sb_ended; then
			return 0
		elif [ $((sb_n % 16)) -eq 0 ]; then
			sb_look
			sb_clock
			[ "$sb_now" -le "$sb_until" ] || return 0
		fi
	done
	sb_look
}

# --- what the worker calls, each in a subshell with standard input closed ---

# sb_read TEXT runs a command that changes nothing.
sb_read() {
	eval "$1"
}

# sb_job_look DIR TAIL
sb_job_look() {
	sb_at "$1"
	sb_look
	sb_report existing "$2"
}

# sb_job_wait DIR TAIL MS
sb_job_wait() {
	sb_at "$1"
	sb_look
	sb_follow "$3"
	sb_report existing "$2"
}

# sb_job_start DIR TAIL MS GUARD-AT MAX-AGE COMMAND CREDENTIALS
# A claim that exists is attached to, whatever the guard's age. Otherwise the
# age is judged here, by the clock it was read from, before anything is made.
sb_job_start() {
	sb_at "$1"
	if [ ! -d "$sb_dir" ] && [ "$4" -gt 0 ]; then
		sb_clock
		if [ $((sb_now - $4)) -gt "$5" ] || [ "$sb_now" -lt "$4" ]; then
			sb_state=none sb_exit=0 sb_text="the guard was read at $4 s, it is $sb_now s now"
			sb_report stale_guard "$2"
			return 0
		fi
	fi
	sb_claim
	case $? in
	0)
		if ! sb_launch "$6" "$7" "$3"; then
			# Nothing was started: give the claim back.
			rm -f "$sb_dir/run" "$sb_dir/credentials" "$sb_dir/seen"
			rmdir "$sb_dir"
			sb_cannot "cannot write into $sb_dir"
			return 0
		fi
		sb_verdict=started sb_state=running sb_exit=0 sb_text=
		if [ -n "$sb_watchdog" ]; then
			# It has ended, or the time is over: look once.
			sb_look
			sb_report "$sb_verdict" "$2"
			return 0
		fi
		;;
	1)
		sb_verdict=existing
		sb_look
		;;
	*)
		sb_cannot "$sb_why"
		return 0
		;;
	esac
	sb_follow "$3"
	sb_report "$sb_verdict" "$2"
}

# sb_job_void DIR TAIL WHY
sb_job_void() {
	sb_at "$1"
	sb_claim
	case $? in
	0)
		if ! { printf '%s\n' "$3" >"$sb_dir/void"; } 2>/dev/null; then
			sb_cannot "cannot write into $sb_dir"
			return 0
		fi
		;;
	2)
		sb_cannot "$sb_why"
		return 0
		;;
	esac
	sb_look
	sb_report existing "$2"
}

# sb_gone SECONDS waits until the process group sb_pid has no member left.
# Looking through all processes is slow, so the clock counts, not the pauses.
sb_gone() {
	sb_clock
	sb_until=$((sb_now + $1)) sb_left=0 sb_n=0
	while sb_group; do
		sb_clock
		[ "$sb_now" -lt "$sb_until" ] || return 1
		sb_pause
	done
}

# sb_job_stop DIR TAIL GRACE-SECONDS
sb_job_stop() {
	sb_at "$1"
	sb_look
	if [ "$sb_state" = claimed ] && sb_fence; then
		printf '%s\n' 'stopped before it had started' >"$sb_dir/void"
		sb_look
	fi
	[ "$sb_state" = claimed ] && sb_look
	case $sb_state:$sb_text in
	running:* | lost:*'still runs')
		kill -s TERM -- "-$sb_pid" 2>/dev/null
		sb_gone "$3" || { kill -s KILL -- "-$sb_pid" 2>/dev/null; sb_gone "$3"; }
		if sb_group; then
			sb_look
			sb_report alive "$2"
			return 0
		fi
		sb_ended || printf 'stopped\n' >"$sb_dir/stopped"
		sb_look
		;;
	esac
	sb_report existing "$2"
}

# sb_job_list DIR RUN prints the jobs below DIR, but for those of RUN, whose
# end is not known.
sb_job_list() {
	sb_at "$1"
	sb_root=$sb_dir
	for sb_dir in "$sb_root"/*/*/*; do
		[ -d "$sb_dir" ] || continue
		case $sb_dir in
		"$sb_root/$2/"*) continue ;;
		esac
		sb_look
		case $sb_state in
		running | claimed | lost) printf '%s\t%s\t%s\n' "$sb_state" "$sb_dir" "$sb_text" ;;
		esac
	done
	printf 'end\n'
}

# sb_tool PATH prints where a program is.
sb_tool() {
	sb_found=$(command -v "$1" 2>/dev/null) && [ -n "$sb_found" ] && printf '%s\n' "$sb_found"
}
