# The wrapper of one job; see host.sh for the files. It is run as DIR/run, so
# that its arguments say which job it is.
dir=${0%/run}

# The number, once. Who comes after the claim was declared lost must not start:
# then the file is there, or "fenced" was there before the number was read.
set -C
printf '%s\n' "$$" 2>/dev/null >"$dir/pid" || exit 125
set +C
[ ! -e "$dir/fenced" ] || exit 125

# The shell of the parentheses becomes the command itself where that is only
# one: every process less is a part of a millisecond.
(
# COMMAND
) >"$dir/out" 2>"$dir/err" </dev/null
rc=$?

# In one write: a reader sees the whole line or none, and takes only a line.
printf '%s\n' "$rc" >>"$dir/pid"
