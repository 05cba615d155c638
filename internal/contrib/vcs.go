package contrib

// A service group of Veritas Cluster Server (hagrp(1M)) is brought online or
// offline in the cluster of its host, wherever the group runs there. hagrp
// returns before that is done, so the command waits for it, as long as the
// step's time allows.

// groupProof tells what hagrp -state says of all systems of the cluster: 0
// online on one, 3 offline on all, 1 anything else, such as partial, faulted,
// starting or stopping. $1 is the group.
const groupProof = `h=$(command -v hagrp) || h=/opt/VRTSvcs/bin/hagrp
out=$(sudo -n "$h" -state "$1" </dev/null) || exit 1
printf '%s\n' "$out" | awk '
/^#/ || NF == 0 { next }
{ v = $NF; gsub(/\|/, " ", v); sub(/^ +/, "", v); sub(/ +$/, "", v)
  if (v == "ONLINE") on++; else if (v == "OFFLINE") off++; else other++ }
END { if (other || !on && !off) exit 1; exit on ? 0 : 3 }'`

// groupChange is hagrp -online or -offline ($2) of the group $1, until the proof
// ends with $3.
const groupChange = `h=$(command -v hagrp) || h=/opt/VRTSvcs/bin/hagrp
sudo -n "$h" "$2" "$1" -any </dev/null || exit
until (` + groupProof + `); [ $? -eq "$3" ]; do sleep 1; done`

// groupCommands are the command that starts or stops a group, and its proof.
func groupCommands(group string, start bool) (run, proof []string) {
	run = []string{"sh", "-c", groupChange, "sh", group, "-offline", "3"}
	if start {
		run = []string{"sh", "-c", groupChange, "sh", group, "-online", "0"}
	}
	return run, []string{"sh", "-c", groupProof, "sh", group}
}
