//! What a program can ask of its own thread in a heap, and set while the heap lives (jemalloc's `thread.*` and `arena.*`).
//! No hot path knows of any of it: a thread that is to keep no blocks has bins without room, as where the budget is used up.

const classes = @import("classes.zig");
const give_back = @import("give_back.zig");
const thread = @import("thread.zig");
const Cache = @import("Cache.zig");
const Heap = @import("Heap.zig");

const Error = thread.Error;

/// The arena that the calling thread takes small blocks from.
pub fn arena(handle: usize) Error!u16 {
    const u = try thread.use(thread.here(), handle);
    defer u.release();
    return u.arena();
}

/// False where the thread has no cache to remember it: it stays with arena 0. The arena exists.
pub fn setArena(handle: usize, wanted: u16) Error!bool {
    const u = try thread.use(thread.here(), handle);
    defer u.release();
    const c = u.cache orelse return wanted == 0;
    // Who counts the threads of an arena reads it under this lock.
    u.heap.members.lock();
    defer u.heap.members.unlock();
    c.arena = wanted;
    return true;
}

/// Whether the calling thread keeps freed blocks.
pub fn caching(handle: usize) Error!bool {
    const u = try thread.use(thread.here(), handle);
    defer u.release();
    const c = u.cache orelse return false;
    c.lock.lock();
    defer c.lock.unlock();
    return c.enabled;
}

/// From now on the calling thread keeps freed blocks, or gives back at once what it has and what it frees. False where the heap
/// has no caches to switch on.
pub fn setCaching(handle: usize, on: bool) Error!bool {
    const u = try thread.use(thread.here(), handle);
    defer u.release();
    const c = u.cache orelse return !on;
    c.lock.lock();
    defer c.lock.unlock();
    c.enabled = on;
    if (!on and !c.dead) c.flush();
    return true;
}

/// What the calling thread keeps goes back. False: it keeps nothing, ever.
pub fn flush(handle: usize) Error!bool {
    const u = try thread.use(thread.here(), handle);
    defer u.release();
    const c = u.cache orelse return false;
    {
        c.lock.lock();
        defer c.lock.unlock();
        if (!c.enabled) return false;
        if (!c.dead) c.flush();
    }
    give_back.whenDue(u.heap);
    return true;
}

/// As `Heap.Options.decay_ms`, from now on.
pub fn setDecay(h: *Heap, ms: i64) void {
    @atomicStore(i64, &h.decay_ms, ms, .monotonic);
    give_back.whenDue(h);
}

/// The arena of the block that starts at an address; that of runs is 0. Null: none does.
pub fn arenaOf(h: *const Heap, address: usize) ?u16 {
    const found = h.find(address) orelse return null;
    const d = h.metadata.descriptor(found.number);
    return if (classes.isSmall(found.class) and d.arena < h.arena_count) d.arena else 0;
}

pub const giveBackDue = give_back.whenDue;

/// Pages of an arena's slabs.
pub fn slabPages(h: *Heap, index: u16) u64 {
    var pages: u64 = 0;
    for (h.arenas[index].shards[1 .. classes.small_count + 1]) |*s| {
        s.lock.lock();
        defer s.lock.unlock();
        pages += s.pages;
    }
    return pages;
}

/// Bytes of bookkeeping that the heap and its threads' caches use.
pub fn metadataBytes(h: *Heap) u64 {
    h.members.lock();
    defer h.members.unlock();
    var bytes: u64 = 0;
    var cache = h.caches;
    while (cache) |c| : (cache = c.next) {
        c.lock.lock();
        defer c.lock.unlock();
        bytes += @sizeOf(Cache);
        for (&c.slots) |*slot| if (slot.magazine) |m| {
            bytes += m.capacity * @sizeOf(usize);
        };
    }
    h.runs.lock.lock();
    defer h.runs.lock.unlock();
    return bytes + h.metadata.used(h.runs.top);
}
