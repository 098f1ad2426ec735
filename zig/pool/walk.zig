//! A pool's live blocks: a piece at a time for faces that speak in buffers, or each to a function.

const os = @import("../os.zig");
const heap = @import("../heap.zig");
const lifetime = @import("lifetime.zig");

const Block = heap.walk.Block;

/// Blocks of one piece: few of those keep a pool busy for a tenth of a millisecond each.
const piece_len = 8192;

/// The live blocks from the place `at` on, 0 for the first piece; moves it on and says how many, 0 at the end. `out` has room
/// for `heap.walk.room_min` at least. What is promised of blocks that come and go meanwhile: see heap/walk.zig. Errors: see
/// `lifetime.refuse`.
pub fn blocks(handle: usize, at: *u32, out: []Block) os.Error!usize {
    const range = try lifetime.pinned(handle);
    defer range.release();
    return heap.walk.next(range.heap, at, out) orelse lifetime.refuse(handle);
}

/// Calls `visitor.visit(block) c_int` for each live block, without a lock held, until that is not 0, and gives what it was
/// last. The visitor may use the pool, even close it. ENOMEM: no memory for the list of a piece. Else see `lifetime.refuse`.
pub fn each(handle: usize, visitor: anytype) os.Error!c_int {
    const range = try lifetime.pinned(handle);
    defer range.release();
    const len = piece_len * @sizeOf(Block);
    const memory: [*]Block = @ptrFromInt(try os.memory.mapAnonymous(len));
    defer os.memory.unmap(@intFromPtr(memory), len) catch {};
    var at: u32 = 0;
    while (true) {
        const count = heap.walk.next(range.heap, &at, memory[0..piece_len]) orelse return lifetime.refuse(handle);
        if (count == 0) return 0;
        for (memory[0..count]) |block| {
            const answer: c_int = visitor.visit(block);
            if (answer != 0) return answer;
        }
    }
}
