//! What memkind's tiers keep: how many bytes of each kind they gave out, the kinds of one memory with their shares, and the policy of
//! `hbwmalloc.h`.

const std = @import("std");
const layout = @import("layout.zig");
const table = @import("table.zig");
const Kind = layout.Kind;

pub const tiers_max = 16;

var bytes_out: [layout.kinds_max]std.atomic.Value(usize) = @splat(.init(0));

/// Bytes of blocks of the kind that tiers gave out; 0 for what is no kind.
pub fn bytesOut(kind: ?*const Kind) usize {
    const counter = counterOf(kind) orelse return 0;
    return counter.load(.monotonic);
}

pub fn count(kind: ?*const Kind, bytes: usize) void {
    if (counterOf(kind)) |counter| _ = counter.fetchAdd(bytes, .monotonic);
}

pub fn discount(kind: ?*const Kind, bytes: usize) void {
    if (counterOf(kind)) |counter| _ = counter.fetchSub(bytes, .monotonic);
}

/// Each block is counted, and built-in kinds never go: those are found without the lock, at which threads would meet.
fn counterOf(kind: ?*const Kind) ?*std.atomic.Value(usize) {
    const given = kind orelse return null;
    if (table.isBuiltIn(given)) |name| return &bytes_out[@backingInt(name)];
    table.lock.lock();
    defer table.lock.unlock();
    const record = table.find(given) orelse return null;
    return &bytes_out[table.slotOfRecord(record)];
}

const Tier = extern struct { kind: *Kind, ratio: u32 };

/// Kinds that one memory is spread over, each with its share.
pub const Tiers = extern struct {
    count: u32 = 0,
    tiers: [tiers_max]Tier = undefined,

    /// False: no kind or share, one that is there already, or too many.
    pub fn add(t: *Tiers, kind: ?*Kind, ratio: u32) bool {
        const given = kind orelse return false;
        if (ratio == 0 or t.count == tiers_max or counterOf(given) == null) return false;
        for (t.tiers[0..t.count]) |tier| if (tier.kind == given) return false;
        t.tiers[t.count] = .{ .kind = given, .ratio = ratio };
        t.count += 1;
        return true;
    }

    /// The kind that has the least of its share; the first of several. There is one at least.
    pub fn next(t: *const Tiers) *Kind {
        var best = t.tiers[0];
        var least: u128 = bytesOut(best.kind);
        for (t.tiers[1..t.count]) |tier| {
            const bytes: u128 = bytesOut(tier.kind);
            if (bytes * best.ratio >= least * tier.ratio) continue;
            best = tier;
            least = bytes;
        }
        return best.kind;
    }
};

/// Of `hbwmalloc.h`: 1 binds, 2 prefers, 3 interleaves, 4 binds to all.
var fast_policy: std.atomic.Value(u32) = .init(0);
const fast_policy_default = 2;

pub fn fastPolicy() u32 {
    const policy = fast_policy.load(.monotonic);
    return if (policy != 0) policy else fast_policy_default;
}

/// The policy from now on: what the first block is taken by, or the first call sets. False: it is another one already.
pub fn setFastPolicy(policy: u32) bool {
    const before = fast_policy.cmpxchgStrong(0, policy, .monotonic, .monotonic) orelse return true;
    return before == policy;
}

test "the next block goes where the share is least used" {
    table.open();
    const default = table.ofPartition(0).?.kind;
    const regular = table.ofPartition(11).?.kind;
    var tiers: Tiers = .{};
    try std.testing.expect(!tiers.add(null, 1) and !tiers.add(default, 0));
    try std.testing.expect(tiers.add(default, 1) and tiers.add(regular, 3));
    try std.testing.expect(!tiers.add(default, 1));
    var per_kind: [2]usize = .{ 0, 0 };
    for (0..400) |_| {
        const kind = tiers.next();
        per_kind[@intFromBool(kind == regular)] += 1;
        count(kind, 100);
    }
    try std.testing.expectEqual([2]usize{ 100, 300 }, per_kind);
    discount(default, 100 * 100);
    discount(regular, 300 * 100);
    try std.testing.expectEqual(0, bytesOut(regular));
}
