import type { Observable } from 'rxjs';
import type { Context } from '../core/context.js';
import type { TopicName } from '../core/target.js';

/** The directory: which servers answer a topic. It only introduces; what it says may be late, never invented. */
export abstract class Matchmaker {
  /**
   * Lists the server while subscribed, and takes it off when unsubscribed. Emits `registered` when whoever watches from then
   * on sees it, again whenever the entry had to be made anew; completes where a newer incarnation took the same name, and
   * never lists itself again then. Errors when the directory fails: subscribe again to try again.
   */
  abstract register(registration: Registration): Observable<'registered'>;

  /** The topic's whole set of servers, at once and at every change. Errors when the directory fails. */
  abstract watch(topic: TopicName): Observable<readonly Registration[]>;

  /** All servers of all topics, at once and at every change. Errors when the directory fails. */
  abstract watchAll(): Observable<readonly Registration[]>;
}

/** One server's entry. */
export interface Registration extends TopicName {
  readonly server: string;
  /** The name of the node that serves it, as people know it; empty where the directory cannot know it. */
  readonly node: string;
  /** The version of the contract that it serves, and its namespace. */
  readonly version: string;
  readonly namespace: string;
  readonly address: string;
  /** The run of the node that serves; newer ones sort behind older ones. Empty where the directory cannot know it. */
  readonly incarnation: string;
  /** How long the entry lives after its process stopped renewing it, in ms. */
  readonly leaseMs: number;
  readonly labels: Context;
}
