//! An intrusive treap over numbered nodes: a binary search tree by key that is also a heap by a
//! pseudo-random priority, so that its expected depth is logarithmic whatever the order of
//! insertions (Seidel, Aragon, *Randomized Search Trees*, 1996). The priority is a hash of the
//! node's number and is not stored; a node needs two links and nothing else.
//!
//! Node 0 is "none". Keys of the nodes in one tree are distinct. Nothing here allocates, locks or
//! recurses; the caller owns the nodes and serialises access.
//!
//! `Context` says where nodes live:
//! `fn links(context, node: u32) *Links` and `fn key(context, node: u32) u64`.

const std = @import("std");
const assert = std.debug.assert;

pub const Links = extern struct { left: u32 = 0, right: u32 = 0 };

pub fn Treap(comptime Context: type) type {
    return struct {
        const Self = @This();

        root: u32 = 0,

        /// The node with the smallest key, 0 if there is none.
        pub fn first(t: Self, c: Context) u32 {
            var node = t.root;
            if (node == 0) return 0;
            while (c.links(node).left != 0) node = c.links(node).left;
            return node;
        }

        /// The node with the largest key, 0 if there is none.
        pub fn last(t: Self, c: Context) u32 {
            var node = t.root;
            if (node == 0) return 0;
            while (c.links(node).right != 0) node = c.links(node).right;
            return node;
        }

        /// The node with the smallest key that is at least `key`, 0 if there is none.
        pub fn atLeast(t: Self, c: Context, key: u64) u32 {
            var node = t.root;
            var found: u32 = 0;
            while (node != 0) {
                if (c.key(node) >= key) {
                    found = node;
                    node = c.links(node).left;
                } else node = c.links(node).right;
            }
            return found;
        }

        pub fn insert(t: *Self, c: Context, node: u32) void {
            const key = c.key(node);
            const own = priority(node);
            var link = &t.root;
            while (link.* != 0 and priority(link.*) >= own) {
                const at = c.links(link.*);
                link = if (key < c.key(link.*)) &at.left else &at.right;
            }
            // The subtree found here goes below the new node, split by key.
            var rest = link.*;
            link.* = node;
            var less = &c.links(node).left;
            var more = &c.links(node).right;
            while (rest != 0) {
                const at = c.links(rest);
                if (c.key(rest) < key) {
                    less.* = rest;
                    less = &at.right;
                    rest = at.right;
                } else {
                    more.* = rest;
                    more = &at.left;
                    rest = at.left;
                }
            }
            less.* = 0;
            more.* = 0;
        }

        /// `node` must be in the tree.
        pub fn remove(t: *Self, c: Context, node: u32) void {
            const key = c.key(node);
            var link = &t.root;
            while (link.* != node) {
                assert(link.* != 0);
                const at = c.links(link.*);
                link = if (key < c.key(link.*)) &at.left else &at.right;
            }
            var less = c.links(node).left;
            var more = c.links(node).right;
            while (less != 0 and more != 0) {
                if (priority(less) >= priority(more)) {
                    link.* = less;
                    link = &c.links(less).right;
                    less = link.*;
                } else {
                    link.* = more;
                    link = &c.links(more).left;
                    more = link.*;
                }
            }
            link.* = if (less != 0) less else more;
            c.links(node).* = .{};
        }
    };
}

/// The finaliser of MurmurHash3 (Appleby, public domain): every input bit reaches every output bit.
fn priority(node: u32) u32 {
    var h = node;
    h = (h ^ (h >> 16)) *% 0x85ebca6b;
    h = (h ^ (h >> 13)) *% 0xc2b2ae35;
    return h ^ (h >> 16);
}

test "a treap keeps its order under random insertions and removals" {
    const capacity = 500;
    const Context = struct {
        nodes: *[capacity]Links,
        keys: *[capacity]u64,
        fn links(c: @This(), node: u32) *Links {
            return &c.nodes[node];
        }
        fn key(c: @This(), node: u32) u64 {
            return c.keys[node];
        }
    };
    var nodes: [capacity]Links = @splat(.{});
    var keys: [capacity]u64 = undefined;
    var present: [capacity]bool = @splat(false);
    const context: Context = .{ .nodes = &nodes, .keys = &keys };
    var tree: Treap(Context) = .{};
    var random_state: std.Random.DefaultPrng = .init(7);
    const random = random_state.random();
    for (0..20_000) |_| {
        const node: u32 = random.intRangeLessThan(u32, 1, capacity);
        if (present[node]) {
            tree.remove(context, node);
        } else {
            keys[node] = @as(u64, random.int(u16)) << 32 | node;
            tree.insert(context, node);
        }
        present[node] = !present[node];

        const wanted: u64 = @as(u64, random.int(u16)) << 32;
        var best: u32 = 0;
        var smallest: u32 = 0;
        var largest: u32 = 0;
        for (1..capacity) |i| {
            if (!present[i]) continue;
            const n: u32 = @intCast(i);
            if (smallest == 0 or keys[n] < keys[smallest]) smallest = n;
            if (largest == 0 or keys[n] > keys[largest]) largest = n;
            if (keys[n] >= wanted and (best == 0 or keys[n] < keys[best])) best = n;
        }
        try std.testing.expectEqual(best, tree.atLeast(context, wanted));
        try std.testing.expectEqual(smallest, tree.first(context));
        try std.testing.expectEqual(largest, tree.last(context));
    }
}
