import { type ActorRef, type Behavior, consume, stateful } from 'skein';
import { countLines } from './count-lines.js';

export interface Job {
  readonly file: string;
  readonly reply: (outcome: Outcome) => void;
}

/** What became of a job. */
export type Outcome = { readonly lines: number } | { readonly problem: unknown };

interface Question {
  readonly file: string;
  readonly reply: (lines: number) => void;
}

/** Reads one file after the other. It knows nothing of errors: what cannot be read fails it, and it is started anew. */
const reader = stateful<Question, number>(
  () => 0,
  async (read, { file, reply }, { signal }) => {
    reply(await countLines(file, signal));
    return read + 1;
  },
);

/** Has so many readers below it, and as many jobs at work; the others stay in its mailbox. Whoever adds up learns first. */
export const crew =
  (size: number, sums: ActorRef<Outcome>): Behavior<Job, unknown> =>
  (message$, { spawn }) => {
    const readers = Array.from({ length: size }, (_, index) => spawn(reader, { name: `reader-${String(index + 1)}` }));
    return message$.pipe(
      consume(async ({ file, reply }, index) => {
        const outcome = await readers[index % size]!.ask<number>((lines) => ({ file, reply: lines })).then(
          (lines) => ({ lines }),
          (error: unknown) => ({ problem: (error as Error).cause ?? error }),
        );
        await sums.send(outcome);
        reply(outcome);
      }, size),
    );
  };

export interface Sum {
  readonly files: number;
  readonly lines: number;
}

/** An outcome to add, or who wants to know what all before it come to. */
type Entry = Outcome | { readonly reply: (sum: Sum) => void };

/** Adds up what it is told. */
export const tally = stateful<Entry, Sum>(
  () => ({ files: 0, lines: 0 }),
  (sum, entry) => {
    if ('reply' in entry) entry.reply(sum);
    return 'lines' in entry ? { files: sum.files + 1, lines: sum.lines + entry.lines } : sum;
  },
);
