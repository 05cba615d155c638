package programs

import "github.com/switchback-dr/switchback/lab/host"

// The programs as parts of the lab's own binary. They are registered here, in
// a package without the database, so that a call of one of them does not wait
// for the embedded SQL engine to be initialised.
var (
	NSUtilProgram         = host.NewBuiltin("hana-hdbnsutil", HDBNSUtil)
	SapControlProgram     = host.NewBuiltin("hana-sapcontrol", SapControl)
	StartServiceProgram   = host.NewBuiltin("hana-sapstartsrv", StartService)
	HDBProgram            = host.NewBuiltin("hana-hdb", HDB)
	ReplicationProgram    = host.NewBuiltin("hana-sr-status", ReplicationStatus)
	LandscapeProgram      = host.NewBuiltin("hana-landscape", Landscape)
	RecommendationProgram = host.NewBuiltin("hana-recommendation", Recommendation)
)
