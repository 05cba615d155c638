# The wrapper of one job; see host.sh for the files. It is run as DIR/run, so
# that its arguments say which job it is.
dir=${0%/run}

# First the number, so that whoever takes "started" knows whom to look for.
printf '%s\n' "$$" >"$dir/pid" || exit 125

# Who comes after the claim was declared lost must not start.
(set -C; : >"$dir/started") 2>/dev/null || exit 125

# Descriptor 3 tells whoever started this that it has ended: it is closed when
# this process is gone. What the command leaves behind must not keep it open.
# shellcheck source=/dev/null
(. "$dir/command") >"$dir/out" 2>"$dir/err" </dev/null 3>&-
rc=$?

# In one write: a reader sees the whole line or none, and takes only a line.
printf '%s\n' "$rc" >"$dir/rc"
