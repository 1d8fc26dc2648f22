import { firstValueFrom, of } from 'rxjs';
import { call, contract, createNode } from 'skein';
import { callPayload, isSame } from './messages.js';
import { median, Pace } from './pace.js';

/** Calls between two nodes of one process, and what a call of a function through RxJS costs there. */
export interface InProcessRow {
  readonly bench: 'in-process';
  readonly window: number;
  readonly callsPerSecond: readonly number[];
  /** `firstValueFrom(of(x))`, awaited: the yardstick. */
  readonly yardstickPerSecond: readonly number[];
}

const Echo = contract('echo', '1.0', { echo: call<typeof callPayload, typeof callPayload>() });

export const inProcess = async (
  windows: readonly number[],
  { runs, seconds }: { readonly runs: number; readonly seconds: number },
): Promise<readonly InProcessRow[]> => {
  await using server = await createNode('zmq+memory://bench');
  await server.serve(Echo, { echo: (input) => input });
  await using node = await createNode('zmq+memory://bench');
  const client = node.client(Echo);
  await client.$ping();
  const calls = (window: number): Promise<number> =>
    new Promise((resolve, reject) => {
      const pace = new Pace(seconds);
      let callers = window;
      const next = (): void => {
        if (pace.isOver) {
          callers -= 1;
          if (callers === 0) resolve(pace.figures().opsPerSecond);
          return;
        }
        const id = pace.start();
        client.echo(callPayload).subscribe({
          next: (reply) => {
            if (!isSame(reply, callPayload)) reject(new Error('a wrong reply'));
            pace.finish(id);
            next();
          },
          error: reject,
        });
      };
      for (let i = 0; i < window; i += 1) next();
    });
  const rows: InProcessRow[] = [];
  for (const window of windows) {
    await calls(window);
    const [callsPerSecond, yardstickPerSecond]: [number[], number[]] = [[], []];
    for (let run = 0; run < runs; run += 1) {
      callsPerSecond.push(await calls(window));
      yardstickPerSecond.push(await yardstick(seconds));
    }
    rows.push({ bench: 'in-process', window, callsPerSecond, yardstickPerSecond });
  }
  return rows;
};

const yardstick = async (seconds: number): Promise<number> => {
  const pace = new Pace(seconds);
  while (!pace.isOver) {
    for (let i = 0; i < 64; i += 1) {
      const id = pace.start();
      if (!isSame(await firstValueFrom(of(callPayload)), callPayload)) throw new Error('a wrong reply');
      pace.finish(id);
    }
  }
  return pace.figures().opsPerSecond;
};

export const showInProcess = ({ window, callsPerSecond, yardstickPerSecond }: InProcessRow): void => {
  const thousands = (all: readonly number[]): string => (median(all) / 1_000).toFixed(0);
  console.log(
    `in one process, window ${String(window)}: ${thousands(callsPerSecond)} k calls/s; a function through RxJS ${thousands(yardstickPerSecond)} k/s`,
  );
};
