//! The heap through its entry points by handle, on real anonymous memory, alone and under threads.

const std = @import("std");
const linux = std.os.linux;
const testing = std.testing;
const os = @import("../os.zig");
const calls = @import("calls.zig");
const classes = @import("classes.zig");
const harness = @import("harness.zig");
const records = @import("records.zig");
const thread = @import("thread.zig");

const Pool = harness.Pool;
const MiB = 1 << 20;

/// Fills a pool with blocks of one size, says how many, frees them all.
fn capacity(p: Pool, size: usize) !usize {
    var blocks: std.ArrayList([*]u8) = .empty;
    defer blocks.deinit(testing.allocator);
    while (p.malloc(size)) |block| try blocks.append(testing.allocator, block);
    for (blocks.items) |block| p.free(block);
    return blocks.items.len;
}

test "a block is aligned, writable and apart from the others" {
    const p: Pool = try .create(1, 16 * MiB, .{});
    defer p.delete();
    for ([_]usize{ 1, 8, 9, 16, 24, 100, 1000, 4096, 4097, 14336, 14337, 65536, 262144, 262145, 5_000_000 }) |size| {
        const a = p.malloc(size).?;
        const b = p.malloc(size).?;
        try testing.expectEqual(0, @intFromPtr(a) % @as(usize, if (size <= 8) 8 else 16));
        @memset(a[0..size], 0xaa);
        @memset(b[0..size], 0xbb);
        try testing.expect(std.mem.allEqual(u8, a[0..size], 0xaa));
        const usable = try calls.usableSize(1, @intFromPtr(a));
        try testing.expect(usable >= size);
        try testing.expectEqual(classes.usable(size), usable);
        p.free(a);
        p.free(b);
    }
    try p.expectEmpty();
}

test "a small pool is nearly all usable, in every order of sizes" {
    const p: Pool = try .create(1, 14 * MiB, .{});
    defer p.delete();
    const cycle = [_]usize{ 64, 4096, MiB, 4 * MiB, 64, 8, 16, 256, 65536, 24, 100, 1000, 4097, 64 };
    for (cycle) |size| {
        const count = try capacity(p, size);
        const bytes = count * classes.usable(size);
        if (size <= 65536) try testing.expect(bytes * 100 >= 96 * 14 * MiB);
        if (size == MiB) try testing.expectEqual(13, count);
        if (size == 4 * MiB) try testing.expectEqual(3, count);
        try p.expectEmpty();
    }
    try testing.expect(p.malloc(13 * MiB + MiB / 2) != null);
}

test "a pool that keeps a byte a block stays usable whatever it was cut into before" {
    const p: Pool = try .create(1, 14 * MiB, .{ .hardening = 2 });
    defer p.delete();
    // Slabs whose descriptors get larger and larger, then smaller ones.
    for ([_]usize{ 4096, 80, 32, 48, 16, 64, 32, 4096 }) |size| {
        const count = try capacity(p, size);
        try testing.expect(count * size * 100 >= 96 * 14 * MiB);
        try p.expectEmpty();
    }
}

test "every second block freed serves again for its size" {
    const p: Pool = try .create(1, 14 * MiB, .{});
    defer p.delete();
    var blocks: std.ArrayList([*]u8) = .empty;
    defer blocks.deinit(testing.allocator);
    while (p.malloc(64)) |block| try blocks.append(testing.allocator, block);
    var freed: usize = 0;
    for (blocks.items, 0..) |block, i| if (i % 2 == 0) {
        p.free(block);
        freed += 1;
    };
    var again: usize = 0;
    while (p.malloc(64)) |_| again += 1;
    try testing.expectEqual(freed, again);
    try p.expectSound();
}

test "sizes used a little take few pages" {
    const p: Pool = try .create(1, 14 * MiB, .{});
    defer p.delete();
    var pages: u64 = 0;
    for (1..classes.small_count + 1) |class| {
        const size = classes.sizes[class];
        _ = try calls.allocate(1, size, 1, false);
        const used = p.heap.stats().active / classes.page_size;
        // Less than an eighth of its slab is unused, and it has one block if that is so.
        try testing.expect(used - pages <= @max(1, 8 * size / classes.page_size + 1));
        pages = used;
    }
    try testing.expect(pages <= 200);
}

test "a pool that grows takes back what its thread cached" {
    const p: Pool = try .create(1, 256 * MiB, .{});
    defer p.delete();
    var blocks: [16][*]u8 = undefined;
    for (&blocks) |*block| block.* = p.malloc(32 << 10) orelse return error.OutOfMemory;
    for (blocks) |block| p.free(block);
    try testing.expect(p.heap.stats().cached >= 256 << 10);
    const top = p.heap.runs.top;
    while (p.heap.runs.top < top + 512) _ = p.malloc(64) orelse return error.OutOfMemory;
    try testing.expect(p.heap.stats().cached < 128 << 10);
    try p.expectSound();
}

test "runs grow and shrink in place, and shrinking never fails" {
    const p: Pool = try .create(1, 14 * MiB, .{});
    defer p.delete();
    const a = try calls.allocate(1, MiB, 1, false);
    try testing.expectEqual(a, try calls.resize(1, a, 12 * MiB));
    for ([_]usize{ 14 * MiB, std.math.maxInt(usize) - 4095, std.math.maxInt(usize) }) |beyond| {
        try testing.expectError(error.OutOfMemory, calls.resize(1, a, beyond));
        try testing.expect(!try calls.resizeInPlace(1, a, beyond));
    }
    try testing.expectEqual(a, try calls.resize(1, a, 20_000));
    const b = try calls.resize(1, a, 100);
    try testing.expectEqual(112, try calls.usableSize(1, b));
    const full = try calls.allocate(1, 13 * MiB, 1, false);
    var rest: usize = 0;
    while (p.malloc(4096)) |_| rest += 1;
    while (p.malloc(64)) |_| rest += 1;
    _ = try calls.resize(1, full, 12 * MiB);
    try p.expectSound();
}

test "calloc is zero over dirty and over fresh pages" {
    const p: Pool = try .create(1, 14 * MiB, .{});
    defer p.delete();
    for ([_]usize{ 10, 4096, 20_000, 100_000, 3 * MiB }) |size| {
        for (0..3) |_| {
            const a = try calls.allocate(1, size, 1, true);
            const bytes: [*]u8 = @ptrFromInt(a);
            try testing.expect(std.mem.allEqual(u8, bytes[0..size], 0));
            @memset(bytes[0..size], 0xff);
            try calls.release(1, a);
        }
    }
    try p.expectEmpty();
}

test "a run without a guard page, where the system refuses one, is an ordinary run" {
    if (!os.fault.enabled) return error.SkipZigTest;
    const p: Pool = try .create(1, 14 * MiB, .{ .hardening = 3 });
    defer p.delete();
    for ([_]usize{ 20_000, 128 << 10, 3 * MiB }) |size| {
        os.fault.armCallFrom(.mprotect, 1, error.ENOMEM);
        const block = calls.allocate(1, size, 1, false);
        os.fault.disarm();
        try p.expectSound();
        try testing.expect(try calls.usableSize(1, try block) >= size);
        try calls.release(1, try block);
        const guarded = try calls.allocate(1, size, 1, false);
        try p.expectSound();
        try calls.release(1, guarded);
    }
    try p.expectEmpty();
}

test "aligned blocks, up to the pool" {
    const p: Pool = try .create(1, 32 * MiB, .{});
    defer p.delete();
    var alignment: usize = 1;
    while (alignment <= 16 * MiB) : (alignment *= 2) {
        for ([_]usize{ 0, 1, 100, 5000, 300_000 }) |size| {
            const a = try calls.allocate(1, size, alignment, false);
            try testing.expectEqual(0, a % alignment);
            try calls.release(1, a);
        }
    }
    try testing.expectError(error.OutOfMemory, calls.allocate(1, 1, 1 << 40, false));
    try testing.expectError(error.OutOfMemory, calls.allocate(1, std.math.maxInt(usize), 1, false));
    try p.expectEmpty();
}

test "misuse is told apart and changes nothing" {
    for ([_]u8{ 1, 2 }) |level| {
        const p: Pool = try .create(1, 14 * MiB, .{ .hardening = level });
        defer p.delete();
        const a = try calls.allocate(1, 100, 1, false);
        const big = try calls.allocate(1, 3 * MiB, 1, false);
        var local: u64 = 0;
        for ([_]usize{ a + 1, a + 16, big + 4096, big + 8, p.heap.base, p.heap.base + 13 * MiB, @intFromPtr(&local), 1, 0 }) |bad| {
            try testing.expectError(error.InvalidPointer, calls.release(1, bad));
            try testing.expectError(error.InvalidPointer, calls.usableSize(1, bad));
            try testing.expectError(error.InvalidPointer, calls.resize(1, bad, 10));
        }
        try calls.release(1, big);
        try testing.expectError(error.InvalidPointer, calls.release(1, big));
        const b = try calls.allocate(1, 100, 1, false);
        try calls.release(1, a);
        if (level == 2) {
            try testing.expectError(error.AlreadyFree, calls.release(1, a));
            try calls.release(1, b);
            try testing.expectError(error.AlreadyFree, calls.release(1, a));
        } else {
            try calls.release(1, b);
            try calls.release(1, a); // noticed when the magazine is drained
            try testing.expect(p.heap.check(null));
            try testing.expect(harness.misuse.load(.monotonic) > 0);
        }
        try p.expectEmpty();
        try testing.expectError(error.DeadHandle, calls.release(7, a));
        try testing.expectError(error.DeadHandle, calls.allocate(0, 1, 1, false));
    }
}

test "a deleted pool leaves no records behind" {
    var blocks: [4000][*]u8 = undefined;
    var before: usize = 0;
    for (0..8) |round| {
        const p: Pool = try .create(1, 64 * MiB, .{ .arenas = 2 });
        for ([_]usize{ 16, 64, 256, 1024 }) |size| {
            for (&blocks) |*block| block.* = p.malloc(size).?;
            for (blocks) |block| p.free(block);
        }
        var depots: u32 = 0;
        for (p.heap.depot_counts) |count| depots += count;
        try testing.expect(depots > 0);
        p.delete();
        thread.flushThread();
        if (round == 0) before = records.unused() else try testing.expectEqual(before, records.unused());
    }
}

test "many pools in one thread, handles used again" {
    for (0..50) |round| {
        var pools: [8]Pool = undefined;
        for (&pools, 1..) |*p, handle| p.* = try .create(handle, MiB, .{});
        for (0..100) |i| {
            const p = pools[(i * 7 + round) % 8];
            const block = p.malloc(100).?;
            block[0] = 1;
            if (i % 2 == 0) p.free(block);
        }
        for (pools) |p| {
            try p.expectSound();
            p.delete();
        }
    }
}

test "a pool of terabytes" {
    for ([_]u8{ 0, 1, 2, 3 }) |level| {
        const p: Pool = try .create(1, 1 << 41, .{ .lazy = true, .hardening = level });
        defer p.delete();
        for ([_]usize{ 16, 5000, MiB, 1 << 32 }) |size| p.free(p.malloc(size).?);
        try testing.expect(p.heap.metadata.len > p.heap.metadata.units_end * @as(usize, 64));
        try p.expectSound();
        const aligned = try calls.allocate(1, 1 << 39, 1 << 39, false);
        try testing.expectEqual(0, aligned % (1 << 39));
        try testing.expectEqual(null, p.malloc(1 << 41));
    }
}

test "a lazy region gets storage as the pool grows and gives it back" {
    const p: Pool = try .create(1, 1 << 30, .{ .lazy = true });
    defer p.delete();
    try testing.expectEqual(0, p.region.committed());
    var blocks: [64][*]u8 = undefined;
    for (&blocks) |*block| {
        block.* = p.malloc(MiB).?;
        @memset(block.*[0..MiB], 1);
    }
    try testing.expect(p.region.committed() >= 64 * MiB);
    for (blocks) |block| p.free(block);
    try testing.expect(p.heap.trim() >= 64 * MiB);
    try testing.expectEqual(0, p.region.committed());
    try p.expectEmpty();
    const again = try calls.allocate(1, 64 * MiB, 1, true);
    const bytes: [*]u8 = @ptrFromInt(again);
    try testing.expect(std.mem.allEqual(u8, bytes[0 .. 64 * MiB], 0));
}

const Worker = struct {
    p: Pool,
    seed: u64,
    rounds: usize,
    failures: u32 = 0,

    fn churn(w: *Worker) void {
        var state: std.Random.DefaultPrng = .init(w.seed);
        const random = state.random();
        var live: [64]?[]u8 = @splat(null);
        for (0..w.rounds) |_| {
            const slot = &live[random.uintLessThan(usize, live.len)];
            if (slot.*) |block| {
                const tag: u8 = @truncate(@intFromPtr(block.ptr) >> 4 ^ block.len);
                if (!std.mem.allEqual(u8, block, tag)) w.failures += 1;
                w.p.free(block.ptr);
                slot.* = null;
            } else {
                const size = @as(usize, 1) << random.uintLessThan(u6, 13);
                const block = w.p.malloc(size + random.uintLessThan(usize, size)) orelse continue;
                slot.* = block[0..size];
                @memset(slot.*.?, @truncate(@intFromPtr(block) >> 4 ^ size));
            }
        }
        for (live) |slot| if (slot) |block| w.p.free(block.ptr);
    }
};

test "threads churn, end, and leave the pool empty" {
    const p: Pool = try .create(1, 14 * MiB, .{ .arenas = 2 });
    defer p.delete();
    for (0..3) |round| {
        var workers: [6]Worker = undefined;
        var threads: [6]std.Thread = undefined;
        for (&workers, &threads, 0..) |*w, *t, i| {
            w.* = .{ .p = p, .seed = round * 10 + i, .rounds = 20_000 };
            t.* = try std.Thread.spawn(.{}, Worker.churn, .{w});
        }
        for (threads) |t| t.join();
        for (workers) |w| try testing.expectEqual(0, w.failures);
        try p.expectEmpty();
        try testing.expectEqual(0, p.heap.budget_used);
    }
}

test "an idle thread's cache is taken back before a request fails" {
    if (!os.thread.registerMembarrier()) return error.SkipZigTest;
    const p: Pool = try .create(1, 14 * MiB, .{});
    defer p.delete();
    const Idle = struct {
        fn run(pool: Pool, ready: *std.atomic.Value(u32), stop: *std.atomic.Value(u32)) void {
            // All threads' at once have 10 MB.
            var blocks: [1500][*]u8 = undefined;
            for (&blocks, 0..) |*b, i| b.* = pool.malloc(16 + i).?;
            for (blocks) |b| pool.free(b);
            _ = ready.fetchAdd(1, .release);
            while (stop.load(.acquire) == 0) os.thread.yield();
        }
    };
    var ready: std.atomic.Value(u32) = .init(0);
    var stop: std.atomic.Value(u32) = .init(0);
    var threads: [8]std.Thread = undefined;
    for (&threads) |*t| t.* = try std.Thread.spawn(.{}, Idle.run, .{ p, &ready, &stop });
    while (ready.load(.acquire) != threads.len) os.thread.yield();
    const whole = p.malloc(14 * MiB - 8192);
    try testing.expect(whole != null);
    p.free(whole.?);
    stop.store(1, .release);
    for (threads) |t| t.join();
    try p.expectEmpty();
}

test "a block is taken back although its bin is closed while its free is on the way" {
    const p: Pool = try .create(1, 14 * MiB, .{ .hardening = 2 });
    defer p.delete();
    thread.hooks.checked = true;
    const Thief = struct {
        fn run(pool: Pool, stop: *std.atomic.Value(u32)) void {
            while (stop.load(.acquire) == 0) _ = pool.heap.trim();
        }
    };
    var stop: std.atomic.Value(u32) = .init(0);
    const thief = try std.Thread.spawn(.{}, Thief.run, .{ p, &stop });
    var refused: u32 = 0;
    const Face = Pool.Face(true);
    for (0..1_000_000) |_| {
        const block = thread.malloc(Face, 1, 64) orelse continue;
        if (!thread.free(Face, 1, @intFromPtr(block), @intFromPtr(block))) refused += 1;
    }
    stop.store(1, .release);
    thief.join();
    try testing.expectEqual(0, refused);
    try p.expectEmpty();
}

test "a hot free refuses what is inside a block" {
    const p: Pool = try .create(1, 14 * MiB, .{ .hardening = 2 });
    defer p.delete();
    thread.hooks.checked = true;
    const Face = Pool.Face(true);
    for ([_]usize{ 16, 100, 5000, 20_000, 900_000 }) |size| {
        const block = @intFromPtr(thread.malloc(Face, 1, size).?);
        for ([_]usize{ 1, 8, 15, size / 2, size - 1 }) |inside| {
            try testing.expect(!thread.free(Face, 1, block + inside, block + inside));
        }
        try testing.expect(thread.free(Face, 1, block, block));
        try testing.expect(!thread.free(Face, 1, block, block));
    }
    try p.expectEmpty();
}

test "busy threads get blocks as long as there are some" {
    if (!os.thread.registerMembarrier()) return error.SkipZigTest;
    const p: Pool = try .create(1, 2 * MiB, .{});
    defer p.delete();
    const Shared = struct {
        pool: Pool,
        ready: std.atomic.Value(u32) = .init(0),
        stop: std.atomic.Value(u32) = .init(0),
        refused: std.atomic.Value(u32) = .init(0),

        /// Many caches make taking them back slow.
        fn idle(s: *@This()) void {
            if (s.pool.malloc(16)) |block| s.pool.free(block);
            _ = s.ready.fetchAdd(1, .release);
            while (s.stop.load(.acquire) == 0) os.thread.futexWait(&s.stop.raw, 0, null) catch {};
        }
        fn busy(s: *@This()) void {
            for (0..200_000) |_| {
                const a = s.pool.malloc(64);
                const b = s.pool.malloc(64);
                if (a == null or b == null) _ = s.refused.fetchAdd(1, .monotonic);
                if (a) |block| s.pool.free(block);
                if (b) |block| s.pool.free(block);
            }
        }
    };
    var shared: Shared = .{ .pool = p };
    var idle: [64]std.Thread = undefined;
    for (&idle) |*t| t.* = try std.Thread.spawn(.{ .stack_size = 1 * MiB }, Shared.idle, .{&shared});
    while (shared.ready.load(.acquire) != idle.len) os.thread.yield();
    var blocks: std.ArrayList([*]u8) = .empty;
    defer blocks.deinit(testing.allocator);
    while (p.malloc(64)) |block| try blocks.append(testing.allocator, block);
    // As many as the threads hold at most.
    var busy: [8]std.Thread = undefined;
    for (0..2 * busy.len) |_| p.free(blocks.pop().?);
    for (&busy) |*t| t.* = try std.Thread.spawn(.{}, Shared.busy, .{&shared});
    for (busy) |t| t.join();
    shared.stop.store(1, .release);
    _ = os.thread.futexWake(&shared.stop.raw, idle.len);
    for (idle) |t| t.join();
    try testing.expectEqual(0, shared.refused.raw);
    for (blocks.items) |block| p.free(block);
    try p.expectEmpty();
}

test "thousands of short threads leave nothing behind" {
    const p: Pool = try .create(1, 14 * MiB, .{});
    defer p.delete();
    const Short = struct {
        fn run(pool: Pool) void {
            const a = pool.malloc(64) orelse return;
            const b = pool.malloc(5000) orelse return;
            pool.free(a);
            pool.free(b);
        }
    };
    for (0..2000) |_| (try std.Thread.spawn(.{}, Short.run, .{p})).join();
    try p.expectEmpty();
    try testing.expectEqual(0, p.heap.threads);
}

test "pools are deleted while threads that used them live on" {
    harness.hold();
    defer harness.letGo();
    const Loop = struct {
        fn run(stop: *std.atomic.Value(u32), served: *std.atomic.Value(u32)) void {
            while (stop.load(.acquire) == 0) {
                const a = calls.allocate(1, 64, 1, false) catch continue;
                _ = served.fetchAdd(1, .monotonic);
                calls.release(1, a) catch {};
            }
        }
    };
    var stop: std.atomic.Value(u32) = .init(0);
    var served: std.atomic.Value(u32) = .init(0);
    var threads: [3]std.Thread = undefined;
    for (&threads) |*t| t.* = try std.Thread.spawn(.{}, Loop.run, .{ &stop, &served });
    for (0..200) |_| {
        const p: Pool = try .create(1, MiB, .{ .hardening = 2 });
        const before = served.load(.monotonic);
        while (served.load(.monotonic) == before) os.thread.yield();
        p.delete();
    }
    stop.store(1, .release);
    for (threads) |t| t.join();
}

test "level 3 holds freed blocks back, notices writes to them, and guards runs" {
    const p: Pool = try .create(1, 32 * MiB, .{ .hardening = 3 });
    defer p.delete();
    const a = try calls.allocate(1, 100, 1, false);
    try calls.release(1, a);
    for (0..100) |_| try testing.expect(a != try calls.allocate(1, 100, 1, false));
    const bytes: [*]u8 = @ptrFromInt(a);
    bytes[50] = 1;
    try p.expectSound(); // empties the quarantine
    try testing.expectEqual(1, harness.misuse.load(.monotonic));
    const run = try calls.allocate(1, 100_000, 1, false);
    const end = run + try calls.usableSize(1, run);
    // The kernel refuses to read what faults.
    var pipe: [2]i32 = undefined;
    try testing.expectEqual(.SUCCESS, linux.errno(linux.pipe2(&pipe, .{})));
    defer for (pipe) |fd| {
        _ = linux.close(fd);
    };
    try testing.expectEqual(.SUCCESS, linux.errno(linux.write(pipe[1], @ptrFromInt(end - 1), 1)));
    try testing.expectEqual(.FAULT, linux.errno(linux.write(pipe[1], @ptrFromInt(end), 1)));
    try calls.release(1, run);
    try p.expectSound();
}

fn bytesAt(address: usize, len: usize) []u8 {
    return @as([*]u8, @ptrFromInt(address))[0..len];
}

test "junk and zero fill new blocks, and blocks of no cache are served" {
    for ([_]bool{ false, true }) |zero| {
        const p: Pool = try .create(1, 14 * MiB, .{ .junk = .both, .zero = zero });
        defer p.delete();
        const a = p.malloc(100).?;
        try testing.expectEqual(@as(u8, if (zero) 0 else 0xa5), a[99]);
        p.free(a);
        try testing.expectEqual(0x5a, a[99]);
        // A run that was never used, and one that grows in place.
        const cleared = try calls.allocate(1, 5 * MiB, 1, true);
        try testing.expect(std.mem.allEqual(u8, bytesAt(cleared, 5 * MiB), 0));
        try testing.expectEqual(cleared, try calls.resize(1, cleared, 6 * MiB));
        try testing.expect(std.mem.allEqual(u8, bytesAt(cleared, 5 * MiB), 0));
        const grown: u8 = if (zero) 0 else 0xa5;
        try testing.expect(std.mem.allEqual(u8, bytesAt(cleared + 5 * MiB, 60_000), grown));
    }
    const p: Pool = try .create(1, 14 * MiB, .{ .cached_max = 0 });
    defer p.delete();
    p.free(p.malloc(100).?);
    try testing.expectEqual(0, p.heap.stats().cached);
    try p.expectEmpty();
}
