//! Defects planted into test programs on demand (`-Dcanary`), each of a kind that a change of the heap could bring.
//! The fuzzer and the stress program must notice them, which shows that they would notice such a change.

const options = @import("options");

pub const Defect = enum {
    none,
    /// A block that comes back is not counted.
    counts,
    /// Other threads' caches are taken without membarrier.
    barrier,
    /// A pop looks at the bound before it stores the lower top.
    claim,
    /// A push stores the cell after the higher top.
    push,
    /// A deleted pool's caches are not closed.
    poison,
    /// A thread that ends takes its caches out of their heaps without the lock of members.
    exit,
    /// A thread that ends takes its cache's lock before the lock of members.
    order,
};

/// Set once, before the first heap.
pub var planted: Defect = .none;

pub inline fn is(defect: Defect) bool {
    return options.canary and planted == defect;
}
