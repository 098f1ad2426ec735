/** A worker of the example: it puts jobs into the queue, or takes them out until a null pointer comes. */
import { Pool } from "@vmem/vmem";
import { type Done, Job, type Task } from "./job.ts";
import { SharedQueue } from "./queue.ts";

const scope = globalThis as unknown as {
  onmessage: (event: { readonly data: Task }) => void;
  postMessage(done: Done): void;
};

scope.onmessage = ({ data: { token, queue: pointer, jobs } }) => {
  using pool = Pool.attach(token);
  const queue = new SharedQueue(pool, pointer);
  scope.postMessage(jobs === undefined ? take(pool, queue) : put(pool, queue, jobs));
};

function put(pool: Pool, queue: SharedQueue, [from, to]: readonly [number, number]): Done {
  for (let number = from; number < to; number++) {
    queue.put(pool.make(Job, { number, text: `job ${number}` }).$pointer);
  }
  return { taken: 0, sum: 0 };
}

function take(pool: Pool, queue: SharedQueue): Done {
  let taken = 0;
  let sum = 0;
  for (let pointer = queue.take(); pointer !== 0; pointer = queue.take()) {
    const job = new Job(pool, pointer);
    if (job.text !== `job ${job.number}`) throw new Error(`Job ${job.number} is damaged`);
    sum += job.number;
    taken++;
    pool.free(job); // with its text, which another thread allocated
  }
  return { taken, sum };
}
