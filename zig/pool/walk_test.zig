//! Walks over a pool by a function; what they find is tested in heap/walk_test.zig.

const std = @import("std");
const os = @import("../os.zig");
const heap = @import("../heap.zig");
const pool = @import("../pool.zig");

const Visitor = struct {
    handle: usize,
    seen: usize = 0,
    stop_at: usize = 0,
    frees: bool = false,
    closes: bool = false,

    pub fn visit(v: *Visitor, block: heap.walk.Block) c_int {
        v.seen += 1;
        if (v.frees) heap.release(v.handle, block.address) catch return -1;
        if (v.closes) pool.close(v.handle) catch return -1;
        return if (v.seen == v.stop_at) 7 else 0;
    }
};

test "a walk visits all blocks, stops when told, and may free and close" {
    const handle = try pool.create(&.{ .source = .anonymous, .maximum = 64 << 20 });
    for (0..20_000) |i| _ = try heap.allocate(handle, 100 + i % 100, 1, false);
    var all: Visitor = .{ .handle = handle };
    try std.testing.expectEqual(0, try pool.walk(handle, &all));
    try std.testing.expectEqual(20_000, all.seen);
    var few: Visitor = .{ .handle = handle, .stop_at = 12_345 };
    try std.testing.expectEqual(7, try pool.walk(handle, &few));
    try std.testing.expectEqual(12_345, few.seen);
    var freeing: Visitor = .{ .handle = handle, .frees = true };
    try std.testing.expectEqual(0, try pool.walk(handle, &freeing));
    try std.testing.expectEqual(20_000, freeing.seen);
    try std.testing.expectEqual(0, (try pool.stats(handle)).allocated);
    _ = try heap.allocate(handle, 100, 1, false);
    var closing: Visitor = .{ .handle = handle, .closes = true };
    try std.testing.expectError(error.EBADF, pool.walk(handle, &closing));
    try std.testing.expectEqual(1, closing.seen);
    try std.testing.expectError(error.EBADF, pool.walk(handle, &closing));
}

test "a walk without memory for its list says so" {
    if (!os.fault.enabled) return error.SkipZigTest; // built without options.fault
    const handle = try pool.create(&.{ .source = .anonymous, .maximum = 4 << 20 });
    defer pool.close(handle) catch {};
    _ = try heap.allocate(handle, 100, 1, false);
    os.fault.armCallFrom(.mmap, 1, error.ENOMEM);
    defer os.fault.disarm();
    var visitor: Visitor = .{ .handle = handle };
    try std.testing.expectError(error.ENOMEM, pool.walk(handle, &visitor));
    try std.testing.expectEqual(0, visitor.seen);
}

test "pieces by handle, and what no pool is" {
    const handle = try pool.create(&.{ .source = .anonymous, .maximum = 4 << 20 });
    var piece: [heap.walk.room_min]heap.walk.Block = undefined;
    for (0..1000) |_| _ = try heap.allocate(handle, 100, 1, false);
    var at: u32 = 0;
    var seen: usize = 0;
    while (true) {
        const count = try pool.blocks(handle, &at, &piece);
        if (count == 0) break;
        seen += count;
    }
    try std.testing.expectEqual(1000, seen);
    try pool.close(handle);
    try std.testing.expectError(error.EBADF, pool.blocks(handle, &at, &piece));
    try std.testing.expectError(error.EINVAL, pool.blocks(0, &at, &piece));
}

test "the owner of an address is found among many pools, by any thread, while pools come and go" {
    var handles: [40]usize = undefined;
    var addresses: [40]usize = undefined;
    for (&handles, &addresses) |*handle, *address| {
        handle.* = try pool.create(&.{ .source = .anonymous, .maximum = 1 << 20 });
        address.* = try heap.allocate(handle.*, 100, 1, false);
    }
    const Churn = struct {
        fn run(done: *std.atomic.Value(bool)) void {
            // Closed ranges wait before they are unmapped, and other tests limit the process's memory.
            for (0..100) |_| {
                if (done.load(.acquire)) break;
                const handle = pool.create(&.{ .source = .anonymous, .maximum = 1 << 20 }) catch continue;
                pool.close(handle) catch {};
            }
        }
    };
    var done: std.atomic.Value(bool) = .init(false);
    const t = try std.Thread.spawn(.{}, Churn.run, .{&done});
    for (0..2000) |i| {
        const one = i % handles.len;
        try std.testing.expectEqual(handles[one], pool.owner(addresses[one]).?);
    }
    done.store(true, .release);
    t.join();
    try std.testing.expectEqual(null, pool.owner(0));
    try std.testing.expectEqual(null, pool.owner(@intFromPtr(&handles)));
    for (handles, addresses) |handle, address| {
        try pool.close(handle);
        try std.testing.expectEqual(null, pool.owner(address));
    }
}
