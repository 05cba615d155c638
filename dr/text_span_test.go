package dr

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTheSmallestSpanIsWrittenAndDoesNotRecurseWithoutEnd(t *testing.T) {
	require.Equal(t, "-106751 d 23 h", SpanText(math.MinInt64))
	require.Equal(t, "-106751 d 23 h", SpanText(time.Time{}.Sub(time.Unix(1<<40, 0))))
}
