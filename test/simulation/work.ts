import { call, cast, contract } from '../../lib/index.js';

/** A request of the schedule: casts with a lane are to start in the order of their numbers. */
export interface Job {
  /** Tells it from all others. */
  readonly token: number;
  readonly lane: string;
  readonly number: number;
  readonly ms: number;
}

export const Work = contract('work', '1.0', {
  quick: call<Job, string>(),
  slow: call<Job, string>(),
  relay: call<Job, string>(),
  often: call<Job, string>({ idempotent: true }),
  note: cast<Job>(),
  sure: cast<Job>({ confirm: 'done' }),
  surely: cast<Job>({ confirm: 'done', idempotent: true }),
});

/** Something that was sent, in words, and what it carries. */
export interface Sent {
  readonly what: string;
  readonly token: number;
  readonly isPinned: boolean;
}
