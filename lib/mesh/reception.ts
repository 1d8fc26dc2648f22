import type { Resumption } from '../core/envelope.js';
import type { DedupeWindow } from './dedupe-window.js';
import type { Desks } from './named-methods.js';

/** One wire of a link, as it is told to whoever knows them all. */
export interface Received {
  /** The link has a newer wire. */
  supersede(): void;
  /** Ends the work that goes on, though its peer has gone. */
  end(): void;
}

/** Where requests go, on the listening side. */
export interface Reception extends Desks {
  /** What is remembered of requests that may come again. */
  readonly repeats: DedupeWindow;
  /** The dialling side's link of that key has this wire now: ends the one before, and says what came by it. */
  resume(key: string, link: Received): Resumption | undefined;
  /** The link's wire is lost, and its dialling side may come back by another one. */
  lose(key: string, link: Received, arrived: Resumption | undefined): void;
  /** The link's peer has gone, and what it holds goes on all the same, until {@link leave}. */
  keep(link: Received): void;
  leave(link: Received): void;
}
