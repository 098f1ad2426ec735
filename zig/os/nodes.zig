//! NUMA nodes: which there are, and how much memory each has. Read from sysfs each time; a system without it has node 0.
//!
//! Sets of nodes are words, bit n for node n: nodes above 63 are not known here.

const std = @import("std");
const base = @import("../base.zig");
const file = @import("file.zig");
const sys = @import("sys.zig");
const Error = @import("errno.zig").Error;

pub const Set = u64;

/// Nodes that have memory.
pub fn withMemory() Set {
    return listed("/sys/devices/system/node/has_memory") orelse 1;
}

/// Nodes that have processors and memory.
pub fn withProcessors() Set {
    return (listed("/sys/devices/system/node/has_cpu") orelse 1) & withMemory();
}

/// Nodes whose memory is that of a DAX device which the system uses as its own (driver `kmem`).
pub fn ofDevices() Set {
    const drivers: [:0]const u8 = "/sys/bus/dax/drivers/kmem";
    const fd = file.openPath(drivers, .{ .DIRECTORY = true, .CLOEXEC = true }) catch return 0;
    defer file.close(fd);
    var set: Set = 0;
    var buffer: [1024]u8 align(8) = undefined;
    while (true) {
        const end = sys.call(.getdents64, .{ fd, &buffer, buffer.len }) catch return set;
        if (end == 0) return set & withMemory();
        var at: usize = 0;
        while (at < end) {
            const length_offset = 16; // of struct linux_dirent64; a byte for the type and the name follow
            const length = std.mem.readInt(u16, buffer[at + length_offset ..][0..2], @import("builtin").cpu.arch.endian());
            set |= targetOf(std.mem.sliceTo(buffer[at + length_offset + 3 .. at + length], 0));
            at += length;
        }
    }
}

/// The node of a device by its name; entries of other kinds have none.
fn targetOf(name: []const u8) Set {
    if (!std.mem.startsWith(u8, name, "dax") or name.len > 32) return 0;
    var path: [96]u8 = undefined;
    return listed(base.text.format(&path, "/sys/bus/dax/devices/{s}/target_node", .{name})) orelse 0;
}

fn listed(path: [:0]const u8) ?Set {
    var buffer: [256]u8 = undefined;
    const text = read(path, &buffer) catch return null;
    return parse(std.mem.trimEnd(u8, text, "\n"));
}

/// A list as sysfs, numactl and libnuma write them: numbers and ranges with commas between. Null: it is none, or names a node
/// above 63.
pub fn parse(text: []const u8) ?Set {
    var set: Set = 0;
    var parts = std.mem.splitScalar(u8, text, ',');
    while (parts.next()) |part| {
        const dash = std.mem.findScalar(u8, part, '-');
        const first = number(part[0 .. dash orelse part.len]) orelse return null;
        const last = if (dash) |at| number(part[at + 1 ..]) orelse return null else first;
        if (last < first) return null;
        for (first..@as(usize, last) + 1) |node| set |= @as(Set, 1) << @intCast(node);
    }
    return set;
}

fn number(digits: []const u8) ?u6 {
    for (digits) |digit| if (!std.ascii.isDigit(digit)) return null;
    return std.fmt.parseUnsigned(u6, digits, 10) catch null;
}

/// From which nodes a range of private memory is taken when it is touched.
pub const Policy = enum(u32) { preferred = 1, bind = 2, interleave = 3 };

/// Of several preferred nodes Linux takes the lowest. EINVAL: no such node. ENOSYS: a kernel without NUMA. EPERM: see `os.numa`.
pub fn place(address: usize, length: usize, policy: Policy, set: Set) Error!void {
    const bits = @bitSizeOf(Set) + 1; // the kernel takes one off
    _ = try sys.call(.mbind, .{ address, length, policy, &set, bits, 0 });
}

/// Bytes of memory that a node has; 0 if that cannot be found out.
pub fn memoryOf(node: u6) u64 {
    var path: [64]u8 = undefined;
    var buffer: [2048]u8 = undefined;
    const text = read(base.text.format(&path, "/sys/devices/system/node/node{d}/meminfo", .{node}), &buffer) catch return total();
    const label = "MemTotal:";
    const at = std.mem.find(u8, text, label) orelse return 0;
    const rest = std.mem.trimStart(u8, text[at + label.len ..], " ");
    const end = std.mem.findNone(u8, rest, "0123456789") orelse rest.len;
    return 1024 * (std.fmt.parseUnsigned(u64, rest[0..end], 10) catch return 0);
}

/// Bytes of memory of all nodes of a set.
pub fn memoryOfAll(set: Set) u64 {
    var sum: u64 = 0;
    var rest = set;
    while (rest != 0) : (rest &= rest - 1) sum += memoryOf(@intCast(@ctz(rest)));
    return sum;
}

/// Bytes of memory of the system.
pub fn total() u64 {
    var information: extern struct {
        uptime: i64,
        loads: [3]u64,
        total: u64,
        free_shared_buffer_swap: [5]u64,
        processes: u16,
        high: [2]u64,
        unit: u32,
        reserve: [64]u8,
    } = undefined;
    _ = sys.call(.sysinfo, .{&information}) catch return 0;
    return information.total * @max(information.unit, 1);
}

fn read(path: [:0]const u8, buffer: []u8) Error![]const u8 {
    const fd = try file.openPath(path, .{ .CLOEXEC = true });
    defer file.close(fd);
    while (true) {
        const len = sys.call(.read, .{ fd, buffer.ptr, buffer.len }) catch |err| switch (err) {
            error.EINTR => continue,
            else => return err,
        };
        return buffer[0..len];
    }
}

test "lists of nodes" {
    try std.testing.expectEqual(1, parse("0").?);
    try std.testing.expectEqual(0b1101, parse("0,2-3").?);
    try std.testing.expectEqual(std.math.maxInt(Set), parse("0-63").?);
    for ([_][]const u8{ "", "a", "1-", "-1", "3-2", "64", "0,", "0 ", "+1", "1_0" }) |wrong| try std.testing.expectEqual(null, parse(wrong));
}

test "nodes of devices are nodes with memory" {
    try std.testing.expectEqual(0, ofDevices() & ~withMemory());
    for ([_][]const u8{ ".", "bind", "dax", "dax99.99", "dax1234567890123456789012345678901234567890" }) |none| try std.testing.expectEqual(0, targetOf(none));
}

test "this machine has a node with memory and processors" {
    const nodes = withProcessors();
    try std.testing.expect(nodes != 0 and nodes & ~withMemory() == 0);
    try std.testing.expect(memoryOfAll(withMemory()) >= 1 << 28);
    try std.testing.expect(total() >= 1 << 28);
}
