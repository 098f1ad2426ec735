//! The page runs of a heap: which pages are free, which belong to what, and which have storage.
//!
//! Pages below `top` are tiled by descriptors: used runs, slabs and free runs, no two free runs side
//! by side. Pages from `top` on have never been handed out. Free runs of up to 256 pages are in one list a
//! page count, larger ones in a treap by (pages, address) (FreeRuns.zig): the smallest that fits is
//! taken, so that large runs stay whole. The pages above `top` are used when no free run fits, together
//! with a free run that ends at `top`, so that a request fails only if no run of that many pages
//! exists.
//!
//! Storage: a lazy region gets it by granules (2 MiB) before a run is handed out, ahead of the top in
//! growing steps. `trim` gives granules without a used page back.
//!
//! Everything here holds `lock`, a leaf of the lock order.

const Runs = @This();

const std = @import("std");
const assert = @import("../base.zig").assert;
const os = @import("../os.zig");
const region_layer = @import("../region.zig");
const classes = @import("classes.zig");
const counts = @import("counts.zig");
const memcheck = @import("memcheck.zig");
const FreeRuns = @import("FreeRuns.zig");
const Fullness = @import("Fullness.zig");
const Metadata = @import("Metadata.zig");

const Descriptor = Metadata.Descriptor;
const Region = region_layer.Region;
const page_size = classes.page_size;
/// Bytes committed ahead of use. A file in memory takes 0.25 ms for each MiB, and whoever allocates waits for it.
const step_max: usize = 8 << 20;
/// Bytes of a run whose storage the region may promise instead: programs ask for such blocks and touch a part.
const promise_min: usize = 4 << 20;

lock: os.Mutex(.runs) = .{},
metadata: *Metadata,
region: *Region,
/// First page that may be handed out; pages before it have no descriptor.
bottom: u32,
top: u32,
/// Where the top is to be for `hasRisen`; changed without the lock.
mark: u32 = 0,
/// One past the last page.
end: u32,
/// Page number of the region's base, for alignments above a page.
base_page: usize,
free: FreeRuns,
full: Fullness = .{},
free_pages: u64 = 0,
/// Pages in slabs and used runs, and the most there ever were.
used_pages: u64 = 0,
used_pages_peak: u64 = 0,
/// Pages freed since storage was last given back.
dirty_pages: u64 = 0,
/// Granules whose last used page was freed since then: a few pages may keep many.
idle_granules: u64 = 0,
/// For statistics: runs by size, and how often and how many bytes of storage were given back.
extents: *[counts.extent_count]counts.Extent,
npurge: u64 = 0,
purged_bytes: u64 = 0,
/// The heap keeps a byte a block.
states: bool,
/// One past the last granule that has storage.
granules_end: usize = 0,
/// The heap is dead: the region's storage is no longer this heap's to take or give.
closed: bool = false,

/// `extents` is zero memory of the heap's.
pub fn init(metadata: *Metadata, region: *Region, reserved_pages: u32, states: bool, extents: *[counts.extent_count]counts.Extent) Runs {
    return .{
        .extents = extents,
        .metadata = metadata,
        .region = region,
        .states = states,
        .free = .{ .metadata = metadata },
        .bottom = reserved_pages,
        .top = reserved_pages,
        .end = @intCast(region.size / page_size),
        .base_page = region.base / page_size,
    };
}

/// A run of `pages`, its first page at a multiple of `alignment` pages (of the address, not of the
/// offset), as a used run or a slab whose descriptor has `units` units. A run has its class; a slab's class
/// bytes and the rest are the caller's. Null when no such run exists or no storage can be had for it.
pub fn allocate(r: *Runs, kind: Metadata.Kind, pages: u32, alignment: u32, units: u8) ?u32 {
    r.lock.lock();
    defer r.lock.unlock();
    return r.allocateLocked(kind, pages, alignment, units);
}

/// Addresses of used runs of a class: as many as `out` has room for, or fewer; says how many. Beyond the first only runs
/// that are free and exactly that long: cut side by side from a longer one, none of them could grow in place.
pub fn allocateMany(r: *Runs, class: u8, out: []usize) usize {
    const pages = classes.table[class].pages;
    r.lock.lock();
    defer r.lock.unlock();
    for (out, 0..) |*address, i| {
        if (i > 0 and !r.free.hasExactly(pages)) return i;
        const number = r.allocateLocked(.run, pages, 1, 1) orelse return i;
        const d = r.metadata.descriptor(number);
        d.fresh = false;
        address.* = r.region.base + @as(usize, d.start) * page_size;
    }
    return out.len;
}

fn allocateLocked(r: *Runs, kind: Metadata.Kind, pages: u32, alignment: u32, units: u8) ?u32 {
    assert(pages > 0 and std.math.isPowerOfTwo(alignment));
    // Two descriptors at most are needed besides the found run's own: this one and a remainder's.
    const number = r.metadata.take(units) orelse return null;
    const d = r.metadata.descriptor(number);
    d.kind = .run;
    d.pages = pages;
    if (!r.takeFree(d, alignment) and !r.takeTop(d, alignment)) {
        r.metadata.give(number);
        return null;
    }
    r.setHeads(number);
    if (!r.commit(d.start, pages, pages)) {
        r.putBack(number);
        return null;
    }
    d.kind = kind;
    if (kind == .slab) {
        @memset(r.metadata.heads[d.start..][0..pages], number);
    } else {
        d.class = classes.ofRun(pages);
        // Before the class: who follows a stale pointer must find a place.
        if (r.states) r.metadata.state_places[d.start] = r.metadata.statePlace(number, d.class); // of its `live`
        r.metadata.classes[d.start] = d.class;
        counts.Extent.count(r.extents, pages, .take);
    }
    r.used_pages += pages;
    r.used_pages_peak = @max(r.used_pages_peak, r.used_pages);
    return number;
}

/// Gives back a slab or a run whose blocks are all in. Clears its class bytes.
pub fn release(r: *Runs, number: u32) void {
    r.lock.lock();
    defer r.lock.unlock();
    const d = r.metadata.descriptor(number);
    assert(d.kind == .run or d.kind == .slab);
    const marked = if (d.kind == .slab) d.pages else 1;
    @memset(r.metadata.classes[d.start..][0..marked], classes.none);
    r.used_pages -= d.pages;
    r.putBack(number);
}

/// Gives back everything at once: slabs, runs, and what was free already. All other locks of the heap are held.
pub fn releaseAll(r: *Runs) void {
    r.lock.lock();
    defer r.lock.unlock();
    r.full.note();
    var page = r.bottom;
    while (page < r.top) {
        const number = r.metadata.heads[page];
        const d = r.metadata.descriptor(number);
        const marked = switch (d.kind) {
            .slab => d.pages,
            .run => 1,
            .free_run => 0,
            .unused => unreachable, // descriptors tile the pages
        };
        if (d.kind == .run) counts.Extent.count(r.extents, d.pages, .give);
        @memset(r.metadata.classes[page..][0..marked], classes.none);
        page += d.pages;
        r.metadata.give(number);
    }
    @atomicStore(u64, &r.dirty_pages, r.dirty_pages + r.used_pages, .monotonic);
    if (r.region.lazy) @atomicStore(u64, &r.idle_granules, r.granules_end, .monotonic);
    r.used_pages = 0;
    r.free_pages = 0;
    r.free = .{ .metadata = r.metadata };
    if (r.top == r.bottom) return;
    const number = r.metadata.take(1).?; // one of those
    const d = r.metadata.descriptor(number);
    d.kind = .free_run;
    d.start = r.bottom;
    d.pages = r.top - r.bottom;
    r.list(number);
}

/// Gives back the run that a caller believes to start at `page` with that class; false, and nothing done, if
/// there is none: it was freed before. Under `lock`.
pub fn releaseRun(r: *Runs, number: u32, page: usize, class: u8) bool {
    if (r.metadata.heads[page] != number) return false;
    const d = r.metadata.descriptor(number);
    if (d.kind != .run or d.start != page or d.class != class) return false;
    r.metadata.classes[page] = classes.none;
    counts.Extent.count(r.extents, d.pages, .give);
    r.used_pages -= d.pages;
    r.putBack(number);
    return true;
}

/// Makes the used run that a caller believes to start at `page` `pages` long where it is: true if that was possible.
/// Shrinking always is, but for want of a descriptor.
pub fn resize(r: *Runs, number: u32, page: usize, pages: u32) bool {
    assert(pages > 0);
    r.lock.lock();
    defer r.lock.unlock();
    if (r.metadata.heads[page] != number) return false;
    const d = r.metadata.descriptor(number);
    if (d.kind != .run or d.start != page) return false;
    if (d.guarded) return false;
    if (pages == d.pages) return true;
    const before = d.pages;
    const done = if (pages < before) r.shrink(number, pages) else r.grow(number, pages);
    if (!done) return false;
    counts.Extent.count(r.extents, before, .give);
    counts.Extent.count(r.extents, pages, .take);
    d.class = classes.ofRun(pages);
    r.metadata.classes[d.start] = d.class;
    r.used_pages_peak = @max(r.used_pages_peak, r.used_pages);
    return true;
}

fn shrink(r: *Runs, number: u32, pages: u32) bool {
    const d = r.metadata.descriptor(number);
    const rest_pages = d.pages - pages;
    const rest = r.metadata.take(1) orelse return false;
    const rest_d = r.metadata.descriptor(rest);
    rest_d.kind = .run;
    rest_d.start = d.start + pages;
    rest_d.pages = rest_pages;
    d.pages = pages;
    r.used_pages -= rest_pages;
    r.setHeads(number); // before `putBack` looks at the page in front of the rest
    r.setHeads(rest);
    r.putBack(rest);
    return true;
}

fn grow(r: *Runs, number: u32, pages: u32) bool {
    const d = r.metadata.descriptor(number);
    const more = pages - d.pages;
    const at = d.start + d.pages;
    if (at >= r.end or more > r.end - at) return false;
    const next: u32 = if (at < r.top) r.metadata.heads[at] else 0;
    const next_free = next != 0 and r.metadata.descriptor(next).kind == .free_run;
    if (next != 0 and !next_free) return false;
    const next_pages = if (next_free) r.metadata.descriptor(next).pages else 0;
    if (next_pages < more) {
        if (at + next_pages != r.top) return false;
        r.metadata.open(at + more) catch return false;
    }
    if (!r.commit(at, more, pages)) return false;
    if (next_free) {
        r.unlist(next);
        if (next_pages > more) {
            const rest = r.metadata.descriptor(next);
            rest.start += more;
            rest.pages -= more;
            r.list(next);
        } else r.metadata.give(next);
    }
    if (at + more > r.top) r.raise(at + more);
    d.pages = pages;
    r.setHeads(number);
    r.used_pages += more;
    return true;
}

/// Fills `d.start` from the best free run; `d` is not in the heads yet.
fn takeFree(r: *Runs, d: *Descriptor, alignment: u32) bool {
    var found = r.free.atLeast(d.pages);
    while (found != 0) : (found = r.free.next(found)) {
        const run = r.metadata.descriptor(found);
        const start = r.aligned(run.start, alignment);
        if (start + d.pages > @as(u64, run.start) + run.pages) continue;
        d.start = @intCast(start);
        return r.carve(found, d);
    }
    return false;
}

/// Takes the pages of `d` out of the free run `found`, leaving what is before and behind them free.
fn carve(r: *Runs, found: u32, d: *Descriptor) bool {
    const run = r.metadata.descriptor(found);
    const before = d.start - run.start;
    const behind = run.pages - before - d.pages;
    const extra: u32 = if (before > 0 and behind > 0) r.metadata.take(1) orelse return false else 0;
    const behind_start = d.start + d.pages;
    r.unlist(found);
    if (before > 0) {
        run.pages = before;
        r.list(found);
    }
    if (behind > 0) {
        const number = if (before > 0) extra else found;
        const rest = r.metadata.descriptor(number);
        rest.kind = .free_run;
        rest.start = behind_start;
        rest.pages = behind;
        r.list(number);
    }
    if (before == 0 and behind == 0) r.metadata.give(found);
    return true;
}

/// Fills `d.start` from the pages above the top and the free run that ends there.
fn takeTop(r: *Runs, d: *Descriptor, alignment: u32) bool {
    var from = r.top;
    var last: u32 = 0;
    if (r.top > r.bottom) {
        const number = r.metadata.heads[r.top - 1];
        if (r.metadata.descriptor(number).kind == .free_run) {
            last = number;
            from = r.metadata.descriptor(number).start;
        }
    }
    const start = r.aligned(from, alignment);
    const stop = start + d.pages;
    if (stop > r.end) return false;
    const gap: u32 = @intCast(start - from);
    // A gap with no run to stand for it needs a descriptor.
    const gap_number = if (gap > 0 and last == 0) r.metadata.take(1) orelse return false else last;
    r.metadata.open(@intCast(stop)) catch {
        if (gap > 0 and last == 0) r.unused(gap_number);
        return false;
    };
    d.start = @intCast(start);
    d.fresh = start >= r.top and r.region.zeroed;
    if (last != 0) r.unlist(last);
    if (gap > 0) {
        const rest = r.metadata.descriptor(gap_number);
        rest.kind = .free_run;
        rest.start = from;
        rest.pages = gap;
        r.list(gap_number);
    } else if (last != 0) r.metadata.give(last);
    r.raise(@intCast(stop));
    return true;
}

/// Read without the lock by who only wants to know about how much is in use.
fn raise(r: *Runs, top: u32) void {
    @atomicStore(u32, &r.top, top, .monotonic);
}

/// Whether the top has risen by a 256th, and by 256 KiB, since this was last true; for one caller. As the top never falls it is true
/// at most 178 times while a pool doubles.
pub fn hasRisen(r: *Runs) bool {
    const top = @atomicLoad(u32, &r.top, .monotonic);
    const mark = @atomicLoad(u32, &r.mark, .monotonic);
    if (top < mark) return false;
    return @cmpxchgStrong(u32, &r.mark, mark, top + @max(top / 256, 64), .monotonic, .monotonic) == null;
}

fn unused(r: *Runs, number: u32) void {
    r.metadata.descriptor(number).kind = .run;
    r.metadata.give(number);
}

fn aligned(r: *const Runs, page: u32, alignment: u32) u64 {
    return std.mem.alignForward(u64, r.base_page + page, alignment) - r.base_page;
}

/// A used run becomes free and merges with its neighbours.
fn putBack(r: *Runs, number: u32) void {
    r.full.note();
    @atomicStore(u64, &r.dirty_pages, r.dirty_pages + r.metadata.descriptor(number).pages, .monotonic);
    var start = r.metadata.descriptor(number).start;
    var pages = r.metadata.descriptor(number).pages;
    if (start > r.bottom) {
        const before = r.metadata.heads[start - 1];
        const d = r.metadata.descriptor(before);
        if (d.kind == .free_run) {
            start = d.start;
            pages += d.pages;
            r.unlist(before);
            r.metadata.give(before);
        }
    }
    if (start + pages < r.top) {
        const behind = r.metadata.heads[start + pages];
        const d = r.metadata.descriptor(behind);
        if (d.kind == .free_run) {
            pages += d.pages;
            r.unlist(behind);
            r.metadata.give(behind);
        }
    }
    const d = r.metadata.descriptor(number);
    if (r.region.lazy) r.noteIdle(d.start, d.start + d.pages, start, start + pages);
    const units = d.units;
    d.* = .{ .kind = .free_run, .start = start, .pages = pages, .units = units };
    r.list(number);
}

/// Pages were freed and are now part of the free run [start, stop): counts the granules that `trim` can give back for it.
fn noteIdle(r: *Runs, freed_start: u32, freed_stop: u32, start: u32, stop: u32) void {
    const each = r.region.granule / page_size;
    const from: usize = if (start == r.bottom) 0 else start;
    const to: usize = if (stop == r.top) r.end else stop;
    if (to - from < each) return;
    const first = @max((from + each - 1) / each, freed_start / each);
    const last = @min(to / each, (freed_stop + each - 1) / each);
    if (last > first) @atomicStore(u64, &r.idle_granules, r.idle_granules + (last - first), .monotonic);
}

fn list(r: *Runs, number: u32) void {
    r.setHeads(number);
    r.free_pages += r.metadata.descriptor(number).pages;
    r.free.insert(number);
}

fn unlist(r: *Runs, number: u32) void {
    r.free_pages -= r.metadata.descriptor(number).pages;
    r.free.remove(number);
}

fn setHeads(r: *Runs, number: u32) void {
    const d = r.metadata.descriptor(number);
    r.metadata.heads[d.start] = number;
    r.metadata.heads[d.start + d.pages - 1] = number;
}

/// Storage for the pages, if the region is lazy. Above what has storage so far it is taken in steps of
/// an eighth of the pool's use, so that a growing pool makes few system calls and a small one takes
/// little; where the step is refused, just what is needed. `run`: pages of the whole run that they are part of; for a large one
/// it may be promised.
fn commit(r: *Runs, start: u32, pages: u32, run: u32) bool {
    if (!r.region.lazy) return true;
    if (r.closed) return false;
    const granule = r.region.granule;
    const first = @as(usize, start) * page_size / granule;
    const last = ((@as(usize, start) + pages) * page_size - 1) / granule;
    const granules = r.metadata.granules;
    var i = first;
    while (i <= last) {
        if (granules[i] != 0) {
            i += 1;
            continue;
        }
        var stop = i + 1;
        while (stop <= last and granules[stop] == 0) stop += 1;
        if (@as(usize, run) * page_size >= promise_min and r.promiseGranules(i, stop)) {
            i = stop;
            continue;
        }
        if (stop == last + 1) {
            const ahead = std.math.clamp(r.used_pages * page_size / 8, granule, step_max) / granule;
            var far = stop;
            while (far < granules.len and far < i + ahead and granules[far] == 0) far += 1;
            if (far > stop and r.commitGranules(i, far)) return true;
        }
        if (!r.commitGranules(i, stop)) return false;
        i = stop;
    }
    return true;
}

fn commitGranules(r: *Runs, from: usize, to: usize) bool {
    r.region.commit(from * r.region.granule, r.lengthOf(from, to)) catch return false;
    r.noteGranules(from, to);
    return true;
}

/// False: nothing was promised.
fn promiseGranules(r: *Runs, from: usize, to: usize) bool {
    const promised = r.region.promise(from * r.region.granule, r.lengthOf(from, to)) catch false;
    if (promised) r.noteGranules(from, to);
    return promised;
}

fn lengthOf(r: *const Runs, from: usize, to: usize) usize {
    return @min(to * r.region.granule, r.region.size) - from * r.region.granule;
}

fn noteGranules(r: *Runs, from: usize, to: usize) void {
    memcheck.committed(r.region.base + from * r.region.granule, r.lengthOf(from, to));
    @memset(r.metadata.granules[from..to], 1);
    r.granules_end = @max(r.granules_end, to);
}

/// From now on no storage is taken or given back: the region goes its own way.
pub fn close(r: *Runs) void {
    r.lock.lock();
    defer r.lock.unlock();
    r.closed = true;
}

/// Gives the storage of every granule without a used page back; returns its bytes. Does nothing to a
/// region that is not lazy or cannot. Time by the number of free runs.
pub fn trim(r: *Runs) usize {
    if (!r.region.lazy or !r.region.can_purge) return 0;
    r.lock.lock();
    defer r.lock.unlock();
    if (r.closed) return 0;
    @atomicStore(u64, &r.dirty_pages, 0, .monotonic);
    @atomicStore(u64, &r.idle_granules, 0, .monotonic);
    r.npurge += 1;
    // What is below the bottom is never written, and what is above the top not yet.
    var bytes = if (r.top == r.bottom) r.purgePages(0, r.end) else r.purgePages(r.top, r.end);
    var found = r.free.atLeast(1);
    while (found != 0) : (found = r.free.next(found)) {
        const run = r.metadata.descriptor(found);
        const stop = run.start + run.pages;
        bytes += r.purgePages(
            if (run.start == r.bottom) 0 else run.start,
            if (stop == r.top) r.end else stop,
        );
    }
    r.purged_bytes += bytes;
    return bytes;
}

fn purgePages(r: *Runs, from: u32, to: u32) usize {
    const granule = r.region.granule;
    const granules = r.metadata.granules;
    var i = (@as(usize, from) * page_size + granule - 1) / granule;
    // The region's last granule may be a short one.
    const stop = @min(r.granules_end, if (to == r.end) granules.len else @as(usize, to) * page_size / granule);
    var bytes: usize = 0;
    while (i < stop) {
        if (granules[i] == 0) {
            i += 1;
            continue;
        }
        var far = i + 1;
        while (far < stop and granules[far] != 0) far += 1;
        const len = @min(far * granule, r.region.size) - i * granule;
        r.region.purge(i * granule, len) catch return bytes;
        @memset(granules[i..far], 0);
        if (far == r.granules_end) r.granules_end = i;
        bytes += len;
        i = far;
    }
    return bytes;
}

/// Pages of the largest run that could be allocated now, storage permitting.
pub fn largest(r: *Runs) u32 {
    r.lock.lock();
    defer r.lock.unlock();
    const found = r.free.largest();
    const listed = if (found == 0) 0 else r.metadata.descriptor(found).pages;
    var at_top = r.end - r.top;
    if (r.top > r.bottom) {
        const d = r.metadata.descriptor(r.metadata.heads[r.top - 1]);
        if (d.kind == .free_run) at_top += d.pages;
    }
    return @max(listed, at_top);
}
