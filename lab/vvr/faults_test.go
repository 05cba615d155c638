package vvr_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/lab/labkit"
)

func TestAnOldPrimaryWhoseApplicationStartsByItselfMakesTwoPrimaries(t *testing.T) {
	b := up(t, labkit.Options{Sync: true, Settings: map[string]string{"autostart": "on", "vcs": "frozen", "names": "same"}})
	require.Equal(t, "shop_rvgprimary\teast\n", b.sh("east", "$LAB_ROOT/opt/VRTSvcs/bin/hares -list Type=RVGPrimary"))
	require.Equal(t, "1\n", b.sh("east", "$LAB_ROOT/opt/VRTSvcs/bin/hagrp -value shop_grp Frozen"))
	require.Equal(t, "synchronous", b.status("east", "west", "Current mode"))
	acknowledged := b.Acknowledged()
	b.Fault("host-down", "east")
	b.takeover("west", "-N")
	b.start("west")
	l := b.Ledger()
	require.Empty(t, l.TwoPrimaries)
	require.Greater(t, l.Acknowledged, acknowledged)
	require.Zero(t, *l.Lost, "what a synchronous Secondary acknowledged is there")
	b.Fault("host-up", "east")
	b.Until("two writable sites must be noticed", func() bool { return len(b.Ledger().TwoPrimaries) == 1 })
	b.sh("east", "shop stop")
	b.sh("east", "shop disable")
	b.Fault("reboot", "east")
	b.sh("east", "vxprint -l shop_rvg | grep 'closed primary'")
	b.Fault("old-primary-returns", "east")
	b.sh("east", "shop status")
	b.Fault("shop-kill", "east")
	b.Until("a killed program has nothing open", func() bool {
		return strings.Contains(b.sh("east", "vxprint -l shop_rvg"), "closed primary")
	})
}
