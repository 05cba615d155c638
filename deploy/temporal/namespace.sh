#!/bin/sh
# Registers the namespace and Switchback's search attributes; leaves alone what
# is there already. TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE are read by the
# temporal command itself.
set -eu

temporal operator cluster health

if ! temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1; then
	temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention 168h
fi

# A namespace that was created a moment ago is not known everywhere at once:
# when this fails, the container is started again.
known=$(temporal operator search-attribute list)
for name in DrSystem DrProcedure DrPhase DrGate; do
	if ! printf '%s\n' "$known" | grep -qw "$name"; then
		temporal operator search-attribute create --name "$name" --type Keyword
	fi
done
