import { limits } from '../core/limits.js';
import { Mailbox, type MailboxOptions } from '../operators/mailbox.js';
import type { Outgoing } from '../ports/transport.js';

const options: MailboxOptions<Outgoing> = {
  max: limits.outboxMax,
  weigh: ({ bytes }) => bytes,
  weightMax: limits.outboxBytesMax,
  batchWeightMax: limits.batchBytesMax,
  isDead: ({ isSettled }) => isSettled,
};

/** Requests that wait for one link: as many as `limits` lets wait, in batches that it lets be sent. */
export const makeOutbox = (): Mailbox<Outgoing> => new Mailbox(options);
