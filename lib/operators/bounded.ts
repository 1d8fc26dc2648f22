import { Observable, Subscription } from 'rxjs';
import type { Backlog } from '../core/backlog.js';
import { invalidArgument, SkeinError } from '../core/errors.js';
import { limits } from '../core/limits.js';
import { Ring } from '../core/ring.js';
import { checkCounts } from './check-counts.js';
import { fromDemand, type Produce, type Stream } from './stream.js';
import { whileOpen } from './while-open.js';

/** What becomes of the item too many, of which an Observable may well have some. */
export type BoundedPolicy =
  | { readonly overflow: 'latest' }
  | {
      readonly overflow: 'fail' | 'drop-oldest' | 'drop-newest';
      /** Items that wait; default 256. */
      readonly max?: number;
    };

/** How a stream that `bounded` has made tells of what it keeps. */
export const gathering: unique symbol = Symbol('skein.gathering');

/** A stream that tells of what it keeps, as it is subscribed. */
export interface Gathering<T> {
  readonly [gathering]: (tell: (backlog: Backlog) => void) => Produce<T>;
}

/**
 * Gives what cannot be held back (a Subject, an interval) a buffer of `max` items, and a rule for the item too many: `fail` errors
 * with `overloaded`, `drop-oldest` and `drop-newest` let go of one, `latest` keeps the newest alone. Each subscription has its own.
 * Throws `invalid-argument` for what is no rule or no count.
 */
export const bounded = <T>(source$: Observable<T>, policy: BoundedPolicy): Stream<T> => {
  const { overflow, max } = check(policy);
  const gather =
    (tell?: (backlog: Backlog) => void): Produce<T> =>
    (credit$) =>
      new Observable((subscriber) => {
        const held = new Ring<{ readonly value: T }>(max);
        let wanted = 0;
        let isEmitting = false;
        /** How its source has ended. */
        let end: { readonly error?: unknown } | undefined;
        const emit = (): void => {
          if (isEmitting) return;
          isEmitting = true;
          while (wanted > 0 && !subscriber.closed) {
            const next = held.shift();
            if (!next) break;
            wanted -= 1;
            subscriber.next(next.value);
          }
          isEmitting = false;
          if (!end || held.size > 0) return;
          if ('error' in end) subscriber.error(end.error);
          else subscriber.complete();
        };
        let dropped = 0;
        tell?.(backlogOf(held, overflow, () => dropped));
        const keep = (value: T): void => {
          if (held.push({ value })) return;
          dropped += 1;
          if (overflow === 'fail') subscriber.error(tooMany(max));
          else if (overflow !== 'drop-newest') {
            held.shift();
            held.push({ value });
          }
        };
        const all = new Subscription();
        all.add(
          credit$.subscribe({
            next: (more) => {
              wanted += more;
              emit();
            },
            error: (error: unknown) => subscriber.error(error),
          }),
        );
        all.add(
          source$.pipe(whileOpen(subscriber)).subscribe({
            next: (value) => {
              keep(value);
              emit();
            },
            error: (error: unknown) => {
              end = { error };
              emit();
            },
            complete: () => {
              end = {};
              emit();
            },
          }),
        );
        return all;
      });
  return Object.assign(fromDemand(gather()), { [gathering]: gather });
};

const backlogOf = (held: Ring<unknown>, overflow: BoundedPolicy['overflow'], dropped: () => number): Backlog => ({
  name: 'items of what cannot wait',
  max: held.max,
  overflow,
  get depth() {
    return held.size;
  },
  get dropped() {
    return dropped();
  },
});

const overflows: readonly unknown[] = ['latest', 'fail', 'drop-oldest', 'drop-newest'];

const check = (policy: BoundedPolicy): { readonly overflow: BoundedPolicy['overflow']; readonly max: number } => {
  const given = (policy as { overflow?: BoundedPolicy['overflow']; max?: number } | undefined) ?? {};
  const { overflow, max = overflow === 'latest' ? 1 : limits.streamCredit } = given;
  if (overflow === undefined || !overflows.includes(overflow)) {
    throw invalidArgument(
      `bounded needs a rule for the item too many: { overflow: 'latest', 'fail', 'drop-oldest' or 'drop-newest' }, and got ${String(overflow)}`,
    );
  }
  checkCounts('bounded', { max });
  return { overflow, max };
};

const tooMany = (max: number): SkeinError =>
  new SkeinError('overloaded', { retryAfterMs: undefined }, { message: `more than ${String(max)} items wait to be asked for` });
