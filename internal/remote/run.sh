# The wrapper of one job; see host.sh for the files. It is run as DIR/run, so
# that its arguments say which job it is.
dir=${0%/run}

# First the number, so that whoever takes "started" knows whom to look for.
printf '%s\n' "$$" >"$dir/pid" || exit 125

# Who comes after the claim was declared lost must not start.
(set -C; : >"$dir/started") 2>/dev/null || exit 125

# shellcheck source=/dev/null
(. "$dir/command") >"$dir/out" 2>"$dir/err" </dev/null
rc=$?

# By rename: a reader sees the whole code or none.
printf '%s\n' "$rc" >"$dir/rc.new" && mv "$dir/rc.new" "$dir/rc"
