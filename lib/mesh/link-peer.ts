/**
 * `idle` has no wire and wants none; `down` has lost its wire, or could not open one, and tries again; so does `left`, whose peer has
 * said goodbye.
 */
export type LinkState = 'idle' | 'connecting' | 'live' | 'suspect' | 'down' | 'left';

/** Whom a link leads to. */
export interface LinkPeer {
  readonly address: string;
  /** The run of the peer that is meant; empty where the directory does not know it. */
  readonly incarnation: string;
  /** The link's own number, by which the peer knows its next wire for that of the same link. */
  readonly number: number;
}
