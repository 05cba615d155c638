package engine

import "time"

// now is the server's clock.
func now() time.Time { return time.Now().UTC() }
