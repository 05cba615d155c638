package hana

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/switchback-dr/switchback/lab/host"
	"github.com/switchback-dr/switchback/lab/labkit"
)

// clusterText is a crm_mon that shows HANA's resources as SAPHanaSR sets them
// up, in the layout of Pacemaker 2.1. Nothing of a cluster is simulated beyond
// that it says it is there.
const clusterText = `#!/bin/sh
# Lab: a cluster manager that is in charge of HANA on this site.
cat <<'END'
Cluster Summary:
  * Stack: corosync (Pacemaker is running)
  * Current DC: @HOST@ (version 2.1.5) - partition with quorum
  * 2 nodes configured
  * 5 resource instances configured
@DISABLED@
Node List:
  * Online: [ @NODES@ ]

Full List of Resources:
  * stonith-sbd	(stonith:external/sbd):	 Started @HOST@@MAINT@
  * Clone Set: cln_SAPHanaTopology_@SID@_HDB@NR@ [rsc_SAPHanaTopology_@SID@_HDB@NR@]@MAINT@:
    * Started: [ @NODES@ ]
  * Clone Set: msl_SAPHana_@SID@_HDB@NR@ [rsc_SAPHana_@SID@_HDB@NR@] (promotable@COMMA@):
    * rsc_SAPHana_@SID@_HDB@NR@	(ocf::suse:SAPHana):	 Promoted @FIRST@@MAINT@
    * rsc_SAPHana_@SID@_HDB@NR@	(ocf::suse:SAPHana):	 Unpromoted @SECOND@@MAINT@
END
`

// disabledText is what crm_mon says of a cluster in maintenance.
const disabledText = `
              *** Resource management is DISABLED ***
  The cluster will not attempt to start, stop or recover services
`

// clusterModes are the arguments of the fault pacemaker.
var clusterModes = []string{"managed", "maintenance"}

func (s *system) clusterFault() labkit.Fault {
	return labkit.Fault{
		Name: "pacemaker", Usage: "SITE MODE", Text: "crm_mon on the site shows a cluster manager in charge of HANA (MODE managed), or in maintenance",
		Off: "there is no cluster manager", Set: s.setCluster,
	}
}

func (s *system) setCluster(_ context.Context, args []string, on bool) (string, error) {
	hosts, err := s.affected(args, false)
	if err != nil {
		return "", err
	}
	if !on {
		for _, h := range hosts {
			if err := os.Remove(h.Path(host.BinDir, "crm_mon")); err != nil && !os.IsNotExist(err) {
				return "", err
			}
		}
		return "no cluster manager on " + args[0], nil
	}
	if !slices.Contains(clusterModes, args[1]) {
		return "", fmt.Errorf("the cluster manager's mode is one of %v, not %q", clusterModes, args[1])
	}
	disabled, maintenance, comma := "", "", ""
	if args[1] == "maintenance" {
		disabled, maintenance, comma = disabledText, " (maintenance)", ", maintenance"
	}
	for _, h := range hosts {
		text := strings.NewReplacer("@HOST@", h.Name, "@NODES@", strings.Join(s.lab.Sites[:2], " "), "@SID@", s.set.sid, "@NR@", s.number,
			"@DISABLED@", disabled, "@MAINT@", maintenance, "@COMMA@", comma, "@FIRST@", s.lab.Sites[0], "@SECOND@", s.lab.Sites[1]).Replace(clusterText)
		if err := h.Program(host.BinDir+"/crm_mon", text); err != nil {
			return "", err
		}
	}
	return "a cluster manager is on " + args[0] + ": " + args[1], nil
}
