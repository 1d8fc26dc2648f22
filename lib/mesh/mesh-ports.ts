import type { Clock } from '../ports/clock.js';
import type { Codec } from '../ports/codec.js';
import type { Logger } from '../ports/logger.js';
import type { Matchmaker } from '../ports/matchmaker.js';
import type { Meter } from '../ports/meter.js';
import type { Network } from '../ports/network.js';
import type { Random } from '../ports/random.js';

/** Who a node is on the wire, and what it allows. */
export interface Identity {
  readonly node: string;
  /** This run of the node; later runs' sort behind it. */
  readonly incarnation: string;
  /** Where it listens once it serves, as an address of its network; parts left open are filled in then. */
  readonly bind: string;
  /** What others are told to dial; by default where it listens. */
  readonly advertise: string | undefined;
  readonly heartbeatMs: number;
  /** Requests that it admits on each link before they leave the mailbox. */
  readonly linkCredit: number;
  /** Links that it holds open at once. */
  readonly linksMax: number;
  /** How long a request waits for its topic to have a server, in ms. */
  readonly noServerMs: number;
  readonly leaseMs: number;
}

/** What the pieces of the mesh take from outside. */
export interface MeshPorts {
  readonly identity: Identity;
  readonly network: Network;
  readonly matchmaker: Matchmaker;
  readonly codec: Codec;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly meter: Meter;
}
