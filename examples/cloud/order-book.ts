import { type Observable, ReplaySubject } from 'rxjs';
import type { Entry, Order, Placed, Result, Status } from './contracts.js';

/** An order, what is known of it, and where its result will be told. */
export interface Booked {
  readonly order: Order;
  readonly result$: ReplaySubject<Result>;
  entry: Entry;
  startedAt: number | undefined;
}

/** All orders that were ever taken, by id. */
export class OrderBook {
  readonly #booked = new Map<string, Booked>();
  readonly #take: (booked: Booked) => void;

  /** `take` is given each order once. */
  constructor(take: (booked: Booked) => void) {
    this.#take = take;
  }

  /** The order's result, once it is there; the same order again is the same. Throws where its id is that of another one. */
  order(order: Order): Observable<Result> {
    const known = this.#booked.get(order.id);
    if (known) {
      if (isSame(known.order, order)) return known.result$;
      throw new Error(`${order.id} was ordered already, with another command: give another id`);
    }
    const { id } = order;
    const entry: Entry = { id, state: 'waiting', compute: '', scheduler: '', placements: 0, ms: null, problem: '' };
    const booked: Booked = { order, result$: new ReplaySubject(1), entry, startedAt: undefined };
    this.#booked.set(id, booked);
    this.#take(booked);
    return booked.result$;
  }

  start(booked: Booked): void {
    booked.startedAt = performance.now();
  }

  placed({ order, compute, scheduler }: Placed): void {
    const booked = this.#booked.get(order);
    if (!booked) return;
    const { entry } = booked;
    const state = entry.state === 'waiting' ? 'running' : entry.state;
    booked.entry = { ...entry, state, compute, scheduler, placements: entry.placements + 1 };
  }

  /** It ran to its end; whether it went well is its result's affair. */
  done(booked: Booked, result: Result): void {
    this.#end(booked, { state: 'done', compute: result.compute, problem: result.exitCode === 0 ? '' : result.problem });
    booked.result$.next(result);
    booked.result$.complete();
  }

  /** No compute ran it to its end. */
  failed(booked: Booked, error: unknown): void {
    this.#end(booked, { state: 'failed', problem: String(error) });
    booked.result$.error(error);
  }

  list(state: Entry['state'] | undefined): readonly Entry[] {
    const entries = [...this.#booked.values()].map(({ entry }) => entry);
    return state === undefined ? entries : entries.filter((entry) => entry.state === state);
  }

  status(): Status {
    const entries = this.list(undefined);
    const count = (state: Entry['state']): number => entries.filter((entry) => entry.state === state).length;
    const times = entries.flatMap(({ ms }) => ms ?? []).sort((a, b) => a - b);
    return {
      orders: entries.length,
      waiting: count('waiting'),
      running: count('running'),
      done: count('done'),
      failed: count('failed'),
      placements: entries.reduce((sum, { placements }) => sum + placements, 0),
      retries: entries.reduce((sum, { placements }) => sum + Math.max(0, placements - 1), 0),
      p50Ms: percentile(times, 0.5),
      p99Ms: percentile(times, 0.99),
    };
  }

  #end(booked: Booked, end: Partial<Entry>): void {
    const ms = Math.round(performance.now() - (booked.startedAt ?? 0));
    booked.entry = { ...booked.entry, ...end, ms };
  }
}

const isSame = (a: Order, b: Order): boolean => JSON.stringify(a.command) === JSON.stringify(b.command);

/** Of numbers in order, by nearest rank. */
const percentile = (sorted: readonly number[], share: number): number => sorted[Math.ceil(sorted.length * share) - 1] ?? 0;
