import { build } from 'hdr-histogram-js';
import { type Call, type Figures, isSame, type Payload, payloadOf, type Role } from './messages.js';
import { Pace } from './pace.js';

type Measure = (amount: number, seconds: number) => Promise<Figures>;

/** Anything that begins and ends. */
export type Work = (done: () => void, fail: (error: unknown) => void) => void;

/** What else a system does beside calls: a cast, and a stream of {@link itemsEach} items that is read to its end. */
export interface Others {
  readonly cast: Work;
  readonly stream: Work;
}

/** Items of each stream beside calls. */
export const itemsEach = 10;

/** Measures calls as the bench says: so many under way, or so many a second, with others between them if need be. */
export const measureCalls = (role: Pick<Role, 'bench' | 'payloadBytes'>, call: Call, others?: Others): Measure => {
  const payload = payloadOf(role);
  const checked: Call = (sent, done, fail) => {
    call(
      sent,
      (reply) => {
        if (isSame(reply, sent)) done(reply);
        else fail(new Error('a wrong reply'));
      },
      fail,
    );
  };
  const one: Work = (done, fail) => {
    checked(payload, done, fail);
  };
  if (role.bench === 'rate') return (rate, seconds) => atRate(rate, seconds, () => one);
  if (role.bench === 'mixed' && others) return (rate, seconds) => atRate(rate, seconds, mixOf(one, others));
  // Each caller goes on in a turn of its own, or at once.
  const goOn =
    role.bench === 'scattered'
      ? setImmediate
      : (next: () => void) => {
          next();
        };
  return (window, seconds) => underWay(window, seconds, payload, checked, goOn);
};

/** Calls that give a promise. */
export const promised =
  (call: (payload: Payload) => PromiseLike<Payload>): Call =>
  (payload, done, fail) => {
    call(payload).then(done, fail);
  };

const underWay = (
  window: number,
  seconds: number,
  payload: Payload,
  call: Call,
  goOn: (next: () => void) => void,
): Promise<Figures> =>
  new Promise((resolve, reject) => {
    const pace = new Pace(seconds);
    let callers = window;
    const next = (): void => {
      if (pace.isOver) {
        callers -= 1;
        if (callers === 0) resolve(pace.figures());
        return;
      }
      const id = pace.start();
      call(
        payload,
        () => {
          pace.finish(id);
          goOn(next);
        },
        reject,
      );
    };
    for (let i = 0; i < window; i += 1) next();
  });

/** Of ten, eight are calls, one is a cast and one is a stream. */
const mixOf =
  (call: Work, { cast, stream }: Others) =>
  (index: number): Work =>
    index % 10 === 3 ? cast : index % 10 === 7 ? stream : call;

/** How long what was begun may take once the last has been, in ms: what takes longer was lost, and counts with this time, as what fails does. */
const lostMs = 10_000;

/** Each is timed from when it was due, so that those count that a slow one has kept from starting. */
const atRate = (rate: number, seconds: number, workOf: (index: number) => Work): Promise<Figures> =>
  new Promise((resolve) => {
    const [startedAt, all] = [performance.now(), Math.round(rate * seconds)];
    const histogram = build({ highestTrackableValue: 60_000_000, numberOfSignificantValueDigits: 3 });
    let [begun, done, failed] = [0, 0, 0];
    const end = (): void => {
      const opsPerSecond = (done - failed) / ((performance.now() - startedAt) / 1_000);
      const at = (percentile: number): number => histogram.getValueAtPercentile(percentile);
      resolve({ opsPerSecond, p50Us: at(50), p99Us: at(99), worstUs: histogram.maxValue });
    };
    let patience: NodeJS.Timeout | undefined;
    const giveUp = (): void => {
      console.error(`${String(all - done)} of ${String(all)} came to no end within ${String(lostMs / 1_000)} s`);
      for (let lost = all - done; lost > 0; lost -= 1) histogram.recordValue(lostMs * 1_000);
      end();
    };
    const record = (us: number): void => {
      histogram.recordValue(us);
      done += 1;
      if (done < all) return;
      clearTimeout(patience);
      end();
    };
    const fail = (error: unknown): void => {
      if (failed === 0) console.error('an operation failed, and maybe others do', error);
      failed += 1;
      record(lostMs * 1_000);
    };
    const begin = (index: number): void => {
      const dueAt = startedAt + (index * 1_000) / rate;
      workOf(index)(() => {
        record(Math.max(1, Math.round((performance.now() - dueAt) * 1_000)));
      }, fail);
    };
    const turn = (): void => {
      const due = Math.min(all, Math.floor((performance.now() - startedAt) * (rate / 1_000)));
      for (; begun < due; begun += 1) begin(begun);
      if (begun < all) setImmediate(turn);
      else if (done < all) patience = setTimeout(giveUp, lostMs);
    };
    turn();
  });
