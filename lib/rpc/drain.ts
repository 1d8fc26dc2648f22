import { firstValueFrom, NEVER, type Observable, takeUntil } from 'rxjs';
import { invalidArgument, SkeinError } from '../core/errors.js';
import { limits } from '../core/limits.js';
import { pollUntil } from '../operators/poll-until.js';
import { Incoming, Outgoing } from '../ports/transport.js';
import type { DrainReport } from './drain-report.js';
import type { RpcPorts } from './rpc-ports.js';
import type { Service } from './service.js';

export interface DrainOptions {
  /** How long what was accepted may take to be finished, in ms; default 30,000. */
  readonly timeoutMs?: number;
}

/** What can be left in an orderly way, or at once. Disposing of it drains it. */
export interface Draining extends AsyncDisposable {
  /**
   * Leaves in order: takes no new work, finishes what was accepted, then closes; says what it could not finish in time. Idempotent: who
   * asks again gets the same report. Rejects with `invalid-argument`.
   */
  drain(options?: DrainOptions): Promise<DrainReport>;
  /** At once. Idempotent. */
  close(): Promise<void>;
}

/** How often it is looked whether all is done, in ms. */
export const lookMs = 5;

/** Waits until all is done, has taken too long or is to stop; then says what is still under way. */
export const finish = async (
  isDone: () => boolean,
  unfinished: () => readonly string[],
  { timeoutMs = limits.drainMs }: DrainOptions,
  { clock }: Pick<RpcPorts, 'clock'>,
  stop$: Observable<unknown> = NEVER,
): Promise<DrainReport> => {
  const withinMs = Math.min(timeoutMs, limits.timeoutMsMax);
  const inTime$ = pollUntil(isDone, { everyMs: lookMs, withinMs, clock }).pipe(takeUntil(stop$));
  const isInTime = (await firstValueFrom(inTime$, { defaultValue: undefined })) ?? isDone();
  return { unfinished: isInTime ? [] : unfinished() };
};

export const checkDrain = (options: DrainOptions): void => {
  if (typeof options !== 'object' || (options as unknown) === null) throw invalidArgument('options of a drain must be an object');
  const { timeoutMs = 0 } = options;
  if (typeof timeoutMs !== 'number' || !(timeoutMs >= 0)) {
    throw invalidArgument(`timeoutMs of a drain must be 0 or more, and is ${String(timeoutMs)}`);
  }
};

/** Who waits for the end of the drain is not waited for by it. */
const isWork = (timed: unknown): timed is Incoming => timed instanceof Incoming && timed.target.method !== '$drain';

/** What is under way at these servers, in words. */
export const unfinishedAt = (services: readonly Service[], { wheel }: Pick<RpcPorts, 'wheel'>): readonly string[] => {
  const atWork = [...wheel].filter(isWork).filter((one) => services.some((service) => service.owns(one)));
  return [
    ...atWork.map(say('at work on')),
    ...services.flatMap(({ waiting }) => waiting.filter(isWork).map(say('not started:'))),
  ];
};

/** Whether requests are at work here or on their way from here; what else has a deadline, such as the questions of actors, is not waited for. */
export const isUnderWay = ({ wheel, passing }: Pick<RpcPorts, 'wheel' | 'passing'>): boolean => {
  for (const { isHeld } of passing) if (isHeld) return true;
  for (const timed of wheel) if (isWork(timed) || timed instanceof Outgoing) return true;
  return false;
};

/** What was sent from here, or is about to be, and is not settled, in words. */
export const unsettled = ({ wheel, passing }: Pick<RpcPorts, 'wheel' | 'passing'>): readonly string[] => [
  ...[...wheel]
    .filter((timed) => timed instanceof Outgoing)
    .map(
      ({ operation: { topic, method }, server }) =>
        `waiting for ${topic}.${method} ${server === '' ? 'of no server yet' : `of ${server}`}`,
    ),
  ...[...passing]
    .filter(({ isHeld }) => isHeld)
    .map(({ operation: { topic, method } }) => `held by an interceptor: ${topic}.${method}`),
];

/** Ends what is with no one else who would, once the transport has closed: it waits for its repeat, its time ran out before it was sent, or interceptors have it. */
export const endLeftovers = ({ wheel, clock, passing }: Pick<RpcPorts, 'wheel' | 'clock' | 'passing'>): void => {
  for (const timed of [...wheel]) {
    if (!(timed instanceof Outgoing)) continue;
    if (timed.deadline <= clock.now()) timed.expire();
    else timed.fail(new SkeinError('closed', { what: 'the node' }));
  }
  for (const one of [...passing]) one.close();
};

const say =
  (what: string) =>
  ({ target: { topic, method, server }, caller }: Incoming): string =>
    `${what} ${topic}.${method} of ${server}, for ${caller.node}`;
