//! The free runs of a heap, to be found by page count: best fit.
//!
//! Runs of up to 256 pages are in one doubly linked list a page count, with a bit a list that is not
//! empty: taking, giving and finding the smallest that fits are a few instructions whatever the number
//! of runs. Among equals the lower of the newest is preferred, which tends to keep the far end of the pool free
//! at no cost. Larger runs, of which there are few, are in a treap by (pages, address).
//!
//! Serialised by the lock of the runs. The links lie in the descriptors.

const FreeRuns = @This();

const base = @import("../base.zig");
const Metadata = @import("Metadata.zig");

const assert = base.assert;
const listed_max = 256;

metadata: *Metadata,
/// First run of each page count.
lists: [listed_max + 1]u32 = @splat(0),
/// Bit n: list n is not empty.
filled: [listed_max / 64 + 1]u64 = @splat(0),
tree: base.treap.Treap(ByPagesAndAddress) = .{},

const ByPagesAndAddress = struct {
    metadata: *const Metadata,

    pub fn links(c: ByPagesAndAddress, number: u32) *base.treap.Links {
        return &c.metadata.descriptor(number).links;
    }
    pub fn key(c: ByPagesAndAddress, number: u32) u64 {
        const d = c.metadata.descriptor(number);
        return order(d.pages, d.start);
    }
};

fn order(pages: u64, start: u32) u64 {
    return pages << 32 | start;
}

fn by(f: *const FreeRuns) ByPagesAndAddress {
    return .{ .metadata = f.metadata };
}

pub fn insert(f: *FreeRuns, number: u32) void {
    const d = f.metadata.descriptor(number);
    if (d.pages > listed_max) return f.tree.insert(f.by(), number);
    const first = f.lists[d.pages];
    f.filled[d.pages / 64] |= bit(d.pages);
    if (first == 0) {
        d.links = .{};
        f.lists[d.pages] = number;
        return;
    }
    const head = f.metadata.descriptor(first);
    if (d.start < head.start) {
        d.links = .{ .right = first };
        head.links.left = number;
        f.lists[d.pages] = number;
    } else { // behind the first
        d.links = .{ .left = first, .right = head.links.right };
        if (head.links.right != 0) f.metadata.descriptor(head.links.right).links.left = number;
        head.links.right = number;
    }
}

/// The run's page count must be what it was when it was inserted.
pub fn remove(f: *FreeRuns, number: u32) void {
    const d = f.metadata.descriptor(number);
    if (d.pages > listed_max) return f.tree.remove(f.by(), number);
    const links = d.links;
    if (links.left != 0) {
        f.metadata.descriptor(links.left).links.right = links.right;
    } else {
        assert(f.lists[d.pages] == number);
        f.lists[d.pages] = links.right;
        if (links.right == 0) f.filled[d.pages / 64] &= ~bit(d.pages);
    }
    if (links.right != 0) f.metadata.descriptor(links.right).links.left = links.left;
    d.links = .{};
}

fn bit(pages: u32) u64 {
    return @as(u64, 1) << @intCast(pages % 64);
}

/// Whether there is a run of that many pages, at most 256 of them.
pub fn hasExactly(f: *const FreeRuns, pages: u32) bool {
    assert(pages <= listed_max);
    return f.lists[pages] != 0;
}

/// A run of the smallest page count that is at least `pages`; 0 if there is none.
pub fn atLeast(f: *const FreeRuns, pages: u32) u32 {
    if (pages <= listed_max) {
        var word = pages / 64;
        var bits = f.filled[word] & ~(bit(pages) - 1);
        while (true) {
            if (bits != 0) return f.lists[word * 64 + @ctz(bits)];
            word += 1;
            if (word == f.filled.len) break;
            bits = f.filled[word];
        }
    }
    return f.tree.atLeast(f.by(), order(pages, 0));
}

/// The run after this one in the order of page counts; 0 after the last. From `atLeast(n)` on, every run of at
/// least n pages comes once.
pub fn next(f: *const FreeRuns, number: u32) u32 {
    const d = f.metadata.descriptor(number);
    if (d.pages > listed_max) return f.tree.atLeast(f.by(), order(d.pages, d.start) + 1);
    if (d.links.right != 0) return d.links.right;
    return f.atLeast(d.pages + 1);
}

/// One of the largest; 0 if there is none.
pub fn largest(f: *const FreeRuns) u32 {
    const in_tree = f.tree.last(f.by());
    if (in_tree != 0) return in_tree;
    var word: u32 = f.filled.len;
    while (word > 0) {
        word -= 1;
        if (f.filled[word] != 0) return f.lists[word * 64 + 63 - @clz(f.filled[word])];
    }
    return 0;
}
