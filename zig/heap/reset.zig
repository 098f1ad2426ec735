//! Freeing every block at once: what is done is what metadata is in use, not what blocks there are.
//!
//! Other threads' caches end as at the heap's end (`Cache.kill`): whatever their owners are doing lands in them and
//! nowhere else, and the next use makes a new one. The caller's own cache is emptied and stays warm. Depots and the
//! quarantine are emptied, shards forget their slabs, and the pages below the top become one free run. They have
//! been used, so only those above are still known to be zero; storage goes back when it is due.
//!
//! Blocks that others allocate or free at the same moment are theirs to lose, as with any block that is freed
//! under its user; the heap stays whole (Metadata.zig: a stale state reaches only states).

const depot = @import("depot.zig");
const give_back = @import("give_back.zig");
const hardened = @import("hardened.zig");
const memcheck = @import("memcheck.zig");
const thread = @import("thread.zig");
const Heap = @import("Heap.zig");

/// False, and nothing is changed, where the heap is dead or (level 3) a guard page cannot be made ordinary.
pub fn reset(h: *Heap) bool {
    memcheck.forgetBlocks(h);
    if (!resetLocked(h)) return false;
    give_back.whenDue(h);
    return true;
}

fn resetLocked(h: *Heap) bool {
    thread.lives.lock();
    defer thread.lives.unlock();
    h.members.lock();
    defer h.members.unlock();
    if (h.dead or !hardened.liftGuards(h)) return false;
    const own = thread.ownCache(h.handle);
    var cache = h.caches;
    while (cache) |c| {
        cache = c.next;
        c.lock.lock();
        defer c.lock.unlock();
        if (c == own) {
            c.forget();
        } else {
            h.giveBudget(c.held);
            c.held = 0;
            c.kill();
            h.unlink(c);
        }
    }
    depot.dropAll(h);
    hardened.forgetQuarantine(h);
    for (h.arenas[0..h.arena_count]) |*arena| for (&arena.shards) |*s| s.lock.lock();
    for (h.arenas[0..h.arena_count]) |*arena| for (&arena.shards) |*s| {
        s.forget();
    };
    h.runs.releaseAll();
    for (h.arenas[0..h.arena_count]) |*arena| for (&arena.shards) |*s| s.lock.unlock();
    return true;
}
