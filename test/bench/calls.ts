import { build } from 'hdr-histogram-js';
import { type Call, type Figures, isSame, type Payload, payloadOf, type Role } from './messages.js';
import { Pace } from './pace.js';

type Measure = (amount: number, seconds: number) => Promise<Figures>;

/** Measures calls as the bench says: so many under way, or so many a second. */
export const measureCalls = (role: Role, call: Call): Measure => {
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
  if (role.bench === 'rate') return (rate, seconds) => atRate(rate, seconds, payload, checked);
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

/** Each call is timed from when it was due, so that those count that a slow one has kept from starting. */
const atRate = (rate: number, seconds: number, payload: Payload, call: Call): Promise<Figures> =>
  new Promise((resolve, reject) => {
    const [startedAt, all] = [performance.now(), Math.round(rate * seconds)];
    const histogram = build({ highestTrackableValue: 60_000_000, numberOfSignificantValueDigits: 3 });
    let [begun, done] = [0, 0];
    const begin = (dueAt: number): void => {
      call(
        payload,
        () => {
          histogram.recordValue(Math.max(1, Math.round((performance.now() - dueAt) * 1_000)));
          done += 1;
          if (done < all) return;
          const opsPerSecond = done / ((performance.now() - startedAt) / 1_000);
          resolve({ opsPerSecond, p50Us: histogram.getValueAtPercentile(50), p99Us: histogram.getValueAtPercentile(99) });
        },
        reject,
      );
    };
    const turn = (): void => {
      const due = Math.min(all, Math.floor((performance.now() - startedAt) * (rate / 1_000)));
      for (; begun < due; begun += 1) begin(startedAt + (begun * 1_000) / rate);
      if (begun < all) setImmediate(turn);
    };
    turn();
  });
