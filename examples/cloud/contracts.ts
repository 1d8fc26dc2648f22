import { call, cast, contract } from 'skein';
import { z } from 'zod';

/** What is to run, as a program and its arguments: no shell reads it. The id names the instance and its result. */
export const orderSchema = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'an id is made of a-z, 0-9 and "-", of 64 at most'),
  command: z.array(z.string()).min(1, 'name the program to run'),
});
export type Order = z.infer<typeof orderSchema>;

/** What became of an instance that ran to its end, well or not. */
export const resultSchema = z.object({
  order: z.string(),
  compute: z.string(),
  /** As shells have it: 127 for what could not be started, 128 + n for what ended by signal n. */
  exitCode: z.int(),
  /** The first line that it printed, and a digest of all that it printed. */
  output: z.string(),
  bytes: z.int(),
  sha256: z.string(),
  /** The last line of its complaints. */
  problem: z.string(),
  /** How long the command took. */
  ms: z.number(),
});
export type Result = z.infer<typeof resultSchema>;

/** A compute and its host, as the operating system tells. Memory and disk are in bytes. */
export const reportSchema = z.object({
  compute: z.string(),
  pid: z.int(),
  capacity: z.int(),
  running: z.array(z.string()),
  waiting: z.int(),
  cpus: z.int(),
  load: z.number(),
  freeMemory: z.number(),
  totalMemory: z.number(),
  freeDisk: z.number(),
  totalDisk: z.number(),
});
export type Report = z.infer<typeof reportSchema>;

/** Runs instances. */
export const Compute = contract('compute', '1.0', {
  /** Answers when the instance has ended. Asked again for one that runs, it joins it; for one that is done, it gives its result. */
  boot: call({ input: orderSchema, output: resultSchema, idempotent: true, timeoutMs: 60_000 }),
  state: call({ output: reportSchema }),
  /** A scheduler is new: tell it what there is. */
  tell: cast(),
});

/** Decides where instances run. */
export const Scheduler = contract('scheduler', '1.0', {
  /** Has a compute boot it, and another one where that is lost. */
  place: call({ input: orderSchema, output: resultSchema, idempotent: true, timeoutMs: 120_000 }),
  computes: call({ output: z.array(reportSchema) }),
  report: cast({ input: reportSchema }),
});

export const placedSchema = z.object({ order: z.string(), compute: z.string(), scheduler: z.string() });
export type Placed = z.infer<typeof placedSchema>;

export const stateSchema = z.enum(['waiting', 'running', 'done', 'failed']);

export const entrySchema = z.object({
  id: z.string(),
  state: stateSchema,
  /** Where it was placed last, and by whom. */
  compute: z.string(),
  scheduler: z.string(),
  placements: z.int(),
  /** From its first being handed to a scheduler to its end. */
  ms: z.number().nullable(),
  problem: z.string(),
});
export type Entry = z.infer<typeof entrySchema>;

export const statusSchema = z.object({
  orders: z.int(),
  waiting: z.int(),
  running: z.int(),
  done: z.int(),
  failed: z.int(),
  placements: z.int(),
  /** Placements beyond the first one of an order: its compute or its scheduler was lost. */
  retries: z.int(),
  p50Ms: z.number(),
  p99Ms: z.number(),
});
export type Status = z.infer<typeof statusSchema>;

/** Takes orders, and knows what became of each. */
export const Api = contract('api', '1.0', {
  /** Answers when the instance has ended; the same order twice is one. */
  order: call({ input: orderSchema, output: resultSchema, idempotent: true, timeoutMs: 600_000 }),
  /** Takes all orders of a file, and answers at once. */
  submit: call({ input: z.object({ file: z.string() }), output: z.object({ orders: z.int() }) }),
  status: call({ output: statusSchema }),
  list: call({ input: z.object({ state: stateSchema.optional() }), output: z.array(entrySchema) }),
  /** A scheduler has sent it to a compute. */
  placed: cast({ input: placedSchema }),
});
