//! Address space: reserving, mapping, protecting, giving back.
//!
//! Addresses are plain numbers here: a region and the heap's tables do arithmetic with them. Lengths
//! are bytes and multiples of the page size, which is asked at run time (4, 16 or 64 KiB). A failed call
//! leaves the address space as it was, with one exception that is the kernel's: a fixed mapping that fails
//! for want of memory may have removed what was there (never seen at `vm.max_map_count`, where the kernel looks
//! first).

const std = @import("std");
const options = @import("options");
const linux = std.os.linux;
const sys = @import("sys.zig");
const maps = @import("maps.zig");
const file = @import("file.zig");
const Error = @import("errno.zig").Error;
const Fd = file.Fd;

pub const Protection = enum { none, read, read_write };

var cached_page_size: std.atomic.Value(usize) = .init(0);

extern "c" fn getauxval(kind: c_ulong) c_ulong;

/// Entry of the auxiliary vector, see getauxval(3).
const at_page_size = 6;

/// The kernel's page size in bytes.
pub inline fn pageSize() usize {
    const size = cached_page_size.load(.monotonic);
    return if (size != 0) size else readPageSize();
}

noinline fn readPageSize() usize {
    @branchHint(.cold);
    const size = getauxval(at_page_size);
    std.debug.assert(std.math.isPowerOfTwo(size) and size >= 4096);
    cached_page_size.store(size, .monotonic);
    return size;
}

/// `length` rounded up to whole pages. null: it would not fit in the address space.
pub fn roundToPages(length: usize) ?usize {
    const mask = pageSize() - 1;
    return (std.math.add(usize, length, mask) catch return null) & ~mask;
}

fn prot(protection: Protection) linux.PROT {
    return switch (protection) {
        .none => .{},
        .read => .{ .READ = true },
        .read_write => .{ .READ = true, .WRITE = true },
    };
}

fn map(address: usize, length: usize, protection: linux.PROT, flags: linux.MAP, fd: Fd, offset: u64) Error!usize {
    return sys.call(.mmap, .{ address, length, protection, flags, fd, offset }) catch |err| switch (err) {
        // More than RLIMIT_MEMLOCK, after mlockall(MCL_FUTURE).
        error.EAGAIN => error.ENOMEM,
        else => err,
    };
}

const reservation: linux.MAP = .{ .TYPE = .PRIVATE, .ANONYMOUS = true, .NORESERVE = true };

/// Reserves `length` bytes of address space at a multiple of `alignment` (a power of two, at least a page).
/// Nothing is readable and nothing is charged, in every overcommit mode. ENOMEM: no such hole, or
/// the limit on address space or mappings.
pub fn reserve(length: usize, alignment: usize) Error!usize {
    const page = pageSize();
    std.debug.assert(std.math.isPowerOfTwo(alignment) and length != 0 and length % page == 0);
    if (alignment > page) {
        if (reserveBelowLast(length, alignment)) |base| return base;
    }
    const slack = if (alignment > page) alignment - page else 0;
    const total = std.math.add(usize, length, slack) catch return error.ENOMEM;
    const start = try map(0, total, prot(.none), reservation, -1, 0);
    const base = std.mem.alignForward(usize, start, alignment);
    // Splitting can fail at vm.max_map_count; then all of it goes back.
    errdefer unmap(start, total) catch {};
    if (base != start) try unmap(start, base - start);
    if (base + length != start + total) try unmap(base + length, start + total - base - length);
    if (alignment > page) last_reserved.store(base, .monotonic);
    return base;
}

/// Where the last aligned reservation is or was.
var last_reserved: std.atomic.Value(usize) = .init(0);

/// The aligned place below the last one is free as a rule: address space is handed out downwards. Taking it needs no
/// slack, which costs two system calls and the splitting of mappings, 6 us. Null: something is there, or it is not known where
/// to look.
fn reserveBelowLast(length: usize, alignment: usize) ?usize {
    const above = last_reserved.load(.monotonic);
    if (above <= length) return null;
    const base = std.mem.alignBackward(usize, above - length, alignment);
    if (base < lowest_guess) return null;
    var flags = reservation;
    flags.FIXED_NOREPLACE = true;
    const got = map(base, length, prot(.none), flags, -1, 0) catch {
        last_reserved.store(0, .monotonic);
        return null;
    };
    if (got != base) { // kernels before 4.17 take the address as a wish
        unmap(got, length) catch {};
        last_reserved.store(0, .monotonic);
        return null;
    }
    last_reserved.store(base, .monotonic);
    return base;
}

/// Below it is where programs and their heaps grow.
const lowest_guess = 1 << 44;

/// A range that `reserveReadable` made, and what it allows.
pub const Readable = struct { address: usize, protection: Protection };

/// As `reserve`, but the memory reads as zeros and takes writes, without a promise that there is room for
/// them. Under strict overcommit (mode 2), where the kernel ignores MAP_NORESERVE and would charge all of
/// it, and beyond RLIMIT_DATA, it is readable only.
pub fn reserveReadable(length: usize, alignment: usize) Error!Readable {
    return open(try reserve(length, alignment), length);
}

/// `reserveReadable` at the first aligned hole at or above `hint`.
pub fn reserveReadableAt(hint: usize, length: usize, alignment: usize) Error!Readable {
    return open(try reserveAt(hint, length, alignment), length);
}

/// Unlocked first: in a process that has locked its future memory (mlockall) opening would fill all of it.
fn open(address: usize, length: usize) Error!Readable {
    errdefer unmap(address, length) catch {};
    sys.attempt(.munlock, .{ address, length });
    // Valgrind's memcheck looks at each byte of what mprotect opens: 6 s a GiB.
    if (options.debug and std.valgrind.runningOnValgrind() != 0) {
        try mapFixedAnonymous(address, length, .read_write);
        return .{ .address = address, .protection = .read_write };
    }
    for ([_]Protection{ .read_write, .read }) |protection| {
        protect(address, length, protection) catch |err| switch (err) {
            error.ENOMEM => continue,
            else => return err,
        };
        return .{ .address = address, .protection = protection };
    }
    return error.ENOMEM;
}

/// As `reserve`, at the first aligned hole at or above `hint`. ENOMEM: there is none.
pub fn reserveAt(hint: usize, length: usize, alignment: usize) Error!usize {
    std.debug.assert(std.math.isPowerOfTwo(alignment) and alignment >= pageSize());
    var flags = reservation;
    flags.FIXED_NOREPLACE = true;
    var from = hint;
    while (true) {
        const at = try maps.findHole(from, length, alignment);
        // Another thread may take the hole meanwhile, and kernels before 4.17 take the address as a wish.
        const got = map(at, length, prot(.none), flags, -1, 0) catch |err| switch (err) {
            error.EEXIST => {
                from = at;
                continue;
            },
            else => return err,
        };
        if (got == at) return at;
        try unmap(got, length);
        from = std.math.add(usize, at, alignment) catch return error.ENOMEM;
    }
}

/// Fresh private zero memory, readable and writable.
pub fn mapAnonymous(length: usize) Error!usize {
    return map(0, length, prot(.read_write), .{ .TYPE = .PRIVATE, .ANONYMOUS = true }, -1, 0);
}

/// The same, which children of a fork have in common with the process.
pub fn mapShared(length: usize) Error!usize {
    return map(0, length, prot(.read_write), .{ .TYPE = .SHARED, .ANONYMOUS = true }, -1, 0);
}

/// Replaces what is mapped at `address` by private zero memory that is not charged ahead (NORESERVE).
pub fn mapFixedAnonymous(address: usize, length: usize, protection: Protection) Error!void {
    var flags = reservation;
    flags.FIXED = true;
    _ = try map(address, length, prot(protection), flags, -1, 0);
}

/// Puts fresh zero memory, readable and writable, in the place of what is mapped at `address`, in one step for those who look:
/// private memory, and where all of it would be charged (see `reserveReadable`), a sparse memory file, which is charged
/// as it is written. ENOMEM: nothing changed.
pub fn replaceByZeros(address: usize, length: usize) Error!void {
    if (locksNewMemory()) return moveZerosTo(address, length);
    if (mapFixedAnonymous(address, length, .read_write)) |_| return else |err| if (err != error.ENOMEM) return err;
    const fd = file.openMemory(length) catch return error.ENOMEM;
    defer file.close(fd);
    try mapFixedFile(address, length, fd, 0);
}

/// After mlockall(MCL_FUTURE) mmap fills what it maps, so unlocked memory is prepared elsewhere and moved.
fn moveZerosTo(address: usize, length: usize) Error!void {
    const fresh = try reserveReadable(length, pageSize());
    errdefer unmap(fresh.address, length) catch {};
    try moveOver(fresh.address, length, address);
}

/// Whether a new mapping is filled at once: tried on a page, 1 to 2 us, because the kernel does not tell.
fn locksNewMemory() bool {
    const page = pageSize();
    const address = mapAnonymous(page) catch return false;
    defer unmap(address, page) catch {};
    return isResident(address) catch false;
}

/// Whether the page at `address` is in memory.
pub fn isResident(address: usize) Error!bool {
    var resident: u8 = 0;
    _ = try sys.call(.mincore, .{ address, pageSize(), &resident });
    return resident & 1 != 0;
}

/// Replaces what is mapped at `address` by the file's bytes from `offset` on, shared, readable and writable.
pub fn mapFixedFile(address: usize, length: usize, fd: Fd, offset: u64) Error!void {
    _ = try map(address, length, prot(.read_write), .{ .TYPE = .SHARED, .FIXED = true }, fd, offset);
}

/// Replaces what is mapped at `address` by a private view of the file's bytes, in one step for those who look: pages that are
/// written from now on are copied, into memory that is not charged ahead. EINVAL: a device of DAX cannot.
pub fn mapFixedPrivateFile(address: usize, length: usize, fd: Fd, offset: u64) Error!void {
    _ = try map(address, length, prot(.read_write), .{ .TYPE = .PRIVATE, .FIXED = true, .NORESERVE = true }, fd, offset);
}

/// Moves the pages of the mapping of `length` bytes at `from`, a shared one of a file, over what is at `address`. What was mapped
/// stays mapped and is empty, so those who look there find the file's pages again. Costs by the page tables, not by the pages, where
/// both addresses are multiples of what one covers (2 MiB). EINVAL: Linux before 5.13 cannot. EFAULT: it is more than one mapping.
pub fn movePages(from: usize, length: usize, address: usize) Error!void {
    const flags: linux.MREMAP = .{ .MAYMOVE = true, .FIXED = true, .DONTUNMAP = true };
    _ = try sys.call(.mremap, .{ from, length, length, flags, address });
}

/// Moves the mapping of `length` bytes at `from` to where another one is.
pub fn moveOver(from: usize, length: usize, address: usize) Error!void {
    const flags: linux.MREMAP = .{ .MAYMOVE = true, .FIXED = true };
    _ = sys.call(.mremap, .{ from, length, length, flags, address }) catch |err| switch (err) {
        error.EAGAIN => return error.ENOMEM, // as in `map`
        else => return err,
    };
}

/// ENOMEM: it would split a mapping at `vm.max_map_count`; nothing is unmapped then.
pub fn unmap(address: usize, length: usize) Error!void {
    _ = try sys.call(.munmap, .{ address, length });
}

pub fn protect(address: usize, length: usize, protection: Protection) Error!void {
    _ = try sys.call(.mprotect, .{ address, length, prot(protection) });
}

/// Private memory: the bytes read as zeros from now on and their memory goes back. Shared memory keeps its
/// contents, only the page table entries go.
pub fn discard(address: usize, length: usize) Error!void {
    _ = try sys.call(.madvise, .{ address, length, linux.MADV.DONTNEED });
}

/// Shared file memory: punches a hole through the mapping, no descriptor needed. EOPNOTSUPP: the file system
/// cannot.
pub fn remove(address: usize, length: usize) Error!void {
    _ = try sys.call(.madvise, .{ address, length, linux.MADV.REMOVE });
}

/// Maps the pages of a shared range as a write would, and leaves their contents alone. EFAULT: a write would raise SIGBUS; EINVAL:
/// Linux before 5.14 cannot.
pub fn populate(address: usize, length: usize) Error!void {
    const populate_write = 23; // MADV_POPULATE_WRITE
    while (true) {
        _ = sys.call(.madvise, .{ address, length, populate_write }) catch |err| switch (err) {
            error.EINTR => continue,
            else => return err,
        };
        return;
    }
}

/// Wishes for pages of 2 MiB. Nobody can act on a refusal: a kernel that has them refuses nothing that is mapped.
pub fn adviseHugePages(address: usize, length: usize) void {
    sys.attempt(.madvise, .{ address, length, linux.MADV.HUGEPAGE });
}

/// Puts the range's pages together to pages of 2 MiB, now and as far as there are any; contents stay. Linux 6.1 and later.
pub fn joinPages(address: usize, length: usize) void {
    const collapse = 25; // MADV_COLLAPSE
    sys.attempt(.madvise, .{ address, length, collapse });
}

/// Whether the kernel has transparent huge pages.
pub fn hasHugePages() bool {
    const path: [*:0]const u8 = "/sys/kernel/mm/transparent_hugepage";
    _ = sys.call(.faccessat, .{ linux.AT.FDCWD, path, 0 }) catch |err| return err != error.ENOENT;
    return true;
}

/// Of the mapping with an address: bytes in pages of 2 MiB, and whether they were wished for. For tests: reads /proc/self/smaps.
pub const hugePagesAt = maps.hugePagesAt;

/// Whether stores to the file go to its medium without a page cache in between, which is to say whether its file system has DAX: such
/// a file alone can be mapped so that its metadata is written before a page is. It has a page at least. EOPNOTSUPP: it has not.
pub fn requireDax(fd: Fd) Error!void {
    const shared_validate_sync = 0x3 | 0x80000; // MAP_SHARED_VALIDATE | MAP_SYNC
    const page = pageSize();
    const address = sys.call(.mmap, .{ 0, page, prot(.read_write), shared_validate_sync, fd, 0 }) catch |err| switch (err) {
        error.EINVAL => return error.EOPNOTSUPP, // Linux before 4.15
        else => return err,
    };
    unmap(address, page) catch {};
}

/// Whether the process is kept from using huge pages (prctl PR_SET_THP_DISABLE, inherited through fork and exec). Mappings that
/// consist of nothing else then fault.
pub fn hugePagesDisabled() bool {
    const disabled = sys.call(.prctl, .{ linux.PR.GET_THP_DISABLE, 0, 0, 0, 0 }) catch return false;
    return disabled != 0;
}

/// How many mappings the process has, and their bytes. For tests and reports: reads /proc/self/maps.
pub const mapped = maps.totals;
pub const Totals = maps.Totals;

test "reserve is aligned and unreadable, and goes back" {
    for ([_]usize{ pageSize(), 4 << 20, 4 << 30 }) |alignment| {
        const base = try reserve(1 << 20, alignment);
        try std.testing.expectEqual(@as(usize, 0), base % alignment);
        // The kernel refuses to copy from a page that cannot be read.
        try std.testing.expectError(error.EFAULT, sys.call(.write, .{ @as(i32, 1), base, 1 }));
        try protect(base, pageSize(), .read_write);
        @as(*u8, @ptrFromInt(base)).* = 1;
        try unmap(base, 1 << 20);
    }
}

test "reserveReadable reads as zeros" {
    const base = (try reserveReadable(1 << 40, 4 << 20)).address;
    defer unmap(base, 1 << 40) catch {};
    const bytes: [*]u8 = @ptrFromInt(base);
    try std.testing.expectEqual(@as(u8, 0), bytes[(1 << 40) - 1]);
    bytes[5] = 1;
    try discard(base, pageSize());
    try std.testing.expectEqual(@as(u8, 0), bytes[5]);
}

test "reserveAt takes the first hole at or above the hint" {
    const length = 1 << 20;
    const first = try reserve(16 << 20, 4 << 20);
    try unmap(first, 16 << 20);
    const one = try reserveAt(first + 1, length, 4 << 20);
    defer unmap(one, length) catch {};
    const two = (try reserveReadableAt(first + 1, length, 4 << 20)).address;
    defer unmap(two, length) catch {};
    try std.testing.expectEqual(first + (4 << 20), one);
    try std.testing.expectEqual(one + (4 << 20), two);
    try std.testing.expectError(error.ENOMEM, reserveAt(std.math.maxInt(usize) - (8 << 20), length, 4 << 20));
}

test "populate maps what a write may reach, and nothing beyond" {
    const page = pageSize();
    const fd = try file.openMemory(page);
    defer file.close(fd);
    const base = try reserve(2 * page, page);
    defer unmap(base, 2 * page) catch {};
    try mapFixedFile(base, 2 * page, fd, 0);
    populate(base, page) catch |err| if (err == error.EINVAL) return error.SkipZigTest; // Linux before 5.14
    try std.testing.expect(try isResident(base));
    try std.testing.expectError(error.EFAULT, populate(base, 2 * page));
}

test "hugePagesDisabled" {
    const set: i32 = @backingInt(linux.PR.SET_THP_DISABLE);
    try std.testing.expect(!hugePagesDisabled());
    _ = try sys.call(.prctl, .{ set, 1, 0, 0, 0 });
    defer sys.attempt(.prctl, .{ set, 0, 0, 0, 0 });
    try std.testing.expect(hugePagesDisabled());
}

test "roundToPages" {
    try std.testing.expectEqual(@as(?usize, 0), roundToPages(0));
    try std.testing.expectEqual(@as(?usize, pageSize()), roundToPages(1));
    try std.testing.expectEqual(@as(?usize, null), roundToPages(std.math.maxInt(usize)));
}

test "a reservation that does not fit is ENOMEM" {
    try std.testing.expectError(error.ENOMEM, reserve(@as(usize, 1) << 62, 4 << 20));
    try std.testing.expectError(error.ENOMEM, reserveReadable(@as(usize, 1) << 62, 4 << 20));
}
