/** What harness and workers tell each other. */

/** What a worker is to be. */
export interface Role {
  readonly bench: 'call' | 'cast';
  readonly system: 'skein' | 'zeromq';
  readonly side: 'server' | 'client';
  readonly network: 'tcp' | 'ipc';
  /** A folder of this pair's own. */
  readonly folder: string;
  /** Where the server listens; for clients. */
  readonly address: string;
  readonly payloadBytes: number;
}

export type Order =
  | { readonly do: 'start'; readonly role: Role }
  | { readonly do: 'measure'; readonly window: number; readonly seconds: number }
  | { readonly do: 'rss' }
  | { readonly do: 'end' };

export interface Figures {
  readonly opsPerSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

export type Report =
  | { readonly is: 'started'; readonly address: string }
  | ({ readonly is: 'measured' } & Figures)
  | { readonly is: 'rss'; readonly bytes: number }
  | { readonly is: 'failed'; readonly error: string };

/** A worker's work: ready to be measured, again and again. */
export interface Job {
  readonly address: string;
  /** Keeps `window` operations under way for so long, validating each answer. */
  readonly measure?: (window: number, seconds: number) => Promise<Figures>;
  readonly end: () => Promise<void> | void;
}

/** What every call sends and gets back. */
export const callPayload = { a: 1, b: 'hello' };
