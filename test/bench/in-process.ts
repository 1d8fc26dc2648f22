import { firstValueFrom, of } from 'rxjs';
import { call, contract, createNode } from 'skein';
import { measureCalls } from './calls.js';
import { callPayload, isSame } from './messages.js';
import { median, Pace } from './pace.js';

/** Calls between two nodes of one process, and what a call of a function through RxJS costs there. */
export interface InProcessRow {
  readonly bench: 'in-process';
  readonly window: number;
  /** What the nodes pass to each other. */
  readonly passes: 'copy' | 'share';
  readonly callsPerSecond: readonly number[];
  /** `firstValueFrom(of(x))`, awaited: the yardstick. */
  readonly yardstickPerSecond: readonly number[];
}

const Echo = contract('echo', '1.0', { echo: call<typeof callPayload, typeof callPayload>() });

interface Options {
  readonly runs: number;
  readonly seconds: number;
}

export const inProcess = async (windows: readonly number[], options: Options): Promise<readonly InProcessRow[]> => [
  ...(await measureThose('copy', windows, options)),
  ...(await measureThose('share', windows, options)),
];

const measureThose = async (
  passes: InProcessRow['passes'],
  windows: readonly number[],
  { runs, seconds }: Options,
): Promise<readonly InProcessRow[]> => {
  const url = `zmq+memory://bench?inProcess=${passes}`;
  await using server = await createNode(url);
  await server.serve(Echo, { echo: (input) => input });
  await using node = await createNode(url);
  const client = node.client(Echo);
  await client.$ping();
  const measure = measureCalls({ bench: 'call', payloadBytes: 0 }, (_, done, fail) => {
    client.echo(callPayload).subscribe({ next: done, error: fail });
  });
  const rows: InProcessRow[] = [];
  for (const window of windows) {
    await measure(window, seconds);
    const [callsPerSecond, yardstickPerSecond]: [number[], number[]] = [[], []];
    for (let run = 0; run < runs; run += 1) {
      callsPerSecond.push((await measure(window, seconds)).opsPerSecond);
      yardstickPerSecond.push(await yardstick(seconds));
    }
    rows.push({ bench: 'in-process', window, passes, callsPerSecond, yardstickPerSecond });
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

export const showInProcess = ({ window, passes, callsPerSecond, yardstickPerSecond }: InProcessRow): void => {
  const thousands = (all: readonly number[]): string => (median(all) / 1_000).toFixed(0);
  console.log(
    `in one process, inProcess=${passes}, window ${String(window)}: ${thousands(callsPerSecond)} k calls/s; a function through RxJS ${thousands(yardstickPerSecond)} k/s`,
  );
};
