//! What hardening level 3 and the `junk` option add: contents that tell of writes after free, a quarantine, guard
//! pages. Such heaps are served by the slow paths alone, so that the others pay nothing.
//!
//! A freed block is filled with `freed_byte` and waits in the quarantine, so that a pointer to it stays wrong
//! for a while instead of becoming somebody else's; it leaves in the order it came, and what was written to it meanwhile is
//! reported then, or when it is handed out again. A run ends in a page that faults when touched, where the memory's pages are small
//! enough to protect one.

const std = @import("std");
const options = @import("options");
const os = @import("../os.zig");
const classes = @import("classes.zig");
const memcheck = @import("memcheck.zig");
const Heap = @import("Heap.zig");

/// jemalloc's patterns.
pub const allocated_byte = 0xa5;
pub const freed_byte = 0x5a;
/// Bytes of a block that are filled and looked at; a block is a run of many pages at times.
const filled_max = 64 << 10;

/// The state of a block, its byte beside the descriptor.
pub const State = struct {
    pub const unknown = 0;
    pub const live = 1;
    /// Free, filled, and not touched since when that was last looked at.
    pub const filled = 2;
    pub const quarantined = 3;
    /// Live, and somebody has noted where it was allocated. Hot paths do not know it, so they leave the block to `calls`; whatever
    /// gives it out again says `live`.
    pub const noted = 4;

    pub fn isLive(state: u8) bool {
        return state == live or state == noted;
    }
};

/// Blocks that were freed and are not yet free. Its lock is taken without any other held but `members`.
pub const Quarantine = struct {
    lock: os.Mutex(.quarantine) = .{},
    ring: [capacity]Entry = @splat(.{}),
    first: usize = 0,
    count: usize = 0,
    bytes: usize = 0,

    const capacity = 256;
    const Entry = struct { address: usize = 0, size: usize = 0 };

    fn push(q: *Quarantine, address: usize, size: usize) void {
        q.ring[(q.first + q.count) % capacity] = .{ .address = address, .size = size };
        q.count += 1;
        q.bytes += size;
    }

    fn pop(q: *Quarantine) Entry {
        const entry = q.ring[q.first];
        q.ring[q.first] = .{}; // what looks for lost blocks would find an address there
        q.first = (q.first + 1) % capacity;
        q.count -= 1;
        q.bytes -= entry.size;
        return entry;
    }
};

/// Takes in a block that was live and is `quarantined` now; frees what has waited long enough: the quarantine holds 256 blocks, and a 32nd of the pool.
pub fn retire(h: *Heap, found: Heap.Found, address: usize) void {
    const size = h.sizeOf(found);
    fill(address, size, freed_byte);
    memcheck.freed(address, size + tailLen(h));
    const q = &h.quarantine;
    const limit = @as(usize, h.pages) * classes.page_size / 32;
    q.lock.lock();
    if (q.count == Quarantine.capacity) releaseOldest(h);
    q.push(address, size);
    while (q.count > 0 and q.bytes > limit) releaseOldest(h);
    q.lock.unlock();
}

/// Frees all that waits.
pub fn emptyQuarantine(h: *Heap) void {
    if (h.hardening < 3) return;
    h.quarantine.lock.lock();
    defer h.quarantine.lock.unlock();
    while (h.quarantine.count > 0) releaseOldest(h);
}

/// What waits is free by other means.
pub fn forgetQuarantine(h: *Heap) void {
    h.quarantine.lock.lock();
    defer h.quarantine.lock.unlock();
    h.quarantine.first = 0;
    h.quarantine.count = 0;
    h.quarantine.bytes = 0;
}

/// Makes every guard page an ordinary one; false at the limit on mappings.
pub fn liftGuards(h: *Heap) bool {
    if (!h.guards) return true;
    h.runs.lock.lock();
    defer h.runs.lock.unlock();
    var page = h.runs.bottom;
    while (page < h.runs.top) {
        const d = h.metadata.descriptor(h.metadata.heads[page]);
        page += d.pages;
        if (d.guarded and !setGuard(h, page - 1, false)) return false;
    }
    return true;
}

fn releaseOldest(h: *Heap) void {
    const address = h.quarantine.pop().address;
    const found = h.find(address) orelse return h.report(.not_a_block, address);
    const size = h.sizeOf(found);
    memcheck.open(address, size);
    expectFilled(h, address, size);
    memcheck.close(address, size);
    h.stateOf(found).* = State.filled;
    const d = h.metadata.descriptor(found.number);
    // At the limit on mappings it stays: a lost block is better than one that faults.
    if (d.guarded and !setGuard(h, d.start + d.pages - 1, false)) return;
    h.putBlocks(found.class, &.{address});
}

/// A block is handed out: `state` says whether its contents are known.
pub fn admit(h: *Heap, address: usize, size: usize, state: u8) void {
    if (state == State.filled) expectFilled(h, address, size);
}

fn expectFilled(h: *Heap, address: usize, size: usize) void {
    const bytes: [*]const u8 = @ptrFromInt(address);
    if (!std.mem.allEqual(u8, bytes[0..@min(size, filled_max)], freed_byte)) h.report(.written_after_free, address);
}

pub fn fill(address: usize, size: usize, byte: u8) void {
    const bytes: [*]u8 = @ptrFromInt(address);
    @memset(bytes[0..@min(size, filled_max)], byte);
}

/// Bytes that every block has behind the usable ones, to tell when they are written to.
pub inline fn tailLen(h: *const Heap) usize {
    return if (options.debug) h.tail else 0;
}

/// What has to be taken for a block of `size` bytes.
pub inline fn withTail(h: *const Heap, size: usize) usize {
    if (!options.debug or h.tail == 0) return size;
    return @max(size, classes.sizes[1]) +| h.tail;
}

/// Fills what lies behind the usable `size` bytes of a block.
pub inline fn markTail(h: *const Heap, address: usize, size: usize) void {
    const len = tailLen(h);
    if (len == 0) return;
    memcheck.open(address + size, len);
    @memset(tailAt(address + size, len), allocated_byte);
    memcheck.close(address + size, len);
}

/// Reports when somebody wrote there.
pub inline fn expectTail(h: *Heap, address: usize, size: usize) void {
    if (!isTailWhole(h, address, size)) h.report(.written_behind, address);
}

pub fn isTailWhole(h: *const Heap, address: usize, size: usize) bool {
    const len = tailLen(h);
    if (len == 0) return true;
    memcheck.open(address + size, len);
    defer memcheck.close(address + size, len);
    return std.mem.allEqual(u8, tailAt(address + size, len), allocated_byte);
}

fn tailAt(address: usize, len: usize) []u8 {
    const first: [*]u8 = @ptrFromInt(address);
    return first[0..len];
}

/// A run whose last page faults; an ordinary one where that page cannot be protected.
pub fn takeGuardedRun(h: *Heap, pages: u32, alignment: u32) ?Heap.Run {
    const number = h.runs.allocate(.run, pages + 1, alignment, 1) orelse return null;
    const d = h.metadata.descriptor(number);
    const fresh = d.fresh;
    d.fresh = false;
    if (setGuard(h, d.start + d.pages - 1, true)) {
        // The walker may be looking.
        h.runs.lock.lock();
        defer h.runs.lock.unlock();
        d.guarded = true;
        // No cache keeps it: its size is not that of its page count.
        d.class = classes.large;
        h.metadata.classes[d.start] = classes.large;
    }
    return .{ .address = h.pageAddress(d.start), .fresh = fresh };
}

fn setGuard(h: *Heap, page: u32, on: bool) bool {
    if (os.memory.pageSize() != classes.page_size) return false;
    os.memory.protect(h.pageAddress(page), classes.page_size, if (on) .none else .read_write) catch return false;
    return true;
}
