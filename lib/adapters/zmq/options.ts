import { limits } from '../../core/limits.js';

export interface ZmqOptions {
  /** Messages that either end of a wire queues in each direction before `send` waits; 100 by default. */
  readonly highWater?: number;
  /** A larger message is refused here, and ends the wire where it comes from a peer; 80 MiB by default. */
  readonly messageBytesMax?: number;
  /** How long a wire may take to open, in ms; 3,000 by default. */
  readonly openMs?: number;
  /** How long what was sent may still take to leave after a wire or listener was closed, in ms; 2,000 by default. */
  readonly lingerMs?: number;
  /** Where the sockets of `ipc://NAME` are. */
  readonly ipcDirectory: string;
}

export type ZmqSettings = Required<Omit<ZmqOptions, 'ipcDirectory'>>;

export const zmqDefaults: ZmqSettings = {
  /** Enough to keep both ends busy with batches; what waits beyond it is better counted by the link's own queue. */
  highWater: 100,
  messageBytesMax: limits.messageBytesMax,
  openMs: 3_000,
  lingerMs: 2_000,
};
