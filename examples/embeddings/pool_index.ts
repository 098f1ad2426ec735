/**
 * An index of vectors in a pool. Rows lie one after the other in segments, so that growing copies nothing and no
 * row ever moves: a segment is one block, its pointer is all that a worker must know of it.
 */
import type { Pointer, Pool, PoolToken } from "@vmem/vmem";
import { dot, Nearest, type Neighbour } from "./nearest.ts";

/** Rows of a segment. */
const ROWS = 4096;

/** What a worker needs to search. */
export interface Shape {
  readonly token: PoolToken;
  readonly dimensions: number;
  readonly segments: readonly Pointer[];
}

/** This thread's views of a segment. */
interface Segment {
  readonly pointer: Pointer;
  /** The vectors of all rows. */
  readonly vectors: Float32Array;
  /** The reciprocal of each row's length, 0 for a row without a vector. */
  readonly scales: Float32Array;
  /** The vectors' memory as whole numbers: a row without a vector has the next such row's there, plus 1. */
  readonly links: Uint32Array;
}

export class PoolIndex {
  readonly #pool: Pool;
  readonly #dimensions: number;
  readonly #segments: Segment[];
  /** The row that was deleted last, plus 1; they are a list. */
  #deleted = 0;
  /** Rows that were ever used. */
  #rows = 0;
  #size = 0;

  /**
   * An index in a pool. With `segments` it is somebody else's, and only to be searched.
   *
   * @throws RangeError `dimensions` is no multiple of 4.
   */
  constructor(pool: Pool, dimensions: number, segments: readonly Pointer[] = []) {
    if (!Number.isInteger(dimensions) || dimensions < 4 || dimensions % 4 !== 0) {
      throw new RangeError(`A vector has ${dimensions} numbers; it must be a multiple of 4`);
    }
    this.#pool = pool;
    this.#dimensions = dimensions;
    this.#segments = segments.map((pointer) => this.#segmentAt(pointer));
  }

  /** Vectors in the index. */
  get size(): number {
    return this.#size;
  }

  /** For workers. A segment that is added later is not in it. */
  get shape(): Shape {
    const segments = this.#segments.map(({ pointer }) => pointer);
    return { token: this.#pool.token, dimensions: this.#dimensions, segments };
  }

  /**
   * Adds a vector and gives its number, which may be that of a deleted one.
   *
   * @throws RangeError The vector has another length, or the length 0 in space, where no angle is.
   * @throws OutOfMemoryError The pool has no room for another segment.
   */
  add(vector: Float32Array): number {
    const scale = this.#scaleOf(vector);
    const id = this.#deleted > 0 ? this.#deleted - 1 : this.#rows;
    if (id === this.#segments.length * ROWS) this.#grow();
    const { vectors, scales, links } = this.#segments[Math.floor(id / ROWS)]!;
    const row = id % ROWS;
    if (id === this.#rows) this.#rows++;
    else this.#deleted = links[row * this.#dimensions]!;
    vectors.set(vector, row * this.#dimensions);
    scales[row] = scale;
    this.#size++;
    return id;
  }

  /** Takes a vector out; false if there is none of that number. Its place goes to the next that is added. */
  delete(id: number): boolean {
    const segment = this.#segments[Math.floor(id / ROWS)];
    const row = id % ROWS;
    if (!segment?.scales[row]) return false;
    segment.scales[row] = 0;
    segment.links[row * this.#dimensions] = this.#deleted;
    this.#deleted = id + 1;
    this.#size--;
    return true;
  }

  /** The `k` vectors with the largest cosines to the query, in every `step`-th segment from the `first` on. */
  search(query: Float32Array, k: number, first = 0, step = 1): Neighbour[] {
    const scale = this.#scaleOf(query);
    const nearest = new Nearest(k);
    for (let i = first; i < this.#segments.length; i += step) {
      this.#searchSegment(query, scale, this.#segments[i]!, i * ROWS, nearest);
    }
    return nearest.list();
  }

  #searchSegment(
    query: Float32Array,
    scale: number,
    { vectors, scales }: Segment,
    id: number,
    nearest: Nearest,
  ): void {
    for (let row = 0; row < ROWS; row++) {
      if (scales[row] === 0) continue;
      const score = dot(query, vectors, row * this.#dimensions) * scales[row]! * scale;
      if (score >= nearest.bound) nearest.offer(id + row, score);
    }
  }

  #scaleOf(vector: Float32Array): number {
    if (vector.length !== this.#dimensions) {
      throw new RangeError(
        `The vector has ${vector.length} numbers; this index is of ${this.#dimensions}`,
      );
    }
    const square = dot(vector, vector, 0);
    if (!(square > 0 && square < Infinity)) {
      throw new RangeError(`The vector's length is ${Math.sqrt(square)}; it has no direction`);
    }
    return 1 / Math.sqrt(square);
  }

  #grow(): void {
    const bytes = ROWS * (this.#dimensions + 1) * 4;
    const pointer = this.#pool.calloc(1, bytes, { align: 64 });
    this.#segments.push(this.#segmentAt(pointer));
  }

  #segmentAt(pointer: Pointer): Segment {
    const numbers = ROWS * this.#dimensions;
    const all = this.#pool.view(Float32Array, pointer, numbers + ROWS);
    return {
      pointer,
      vectors: all.subarray(0, numbers),
      scales: all.subarray(numbers),
      links: this.#pool.view(Uint32Array, pointer, numbers),
    };
  }
}
