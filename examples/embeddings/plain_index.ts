/** The same index as objects, each with an array of its own: what the pool is compared with. */
import { dot, Nearest, type Neighbour } from "./nearest.ts";

interface Row {
  readonly vector: Float32Array;
  readonly scale: number;
}

export class PlainIndex {
  readonly #rows: (Row | undefined)[] = [];
  readonly #deleted: number[] = [];

  add(vector: Float32Array): number {
    const id = this.#deleted.pop() ?? this.#rows.length;
    this.#rows[id] = { vector: vector.slice(), scale: scaleOf(vector) };
    return id;
  }

  delete(id: number): void {
    this.#rows[id] = undefined;
    this.#deleted.push(id);
  }

  search(query: Float32Array, k: number): Neighbour[] {
    const scale = scaleOf(query);
    const nearest = new Nearest(k);
    this.#rows.forEach((row, id) => {
      if (row === undefined) return;
      const score = dot(query, row.vector, 0) * row.scale * scale;
      if (score >= nearest.bound) nearest.offer(id, score);
    });
    return nearest.list();
  }
}

function scaleOf(vector: Float32Array): number {
  return 1 / Math.sqrt(dot(vector, vector, 0));
}
