package recordings

import (
	"strings"

	historypb "go.temporal.io/api/history/v1"
)

// Outline is a history in short: one line for each event, with the name of the
// activity, signal, update or result where it has one. It is kept beside the
// recording so that people can review what changed.
func Outline(h *historypb.History) string {
	var b strings.Builder
	names := map[int64]string{}
	for _, e := range h.GetEvents() {
		b.WriteString(e.GetEventType().String())
		if name := nameOf(e, names); name != "" {
			b.WriteString(" " + name)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// nameOf gives the name in an event. Later events of an activity carry only
// the number of the event that scheduled it; names remembers that.
func nameOf(e *historypb.HistoryEvent, names map[int64]string) string {
	switch {
	case e.GetWorkflowExecutionStartedEventAttributes() != nil:
		return e.GetWorkflowExecutionStartedEventAttributes().GetWorkflowType().GetName()
	case e.GetActivityTaskScheduledEventAttributes() != nil:
		name := e.GetActivityTaskScheduledEventAttributes().GetActivityType().GetName()
		names[e.GetEventId()] = name
		return name
	case e.GetActivityTaskStartedEventAttributes() != nil:
		return names[e.GetActivityTaskStartedEventAttributes().GetScheduledEventId()]
	case e.GetActivityTaskCompletedEventAttributes() != nil:
		return names[e.GetActivityTaskCompletedEventAttributes().GetScheduledEventId()]
	case e.GetActivityTaskFailedEventAttributes() != nil:
		return names[e.GetActivityTaskFailedEventAttributes().GetScheduledEventId()]
	case e.GetActivityTaskCancelRequestedEventAttributes() != nil:
		return names[e.GetActivityTaskCancelRequestedEventAttributes().GetScheduledEventId()]
	case e.GetActivityTaskCanceledEventAttributes() != nil:
		return names[e.GetActivityTaskCanceledEventAttributes().GetScheduledEventId()]
	case e.GetWorkflowExecutionSignaledEventAttributes() != nil:
		return e.GetWorkflowExecutionSignaledEventAttributes().GetSignalName()
	case e.GetWorkflowExecutionUpdateAcceptedEventAttributes() != nil:
		return e.GetWorkflowExecutionUpdateAcceptedEventAttributes().GetAcceptedRequest().GetInput().GetName()
	case e.GetTimerStartedEventAttributes() != nil:
		return e.GetTimerStartedEventAttributes().GetTimerId()
	}
	return ""
}
