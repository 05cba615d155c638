package contrib

// GroupProof is the proof of a service group, for tests.
const GroupProof = groupProof
