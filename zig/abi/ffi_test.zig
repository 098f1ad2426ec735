//! Tests of the functions of the TypeScript package, called as an engine would.

const std = @import("std");
const testing = std.testing;
const ffi = @import("ffi.zig");
const status = ffi.status;
const table = ffi.table;

fn testPool(size: f64, level: f64) !f64 {
    const directory = "/tmp";
    // By `ffi.Option`: lazy, given back by decay, storage of any kind, no device, no region, no wishes for its pages.
    const options = [_]f64{ 0, size, 0, level, 1, 0, 0, 0, 0, -1 };
    const handle = table.vmem_ffi_create(&options, options.len, directory, directory.len);
    try testing.expect(handle > 0);
    return handle;
}

test "reports fit their buffers, or are refused" {
    const handle = try testPool(64 << 20, 2);
    defer _ = table.vmem_ffi_close(handle);
    const invalid: f64 = @floatFromInt(status(error.EINVAL));
    var out: [1100]f64 = @splat(0);
    for ([_]f64{ 0, 1, 1024, -1, std.math.nan(f64) }) |capacity| try testing.expectEqual(invalid, table.vmem_ffi_blocks(handle, &out, capacity));
    try testing.expectEqual(invalid, table.vmem_ffi_blocks(handle, null, 1025));
    try testing.expectEqual(0, table.vmem_ffi_blocks(handle, &out, 1025));
    out[0] = 0;
    const block = table.vmem_ffi_malloc(handle, 100);
    try testing.expectEqual(1, table.vmem_ffi_blocks(handle, &out, 1026));
    try testing.expectEqual(block, out[1]);
    try testing.expectEqual(112, out[2]);
    try testing.expectEqual(0, table.vmem_ffi_blocks(handle, &out, 1025));
    for ([_]f64{ -1, 0.5, 1e300 }) |place| {
        out[0] = place;
        try testing.expectEqual(invalid, table.vmem_ffi_blocks(handle, &out, 1025));
    }
    const rows = table.vmem_ffi_stats_classes(handle, null, 0);
    out = @splat(7);
    try testing.expectEqual(rows, table.vmem_ffi_stats_classes(handle, &out, 8));
    try testing.expectEqual(7, out[0]);
    for ([_]f64{ 1000, -1, 0.5 }) |arena| try testing.expect(table.vmem_ffi_stats_arena(handle, arena, &out, 6) < 0);
    try testing.expect(table.vmem_ffi_stats_arena(handle, 0, &out, 5) < 0);
    try testing.expectEqual(0, table.vmem_ffi_stats_arena(handle, 0, &out, 6));
    // A text is cut to the room, its length is not.
    out = @splat(0);
    try testing.expectEqual(@backingInt(ffi.Control.text), table.vmem_ffi_ctl(handle, "opt.junk", 8, &out, 1));
    try testing.expectEqual(0, out[1]);
    try testing.expectEqual(@backingInt(ffi.Control.text), table.vmem_ffi_ctl(handle, "opt.junk", 8, &out, 2));
    try testing.expect(out[0] > 0 and out[1] != 0);
    for ([_]f64{ 0, -1, std.math.nan(f64) }) |length| try testing.expect(table.vmem_ffi_ctl(handle, "epoch", length, &out, 9) < 0);
    try testing.expect(table.vmem_ffi_ctl(handle, "epoch", 5, &out, 0) < 0);
    try testing.expect(table.vmem_ffi_ctl_set(handle, "epoch", 5, std.math.nan(f64)) < 0);
}

test "sites are told and looked up, and what is none of them is refused" {
    const handle = try testPool(64 << 20, 2);
    defer _ = table.vmem_ffi_close(handle);
    const invalid: f64 = @floatFromInt(status(error.EINVAL));
    const nan = std.math.nan(f64);
    try testing.expectEqual(0, table.vmem_ffi_is_traced(handle));
    try testing.expectEqual(0, table.vmem_ffi_trace(handle));
    try testing.expectEqual(1, table.vmem_ffi_is_traced(handle));
    for ([_]f64{ 0, -1, nan, 0.5 }) |length| try testing.expectEqual(invalid, table.vmem_ffi_site(handle, "here", length));
    try testing.expectEqual(invalid, table.vmem_ffi_site(handle, null, 4));
    try testing.expectEqual(1, table.vmem_ffi_site(handle, "here", 4));
    var name: [8]u8 = @splat(0);
    try testing.expectEqual(4, table.vmem_ffi_site_name(handle, 1, &name, 2));
    try testing.expectEqualStrings("he", std.mem.sliceTo(&name, 0));
    for ([_]f64{ 0, 2, -1, nan, 0x1p23, 0x1p60 }) |site| try testing.expectEqual(invalid, table.vmem_ffi_site_name(handle, site, &name, 8));
    try testing.expectEqual(invalid, table.vmem_ffi_site_name(handle, 1, null, 8));

    const block = table.vmem_ffi_malloc(handle, 100);
    // What is no block is passed over, wherever it leads.
    const given = [_]f64{ nan, -1, 0, 0x1p52, 64 << 20, block + 8, 0.5, block };
    try testing.expectEqual(0, table.vmem_ffi_note(handle, &given, given.len, 1));
    for ([_]f64{ -1, nan, 0x1p23 }) |site| try testing.expectEqual(status(error.EINVAL), table.vmem_ffi_note(handle, &given, 8, site));
    try testing.expectEqual(status(error.EINVAL), table.vmem_ffi_note(handle, null, 8, 1));
    var pairs = [_]f64{ 0, block, 112, block + 16, 5 };
    try testing.expectEqual(0, table.vmem_ffi_sites(handle, &pairs, 2));
    try testing.expectEqual([_]f64{ 0, 112, 1, 5, 0 }, pairs);
    for ([_]f64{ -1, nan, 64 << 20 }) |wrong| {
        pairs = .{ 0, wrong, 1, wrong, 1 };
        try testing.expectEqual(status(error.EINVAL), table.vmem_ffi_sites(handle, &pairs, 2));
    }
    try testing.expectEqual(0, table.vmem_ffi_free(handle, block));
    try testing.expect(table.vmem_ffi_free(handle, block) < 0);
    const dead: f64 = 65536;
    try testing.expect(table.vmem_ffi_trace(dead) < 0 and table.vmem_ffi_is_traced(dead) < 0 and table.vmem_ffi_site(dead, "a", 1) < 0);
    try testing.expect(table.vmem_ffi_note(dead, &given, 8, 1) < 0 and table.vmem_ffi_sites(dead, &pairs, 1) < 0);
}

test "a region's offsets count from a multiple of 4 GiB, and what is before it is not touched" {
    const memory = try std.heap.page_allocator.alloc(u8, 8 << 20);
    defer std.heap.page_allocator.free(memory);
    const address = std.mem.alignForward(usize, @intFromPtr(memory.ptr), 4096);
    const options = [_]f64{ 4 << 20, 0, -1, 2, 0, 0, @floatFromInt(address), 0, 0, -1 };
    const handle = table.vmem_ffi_create(&options, options.len, null, 0);
    try testing.expect(handle > 0);
    defer _ = table.vmem_ffi_close(handle);
    const start = table.vmem_ffi_start(handle);
    try testing.expectEqual(@as(f64, @floatFromInt(address % (4 << 30))), start);
    try testing.expectEqual(@as(f64, @floatFromInt(address)), table.vmem_ffi_base(handle) + start);
    const block = table.vmem_ffi_malloc(handle, 64);
    try testing.expectEqual(start + 4096, block);
    try testing.expectEqual(0, table.vmem_ffi_fill_byte(handle, block, 64, 9));
    try testing.expectEqual(9, @as(*u8, @ptrFromInt(address + 4096)).*);
    for ([_]f64{ 8, 4096, start - 8, start, start + 4088 }) |at| {
        try testing.expectEqual(status(error.EFAULT), table.vmem_ffi_fill_byte(handle, at, 8, 0));
        try testing.expectEqual(status(error.EFAULT), table.vmem_ffi_free(handle, at));
        try testing.expectEqual(0, table.vmem_ffi_owns(handle, at));
    }
    try testing.expectEqual(0, table.vmem_ffi_free(handle, block));
    try testing.expectEqual(1, table.vmem_ffi_check(handle));
}

test "every function refuses numbers that are no handles" {
    const inf = std.math.inf(f64);
    const dead = try testPool(8 << 20, 2);
    try testing.expectEqual(0, table.vmem_ffi_close(dead));
    var buffer: [8]f64 = @splat(4096);
    const bytes: [*]u8 = @ptrCast(&buffer);
    for ([_]f64{ 0, -0.0, -1, 1.5, inf, std.math.nan(f64), 1e300, 65535, dead, dead + 65536 }) |handle| {
        const closed: f64 = @floatFromInt(status(error.EBADF));
        const results = [_]f64{
            table.vmem_ffi_malloc(handle, 64),
            table.vmem_ffi_malloc(handle, 100_000),
            @floatFromInt(table.vmem_ffi_free(handle, 4096)),
            @floatFromInt(table.vmem_ffi_free(handle, 0)),
            table.vmem_ffi_allocate(handle, 64, 16, 1),
            table.vmem_ffi_realloc(handle, 4096, 64),
            @floatFromInt(table.vmem_ffi_resize_in_place(handle, 4096, 64)),
            table.vmem_ffi_usable_size(handle, 4096),
            @floatFromInt(table.vmem_ffi_owns(handle, 4096)),
            @floatFromInt(table.vmem_ffi_malloc_many(handle, 64, &buffer, buffer.len)),
            table.vmem_ffi_free_many(handle, &buffer, buffer.len),
            @floatFromInt(table.vmem_ffi_read(handle, 4096, bytes, 8)),
            @floatFromInt(table.vmem_ffi_write(handle, 4096, bytes, 8)),
            @floatFromInt(table.vmem_ffi_copy(handle, 4096, handle, 4096, 8)),
            @floatFromInt(table.vmem_ffi_fill(handle, 4096, 8, bytes, 8)),
            @floatFromInt(table.vmem_ffi_fill_byte(handle, 4096, 8, 0)),
            @floatFromInt(table.vmem_ffi_compare(handle, 4096, 4096, 8)),
            table.vmem_ffi_find(handle, 4096, 8, bytes, 8),
            table.vmem_ffi_find_byte(handle, 4096, 8, 0),
            table.vmem_ffi_text_length(handle, 4096, 8),
            table.vmem_ffi_base(handle),
            table.vmem_ffi_size(handle),
            table.vmem_ffi_start(handle),
            table.vmem_ffi_stats_classes(handle, &buffer, buffer.len),
            @floatFromInt(table.vmem_ffi_stats_arena(handle, 0, &buffer, buffer.len)),
            table.vmem_ffi_locate(handle, bytes, 8),
            @floatFromInt(table.vmem_ffi_hold(handle, 4096)),
            table.vmem_ffi_resets(handle),
            @floatFromInt(table.vmem_ffi_wait(handle, 4096, 0, 0)),
            table.vmem_ffi_notify(handle, 4096, 1),
        };
        for (results) |result| try testing.expectEqual(closed, result);
        // These say EINVAL for what never was a handle.
        try testing.expect(table.vmem_ffi_check(handle) < 0);
        try testing.expect(table.vmem_ffi_trim(handle) < 0);
        try testing.expect(table.vmem_ffi_stats(handle, &buffer, buffer.len) < 0);
        try testing.expect(table.vmem_ffi_ctl(handle, "epoch", 5, &buffer, buffer.len) < 0);
        try testing.expect(table.vmem_ffi_ctl_set(handle, "epoch", 5, 1) < 0);
        try testing.expect(table.vmem_ffi_blocks(handle, &buffer, buffer.len) < 0);
        try testing.expect(table.vmem_ffi_attach(handle) < 0);
        try testing.expect(table.vmem_ffi_detach(handle) < 0);
        try testing.expect(table.vmem_ffi_close(handle) < 0);
        try testing.expect(table.vmem_ffi_retain(handle) < 0);
        try testing.expect(table.vmem_ffi_reset(handle) < 0);
    }
}

test "a block's way through the face" {
    for ([_]f64{ 0, 1, 2 }) |level| {
        const handle = try testPool(64 << 20, level);
        defer _ = table.vmem_ffi_close(handle);
        for ([_]f64{ 1, 8, 64, 5000, 14336, 14337, 300_000, 5_000_000 }) |size| {
            const pointer = table.vmem_ffi_malloc(handle, size);
            try testing.expect(pointer >= 4096);
            try testing.expect(table.vmem_ffi_usable_size(handle, pointer) >= size);
            try testing.expectEqual(1, table.vmem_ffi_owns(handle, pointer));
            const moved = table.vmem_ffi_realloc(handle, pointer, size * 2);
            try testing.expect(moved >= 4096);
            try testing.expectEqual(0, table.vmem_ffi_free(handle, moved));
            if (level == 2) try testing.expect(table.vmem_ffi_free(handle, moved) < 0);
        }
        try testing.expectEqual(1, table.vmem_ffi_check(handle));
    }
}

test "bulk calls change all or nothing, and free in order" {
    const handle = try testPool(8 << 20, 2);
    defer _ = table.vmem_ffi_close(handle);
    var pointers: [1000]f64 = undefined;
    try testing.expectEqual(status(error.OutOfMemory), table.vmem_ffi_malloc_many(handle, 1 << 20, &pointers, pointers.len));
    try testing.expectEqual(0, table.vmem_ffi_malloc_many(handle, 64, &pointers, pointers.len));
    const wrong = pointers[700];
    for ([_]f64{ std.math.nan(f64), -1, 1.5, wrong + 8, 1e300 }) |value| {
        var list = pointers;
        list[0] = 0;
        list[700] = value;
        try testing.expectEqual(700, table.vmem_ffi_free_many(handle, &list, list.len));
        try testing.expectEqual(0, table.vmem_ffi_malloc_many(handle, 64, pointers[1..], 699));
    }
    try testing.expectEqual(pointers.len, table.vmem_ffi_free_many(handle, &pointers, pointers.len));
}

test "an address stands for the buffer whose it is" {
    const handle = try testPool(1 << 20, 2);
    defer _ = table.vmem_ffi_close(handle);
    const pointer = table.vmem_ffi_malloc(handle, 64);
    var buffer: [64]u8 = @splat(7);
    const address = table.vmem_ffi_address(&buffer);
    try testing.expectEqual(0, table.vmem_ffi_write_at(handle, pointer, address, 64));
    buffer = @splat(0);
    try testing.expectEqual(0, table.vmem_ffi_read_at(handle, pointer, address, 64));
    try testing.expectEqual(@as([64]u8, @splat(7)), buffer);
    try testing.expectEqual(pointer, table.vmem_ffi_locate_at(handle, table.vmem_ffi_base(handle) + pointer, 64));
    try testing.expectEqual(@as(f64, @floatFromInt(status(error.EFAULT))), table.vmem_ffi_locate_at(handle, address, 64));
    try testing.expectEqual(0, table.vmem_ffi_address(null));
    for ([_]f64{ 0, -1, 0.5, std.math.nan(f64) }) |nowhere| {
        try testing.expectEqual(table.vmem_ffi_read(handle, pointer, null, 64), table.vmem_ffi_read_at(handle, pointer, nowhere, 64));
        try testing.expectEqual(table.vmem_ffi_write(handle, pointer, null, 64), table.vmem_ffi_write_at(handle, pointer, nowhere, 64));
    }
}

test "waiting and waking take words of the pool, and any timeout" {
    const handle = try testPool(1 << 20, 2);
    defer _ = table.vmem_ffi_close(handle);
    const size = table.vmem_ffi_size(handle);
    const outside = status(error.InvalidPointer);
    for ([_]f64{ 0, 4, 4092, 4097, 4098, size - 3, size, -4, 1e300, std.math.nan(f64), 0.5 }) |pointer| {
        try testing.expectEqual(outside, table.vmem_ffi_wait(handle, pointer, 0, 0));
        try testing.expectEqual(@as(f64, @floatFromInt(outside)), table.vmem_ffi_notify(handle, pointer, 1));
    }
    const timed_out = @backingInt(ffi.Wait.timed_out);
    for ([_]f64{ 4096, size - 4 }) |pointer| {
        try testing.expectEqual(@backingInt(ffi.Wait.not_equal), table.vmem_ffi_wait(handle, pointer, 1, std.math.nan(f64)));
        for ([_]f64{ 0, -1, -1e300, -std.math.inf(f64), 0.5, 1 }) |timeout| {
            try testing.expectEqual(timed_out, table.vmem_ffi_wait(handle, pointer, 0, timeout));
        }
        for ([_]f64{ -1, 0.5, 1 << 32, std.math.nan(f64) }) |expected| {
            try testing.expectEqual(status(error.EINVAL), table.vmem_ffi_wait(handle, pointer, expected, 0));
        }
        for ([_]f64{ 0, 1, 1e300, std.math.inf(f64), std.math.nan(f64), -1 }) |count| {
            try testing.expectEqual(0, table.vmem_ffi_notify(handle, pointer, count));
        }
    }
}

test "copies stay in the pool and out of its first page" {
    const handle = try testPool(1 << 20, 2);
    defer _ = table.vmem_ffi_close(handle);
    var bytes: [16]u8 = @splat(7);
    const size = table.vmem_ffi_size(handle);
    const outside = status(error.InvalidPointer);
    try testing.expectEqual(0, table.vmem_ffi_write(handle, size - 16, &bytes, 16));
    try testing.expectEqual(0, table.vmem_ffi_read(handle, size, null, 0));
    for ([_]f64{ 0, 8, 4095, size - 15, size, size + 1, -16, 1e300, std.math.nan(f64), 0.5 }) |pointer| {
        try testing.expectEqual(outside, table.vmem_ffi_write(handle, pointer, &bytes, 16));
        try testing.expectEqual(outside, table.vmem_ffi_read(handle, pointer, &bytes, 16));
    }
    for ([_]f64{ -1, 1.5, std.math.inf(f64), std.math.nan(f64) }) |length| {
        try testing.expectEqual(status(error.EINVAL), table.vmem_ffi_read(handle, 4096, &bytes, length));
    }
    try testing.expectEqual(status(error.EINVAL), table.vmem_ffi_read(handle, 4096, null, 16));
}

test "what is done between pointers stays in the pools and out of their first pages" {
    const handle = try testPool(1 << 20, 2);
    defer _ = table.vmem_ffi_close(handle);
    const other = try testPool(1 << 20, 2);
    defer _ = table.vmem_ffi_close(other);
    const size = table.vmem_ffi_size(handle);
    const outside = status(error.InvalidPointer);
    const far: f64 = @floatFromInt(outside);
    var pattern = "ab".*;
    // With the pool used last, which needs no look-up, and with the other one.
    for ([_]f64{ handle, other }) |used| {
        try testing.expectEqual(0, table.vmem_ffi_free(used, table.vmem_ffi_malloc(used, 64)));
        for ([_]f64{ 0, 8, 4095, size - 15, size, size + 1, -16, 1e300, std.math.nan(f64), 0.5 }) |pointer| {
            try testing.expectEqual(outside, table.vmem_ffi_copy(handle, pointer, handle, 4096, 16));
            try testing.expectEqual(outside, table.vmem_ffi_copy(handle, 4096, handle, pointer, 16));
            try testing.expectEqual(outside, table.vmem_ffi_copy(handle, 4096, other, pointer, 16));
            try testing.expectEqual(outside, table.vmem_ffi_fill(handle, pointer, 16, &pattern, 2));
            try testing.expectEqual(outside, table.vmem_ffi_fill_byte(handle, pointer, 16, 1));
            try testing.expectEqual(outside, table.vmem_ffi_compare(handle, pointer, 4096, 16));
            try testing.expectEqual(outside, table.vmem_ffi_compare(handle, 4096, pointer, 16));
            try testing.expectEqual(far, table.vmem_ffi_find(handle, pointer, 16, &pattern, 2));
            try testing.expectEqual(far, table.vmem_ffi_find_byte(handle, pointer, 16, 1));
            if (pointer != size - 15) try testing.expectEqual(far, table.vmem_ffi_text_length(handle, pointer, 16));
        }
        for ([_]f64{ -1, 1.5, std.math.inf(f64), std.math.nan(f64), 1e300 }) |length| {
            const wrong = status(error.EINVAL);
            try testing.expectEqual(wrong, table.vmem_ffi_copy(handle, 4096, handle, 8192, length));
            try testing.expectEqual(wrong, table.vmem_ffi_fill_byte(handle, 4096, length, 0));
            try testing.expectEqual(wrong, table.vmem_ffi_fill_byte(handle, 4096, 8, if (length > 0) length else -256));
            try testing.expectEqual(wrong, table.vmem_ffi_fill(handle, 4096, 8, &pattern, length));
            try testing.expectEqual(wrong, table.vmem_ffi_fill(handle, 4096, 8, &pattern, 0));
            try testing.expectEqual(wrong, table.vmem_ffi_fill(handle, 4096, 8, null, 2));
            try testing.expectEqual(wrong, table.vmem_ffi_compare(handle, 4096, 4096, length));
            try testing.expectEqual(@as(f64, @floatFromInt(wrong)), table.vmem_ffi_find(handle, 4096, length, &pattern, 2));
            try testing.expectEqual(@as(f64, @floatFromInt(wrong)), table.vmem_ffi_find_byte(handle, 4096, 8, 256));
            try testing.expectEqual(@as(f64, @floatFromInt(wrong)), table.vmem_ffi_text_length(handle, 4096, length));
        }
    }
}

test "copying, filling, comparing and searching between pointers" {
    const handle = try testPool(1 << 20, 2);
    defer _ = table.vmem_ffi_close(handle);
    const other = try testPool(1 << 20, 2);
    defer _ = table.vmem_ffi_close(other);
    const size = table.vmem_ffi_size(handle);
    var text = "hello, hello".*;
    for ([_]f64{ 4096, 300_000, size - 200_000 }) |at| {
        // Longer than what is done without counting a user, too.
        for ([_]f64{ 12, 65_536, 65_537, 150_000 }) |length| {
            try testing.expectEqual(0, table.vmem_ffi_fill_byte(handle, at, length, 255));
            try testing.expectEqual(length, table.vmem_ffi_find_byte(handle, at, length, 0));
            try testing.expectEqual(0, table.vmem_ffi_write(handle, at + length - 12, &text, 12));
            try testing.expectEqual(length - 12, table.vmem_ffi_find_byte(handle, at, length, 'h'));
            try testing.expectEqual(length - 12, table.vmem_ffi_find(handle, at, length, text[7..], 5));
            try testing.expectEqual(length - 6, table.vmem_ffi_find(handle, at, length, text[6..], 6));
            try testing.expectEqual(length, table.vmem_ffi_find(handle, at, length, @constCast("help"), 4));
            try testing.expectEqual(0, table.vmem_ffi_copy(other, 4096, handle, at, length));
            try testing.expectEqual(0, table.vmem_ffi_copy(other, 4097, other, 4096, length));
            try testing.expectEqual(0, table.vmem_ffi_copy(handle, at, other, 4097, length));
            try testing.expectEqual(1, table.vmem_ffi_compare(handle, at + length - 12, at + length - 12, 12));
            var back: [12]u8 = undefined;
            try testing.expectEqual(0, table.vmem_ffi_read(handle, at + length - 12, &back, 12));
            try testing.expectEqualStrings(&text, &back);
            try testing.expectEqual(0, table.vmem_ffi_fill(handle, at, length, &text, 5));
            try testing.expectEqual(1, table.vmem_ffi_compare(handle, at, at + 5, 5));
            try testing.expectEqual(2, table.vmem_ffi_compare(handle, at, at + 1, 5));
            try testing.expectEqual(0, table.vmem_ffi_compare(handle, at + 1, at, 5));
        }
    }
    try testing.expectEqual(0, table.vmem_ffi_fill_byte(handle, size - 4, 4, 'x'));
    try testing.expectEqual(4, table.vmem_ffi_text_length(handle, size - 4, 9007199254740991));
    try testing.expectEqual(3, table.vmem_ffi_text_length(handle, size - 4, 3));
    try testing.expectEqual(0, table.vmem_ffi_text_length(handle, size - 4, 0));
}

/// Works on a pool's bytes until the pool is closed. One that is attached does short things too, without counting as a user.
const Worker = struct {
    handle: f64,
    attached: bool,
    rounds: std.atomic.Value(u32) = .init(0),
    failed: std.atomic.Value(bool) = .init(false),

    fn run(worker: *Worker) void {
        const handle = worker.handle;
        const closed = status(error.EBADF);
        if (worker.attached) {
            if (table.vmem_ffi_attach(handle) != 0) return worker.failed.store(true, .release);
            // From now on the pool is the one that this thread used last.
            _ = table.vmem_ffi_free(handle, table.vmem_ffi_malloc(handle, 64));
        }
        while (true) {
            const lengths = [_]f64{ 1 << 20, 100_000, 64, 65536 };
            for (lengths[0..if (worker.attached) 4 else 2]) |length| {
                const results = [_]i32{
                    table.vmem_ffi_copy(handle, 4096, handle, 2 << 20, length),
                    table.vmem_ffi_fill_byte(handle, 4 << 20, length, 7),
                    @min(0, table.vmem_ffi_compare(handle, 4096, 4 << 20, length)),
                    @intFromFloat(@min(0, table.vmem_ffi_find_byte(handle, 4096, length, 1))),
                };
                for (results) |result| {
                    if (result == closed) return;
                    if (result != 0) return worker.failed.store(true, .release);
                }
            }
            _ = worker.rounds.fetchAdd(1, .release);
        }
    }
};

test "a pool is closed while its bytes are copied, filled and searched" {
    for (0..30) |_| {
        const handle = try testPool(16 << 20, 2);
        var workers = [_]Worker{ .{ .handle = handle, .attached = true }, .{ .handle = handle, .attached = false } };
        var threads: [workers.len]std.Thread = undefined;
        for (&threads, &workers) |*thread, *worker| thread.* = try std.Thread.spawn(.{}, Worker.run, .{worker});
        for (&workers) |*worker| {
            while (worker.rounds.load(.acquire) < 2 and !worker.failed.load(.acquire)) try std.Thread.yield();
        }
        try testing.expectEqual(0, table.vmem_ffi_close(handle));
        for (threads) |thread| thread.join();
        for (&workers) |*worker| try testing.expect(!worker.failed.load(.acquire));
    }
}
