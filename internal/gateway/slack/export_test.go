package slack

import (
	"context"
	"time"

	"github.com/switchback-dr/switchback/internal/gateway"
)

// SleepWith makes a channel wait by another clock.
func SleepWith(c gateway.Channel, sleep func(ctx context.Context, d time.Duration) error) {
	c.(*Channel).pace.sleep = sleep
}
