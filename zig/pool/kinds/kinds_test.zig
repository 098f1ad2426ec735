//! Lives of kinds: made, used, ended, and every system call of that failing once.

const std = @import("std");
const testing = std.testing;
const os = @import("../../os.zig");
const heap = @import("../../heap.zig");
const pool = @import("../../pool.zig");
const kinds = pool.kinds;
const areas = @import("areas.zig");
const layout = kinds.layout;
const settings = @import("settings.zig");
const table = @import("table.zig");

const ops: layout.Ops = .{};
const MiB = 1 << 20;

fn handleOf(kind: *const kinds.Kind) usize {
    return @intFromPtr(kind);
}

test "a kind gives blocks by its own address, and its memory is known to be its" {
    table.open();
    const made = kinds.createFile("/tmp", 20 * MiB, 0, &ops);
    try testing.expectEqual(layout.Code.success, made.code);
    const kind = made.kind.?;
    const block = try heap.allocate(handleOf(kind), 1000, 1, false);
    try testing.expectEqual(kind, kinds.owner(block).?);
    try testing.expectEqual(null, kinds.owner(@intFromPtr(kind)));
    try testing.expectEqual(20 * MiB, kinds.numbers.capacity(kind).?);
    try testing.expectEqual(null, kinds.numbers.get(kind, 2));
    kinds.numbers.update();
    try testing.expectEqual(1024, kinds.numbers.get(kind, 2).?);
    try testing.expect(try pool.check(handleOf(kind)));
    try testing.expectEqual(layout.Code.success, kinds.destroy(kind).code);
    try testing.expectEqual(layout.Code.failed, kinds.destroy(kind).code);
    try testing.expectEqual(null, kinds.owner(block));
    try testing.expectError(error.DeadHandle, heap.allocate(handleOf(kind), 1000, 1, false));
}

test "the kinds that are there are started by their first use, by one of several threads" {
    table.open();
    const kind = &kinds.built_in_kinds[@backingInt(kinds.Name.regular)];
    const Starter = struct {
        fn run(of: *kinds.Kind, started: *std.atomic.Value(u32)) void {
            if (!kinds.start(of)) return;
            const block = heap.allocate(handleOf(of), 100, 1, false) catch return;
            heap.release(handleOf(of), block) catch return;
            _ = started.fetchAdd(1, .monotonic);
        }
    };
    var started: std.atomic.Value(u32) = .init(0);
    var threads: [4]std.Thread = undefined;
    for (&threads) |*thread| thread.* = try std.Thread.spawn(.{}, Starter.run, .{ kind, &started });
    for (threads) |thread| thread.join();
    try testing.expectEqual(4, started.raw);
    try testing.expect(!kinds.start(&kinds.built_in_kinds[@backingInt(kinds.Name.hugetlb)]));
    try testing.expectEqual(layout.Code.success, kinds.destroy(kind).code);
    try testing.expect(kinds.exists(kind));
    for (0..2) |_| {
        const block = try heap.allocate(handleOf(kind), 100, 1, false);
        try testing.expectEqual(layout.Code.success, kinds.close(kind).code);
        try testing.expectEqual(null, kinds.owner(block));
        try testing.expectError(error.DeadHandle, heap.allocate(handleOf(kind), 100, 1, false));
        try testing.expect(kinds.start(kind));
    }
    try testing.expectEqual(layout.Code.success, kinds.close(kind).code);
}

test "nobody takes the memory of the default kind away" {
    table.open();
    const kind = &kinds.built_in_kinds[@backingInt(kinds.Name.default)];
    try testing.expect(kinds.start(kind));
    const block = try heap.allocate(handleOf(kind), 100, 1, false);
    try testing.expectEqual(layout.Code.success, kinds.close(kind).code);
    try testing.expectEqual(kind, kinds.owner(block).?);
    // As if it had not been used, for the tests of limits on memory.
    areas.remove(kind.partition);
    try pool.close(handleOf(kind));
    table.find(kind).?.state = .waiting;
}

test "a record of the caller's becomes a kind on a file of the caller's" {
    table.open();
    const fd = try os.file.openTemporary("/tmp");
    var theirs: kinds.Kind = .{};
    try testing.expectEqual(layout.Code.success, kinds.adopt(&theirs, &ops, "theirs", .descriptor).code);
    const private: *layout.Private = @ptrCast(@alignCast(theirs.private.?));
    try testing.expect(!kinds.start(&theirs)); // without a file yet
    private.descriptor = fd;
    private.limit = 32 * MiB;
    try testing.expect(kinds.start(&theirs));
    const block = try heap.allocate(handleOf(&theirs), 5 * MiB, 1, false);
    try testing.expectEqual(&theirs, kinds.owner(block).?);
    try testing.expect(try os.file.allocated(fd) >= 5 * MiB);
    try testing.expect(private.size >= 5 * MiB);
    const before = try os.file.openCount();
    try testing.expectEqual(layout.Code.success, kinds.close(&theirs).code);
    try testing.expectEqual(before - 2, try os.file.openCount());
    try testing.expect(!kinds.exists(&theirs));
}

test "what is a kind already is not made one again" {
    table.open();
    const default = &kinds.built_in_kinds[@backingInt(kinds.Name.interleave)];
    const partition = default.partition;
    try testing.expectEqual(layout.Code.invalid, kinds.adopt(default, &ops, "again", .memory).code);
    try testing.expectEqual(partition, default.partition);
    var theirs: kinds.Kind = .{};
    try testing.expectEqual(layout.Code.success, kinds.adopt(&theirs, &ops, "theirs", .memory).code);
    try testing.expectEqual(layout.Code.invalid, kinds.adopt(&theirs, &ops, "theirs", .memory).code);
    try testing.expectEqual(layout.Code.success, kinds.destroy(&theirs).code);
    try testing.expectEqual(layout.Code.success, kinds.adopt(&theirs, &ops, "theirs", .memory).code);
    try testing.expectEqual(layout.Code.success, kinds.destroy(&theirs).code);
}

test "a block of a pool whose area is not known yet has an owner" {
    table.open();
    const kind = kinds.createFile("/tmp", 0, 0, &ops).kind.?;
    defer _ = kinds.destroy(kind);
    const block = try heap.allocate(handleOf(kind), 1000, 1, false);
    table.lock.lock();
    areas.remove(kind.partition);
    table.lock.unlock();
    try testing.expectEqual(kind, kinds.owner(block).?);
}

test "addresses that are another kind's still, whose memory the program unmapped: no kind" {
    table.open();
    const kind = kinds.createFile("/tmp", 0, 0, &ops).kind.?;
    const range = pool.find(handleOf(kind)).?;
    const base, const size = .{ range.region.base, range.region.size };
    range.release();
    try testing.expectEqual(layout.Code.success, kinds.destroy(kind).code);
    // The next addresses are these or those below them.
    const slot = layout.kinds_max - 1;
    table.lock.lock();
    try testing.expect(areas.insert(base - size, 2 * size, slot));
    table.lock.unlock();
    const before = try Holdings.now();
    const made = kinds.createFile("/tmp", 0, 0, &ops);
    table.lock.lock();
    areas.remove(slot);
    table.lock.unlock();
    try testing.expectEqual(layout.Code.invalid, made.code);
    try testing.expectEqual(error.EEXIST, made.err.?);
    try testing.expectEqual(before, try Holdings.now());
}

const c = struct {
    extern "c" fn alarm(seconds: c_uint) c_uint;
    extern "c" fn fork() c_int;
    extern "c" fn _exit(code: c_int) noreturn;
};

test "a kind that another thread was starting when the process forked can be started in the child" {
    table.open();
    const kind = &kinds.built_in_kinds[@backingInt(kinds.Name.highest_capacity)];
    const other = &kinds.built_in_kinds[@backingInt(kinds.Name.highest_capacity_preferred)];
    try testing.expect(kinds.start(other));
    for ([_]bool{ false, true }) |made| {
        // As it is before, and just after, its pool is there.
        if (made) {
            try testing.expect(kinds.start(kind));
            areas.remove(kind.partition);
        }
        table.find(kind).?.state = .busy;
        const child = c.fork();
        if (child == 0) {
            _ = c.alarm(20);
            if (!made and !kinds.start(kind)) c._exit(1);
            const block = heap.allocate(handleOf(kind), 100, 1, false) catch c._exit(2);
            if (kinds.owner(block) != kind or table.find(kind).?.state != .open) c._exit(3);
            c._exit(0);
        }
        table.find(kind).?.state = .waiting;
        var status: u32 = 0;
        try testing.expectEqual(child, @as(c_int, @intCast(std.os.linux.waitpid(child, @ptrCast(&status), 0))));
        try testing.expectEqual(0, status);
    }
    // Tests of limits on memory come later.
    for ([_]*kinds.Kind{ kind, other }) |started| try testing.expectEqual(layout.Code.success, kinds.close(started).code);
}

const Holdings = struct {
    descriptors: usize,
    mapped: os.memory.Totals,
    free_slots: usize,

    fn now() !Holdings {
        var unused: usize = layout.kinds_max;
        for (table.all()) |*record| unused -= @intFromBool(record.state != .unused);
        return .{ .descriptors = try os.file.openCount(), .mapped = try os.memory.mapped(), .free_slots = unused };
    }
};

fn live(policy: c_int) !layout.Code {
    const made = kinds.createFile("/tmp", 0, policy, &ops);
    const kind = made.kind orelse return made.code;
    if (heap.allocate(handleOf(kind), 300_000, 1, true)) |block|
        try heap.release(handleOf(kind), block)
    else |err|
        try testing.expectEqual(error.OutOfMemory, err);
    return kinds.destroy(kind).code;
}

test "a system call that fails leaves no kind, no slot and no file behind" {
    if (!os.fault.enabled) return error.SkipZigTest; // built without options.fault
    table.open();
    defer os.fault.disarm();
    for ([_]c_int{ 0, 1 }) |policy| {
        for (0..2) |_| try testing.expectEqual(layout.Code.success, try live(policy));
        for ([_]os.Error{ error.ENOMEM, error.EIO }) |injected| {
            var refused: usize = 0;
            var doubtful: usize = 0;
            var n: u64 = 1;
            while (true) : (n += 1) {
                const before = try Holdings.now();
                os.fault.arm(n, injected);
                const code = try live(policy);
                const calls = os.fault.count();
                os.fault.disarm();
                if (code != .success) refused += 1;
                const after = try Holdings.now();
                // A region that cannot tell whether a descriptor is still its own leaves it open.
                doubtful += after.descriptors - before.descriptors;
                try testing.expectEqual(before.free_slots, after.free_slots);
                if (calls < n) {
                    try testing.expectEqual(before, after);
                    break;
                }
            }
            try testing.expect(refused > 0 and doubtful <= 2);
        }
    }
}

test "a wrong number of arenas refuses every kind" {
    table.open();
    settings.settings.arenas_wrong = true;
    defer settings.settings.arenas_wrong = false;
    try testing.expectEqual(layout.Code.environment, kinds.createFile("/tmp", 0, 0, &ops).code);
    try testing.expectEqual(layout.Code.environment, kinds.createFixed(4096, 1 << 20, &ops).code);
}
