import { limits } from '../core/limits.js';
import { Mailbox } from '../operators/mailbox.js';
import type { Outgoing } from '../ports/transport.js';

/** Requests that wait for one link: as many as `limits` lets wait, in batches that it lets be sent. */
export const makeOutbox = (): Mailbox<Outgoing> =>
  new Mailbox<Outgoing>({
    max: limits.outboxMax,
    weigh: ({ bytes }) => bytes,
    weightMax: limits.outboxBytesMax,
    batchWeightMax: limits.batchBytesMax,
    isDead: ({ isSettled }) => isSettled,
  });
