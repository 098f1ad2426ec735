/**
 * A bounded queue of pointers in a pool, for any number of threads that put in and take out (Vyukov's ring).
 *
 * Every slot has a *turn*, a number that says whose it is: `n` while the putter with number n may fill it, `n + 1` while the
 * taker with number n may empty it. A thread gets its number by compare-and-exchange, and sleeps on a slot's turn
 * while the queue is full or empty. Setting the turn publishes what was written before, the bytes of the message too.
 */
import type { Pointer, Pool } from "@vmem/vmem";

/** Places in the queue's block, in words of 32 bits. The two counters have a cache line each. */
const PUT = 16;
const TAKEN = 32;
const SLOTS = 48;
/** Words of a slot: its turn, a gap, the message as a double. */
const SLOT = 4;

export class SharedQueue {
  /** Where the queue is, for other threads. */
  readonly pointer: Pointer;
  readonly #pool: Pool;
  readonly #words: Int32Array;
  readonly #doubles: Float64Array;
  readonly #capacity: number;

  /** The queue at a pointer, which {@linkcode SharedQueue.create} gave to another thread. */
  constructor(pool: Pool, pointer: Pointer) {
    const capacity = pool.view(Int32Array, pointer, 1)[0]!;
    this.pointer = pointer;
    this.#pool = pool;
    this.#words = pool.view(Int32Array, pointer, SLOTS + SLOT * capacity);
    this.#doubles = pool.view(Float64Array, pointer, (SLOTS + SLOT * capacity) / 2);
    this.#capacity = capacity;
  }

  /** Makes a queue for `capacity` messages, a power of two. It is one block, which `pool.free(queue.pointer)` frees. */
  static create(pool: Pool, capacity: number): SharedQueue {
    const pointer = pool.calloc(SLOTS + SLOT * capacity, 4, { align: 64 });
    const words = pool.view(Int32Array, pointer, SLOTS + SLOT * capacity);
    words[0] = capacity;
    for (let number = 0; number < capacity; number++) words[SLOTS + SLOT * number] = number;
    return new SharedQueue(pool, pointer);
  }

  /** Puts a message in; sleeps while the queue is full. */
  put(message: Pointer): void {
    const number = this.#claim(PUT, 0);
    const slot = this.#slotOf(number);
    this.#doubles[slot / 2 + 1] = message;
    this.#pass(slot, number + 1);
  }

  /** Takes the oldest message out; sleeps while the queue is empty. */
  take(): Pointer {
    const number = this.#claim(TAKEN, 1);
    const slot = this.#slotOf(number);
    const message = this.#doubles[slot / 2 + 1] as Pointer;
    this.#pass(slot, number + this.#capacity);
    return message;
  }

  /** Gets the counter's next number for this thread, as soon as that number's slot has the turn `number + ahead`. */
  #claim(counter: number, ahead: 0 | 1): number {
    for (;;) {
      const number = Atomics.load(this.#words, counter);
      const slot = this.#slotOf(number);
      const turn = Atomics.load(this.#words, slot);
      const missing = (number + ahead - turn) | 0; // numbers wrap around
      if (missing > 0) this.#pool.wait(this.#place(slot), turn);
      if (missing !== 0) continue; // below 0: another thread has taken the number since it was read
      const next = (number + 1) | 0;
      if (Atomics.compareExchange(this.#words, counter, number, next) === number) return number;
    }
  }

  /** Gives a slot to the thread whose turn it is now, and wakes all that sleep on it. */
  #pass(slot: number, turn: number): void {
    Atomics.store(this.#words, slot, turn | 0);
    this.#pool.notify(this.#place(slot));
  }

  #slotOf(number: number): number {
    return SLOTS + SLOT * (number & (this.#capacity - 1));
  }

  #place(word: number): Pointer {
    return this.pointer + 4 * word as Pointer;
  }
}
