import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ESLint } from 'eslint';
import { beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const eslint = new ESLint({ cwd: root });

/** Lints the text as if it stood in some file of the folder: the types are asked for, so the file must be one of the project. */
const lintIn = async (folder: string, text: string) => {
  const file = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).find((name) => name.endsWith('.ts'));
  const [result] = await eslint.lintText(text, { filePath: join(root, folder, String(file)) });
  return result?.messages ?? [];
};

const bans = new Set([
  'no-restricted-globals',
  'no-restricted-imports',
  'no-restricted-properties',
  'no-restricted-syntax',
  'skein/explicit-scheduler',
]);

/** The lines of the text, from 1, in which a ban bit. */
const bannedIn = async (folder: string, text: string): Promise<Set<number>> =>
  new Set((await lintIn(folder, text)).filter(({ ruleId }) => bans.has(String(ruleId))).map(({ line }) => line));

const imports = [
  "import * as rx from 'rxjs';",
  "import { ReplaySubject, auditTime, bufferTime, debounceTime, delay, interval, repeat, retry, sampleTime } from 'rxjs';",
  "import { shareReplay, throttleTime, timeInterval, timeout, timer, timer as later, timestamp, windowTime } from 'rxjs';",
  'declare const clock: rx.SchedulerLike; declare const ms: number; declare const a$: rx.Observable<number>;',
];

const banned = [
  'Date.now();',
  'const { now } = Date;',
  'new Date();',
  'Date();',
  'performance.now();',
  'performance.timeOrigin;',
  'globalThis.setTimeout(() => {}, 1);',
  'setTimeout(() => {}, 1);',
  'setInterval(() => {}, 1);',
  'setImmediate(() => {});',
  'queueMicrotask(() => {});',
  'process.nextTick(() => {});',
  'process.hrtime.bigint();',
  'process.uptime();',
  'AbortSignal.timeout(1);',
  'Math.random();',
  'const { random } = Math;',
  'crypto.randomUUID();',
  'crypto.getRandomValues(new Uint8Array(1));',
  "await import('node:timers/promises');",
  "import { randomUUID } from 'node:crypto';",
  "import { randomBytes } from 'crypto';",
  "import crypto1 from 'node:crypto';",
  "import * as crypto2 from 'node:crypto';",
  "import { performance as performance1 } from 'node:perf_hooks';",
  "import { setTimeout as sleep } from 'node:timers/promises';",
  "import { setTimeout as setTimeout1 } from 'timers';",
  "import { nextTick } from 'node:process';",
  "import { asyncScheduler } from 'rxjs';",
  "import { asapScheduler } from 'rxjs';",
  "import { queueScheduler } from 'rxjs';",
  "import { animationFrameScheduler } from 'rxjs';",
  "import { animationFrames } from 'rxjs';",
  'timer(1);',
  'timer(0, ms);',
  'later(1);',
  'interval(ms);',
  'a$.pipe(delay(1));',
  'a$.pipe(timeout(1));',
  'a$.pipe(timeout({ each: 1 }));',
  'a$.pipe(debounceTime(1));',
  'a$.pipe(throttleTime(1));',
  'a$.pipe(auditTime(1));',
  'a$.pipe(sampleTime(1));',
  'a$.pipe(bufferTime(1, 1));',
  'a$.pipe(windowTime(1));',
  'a$.pipe(timeInterval());',
  'a$.pipe(timestamp());',
  'a$.pipe(shareReplay(1, ms));',
  'a$.pipe(shareReplay({ bufferSize: 1, windowTime: ms, refCount: true }));',
  'new ReplaySubject(1, ms);',
  'a$.pipe(retry({ delay: 100 }));',
  'a$.pipe(repeat({ count: 2, delay: ms }));',
];

const allowed = [
  'clock.now();',
  'new Date(0);',
  'new Date(clock.now());',
  'Math.max(1, 2);',
  "import { createHash } from 'node:crypto';",
  'timer(1, clock);',
  'timer(0, ms, clock);',
  'interval(1, clock);',
  'a$.pipe(delay(1, clock));',
  'a$.pipe(timeout(1, clock));',
  'a$.pipe(timeout({ each: 1, scheduler: clock }));',
  'a$.pipe(debounceTime(1, clock));',
  'a$.pipe(throttleTime(1, clock));',
  'a$.pipe(bufferTime(1, null, 5, clock));',
  'a$.pipe(timestamp(clock));',
  'a$.pipe(shareReplay(1));',
  'a$.pipe(shareReplay({ bufferSize: 1, refCount: true }));',
  'new ReplaySubject(1);',
  'new ReplaySubject(1, ms, clock);',
  'a$.pipe(retry(3));',
  'a$.pipe(retry({ delay: () => timer(ms, clock) }));',
  '{ const timeout = (value: number) => value; timeout(1); }',
];

describe('in lib/operators', () => {
  let hits: Set<number>;
  const lineOf = (index: number): number => imports.length + index + 1;

  beforeAll(async () => {
    // The imports that every case needs pull in the whole of rxjs by `* as`, which is banned itself; only the cases count.
    hits = await bannedIn('lib/operators', [...imports, ...banned, ...allowed].join('\n'));
  });

  it.each(banned.map((text, index) => [text, index] as const))('%s is banned', (_text, index) => {
    expect(hits).toContain(lineOf(index));
  });

  it.each(allowed.map((text, index) => [text, banned.length + index] as const))('%s is allowed', (_text, index) => {
    expect(hits).not.toContain(lineOf(index));
  });
});

it('lets the adapters to the real world have the real time', async () => {
  expect([...(await bannedIn('lib/adapters/msgpackr', [...imports, ...banned].join('\n')))]).toEqual([]);
});

it('lets the command line use its process, but not its time', async () => {
  const text = ['process.nextTick(() => {});', "process.on('SIGTERM', () => {});", 'setTimeout(() => {}, 1);'].join('\n');
  expect([...(await bannedIn('lib/cli', text))]).toEqual([3]);
});

it('binds the simulated network like the rest of lib', async () => {
  expect([...(await bannedIn('lib/adapters/memory', 'setImmediate(() => {});'))]).toEqual([1]);
});

it('knows no process in the layers that could run anywhere', async () => {
  expect([...(await bannedIn('lib/ports', 'process.exit();'))]).toEqual([1]);
});

it.each([
  ['a default export', 'export default 1;'],
  ['a private keyword', 'export class A { private a = 1; }'],
  ['a function declaration', 'export function a(): void {}'],
])('refuses %s in lib', async (_what, text) => {
  expect([...(await bannedIn('lib/core', text))]).toEqual([1]);
});

it('refuses a test that is skipped', async () => {
  expect([...(await bannedIn('test/tooling', "import { it } from 'vitest';\nit.skip('is', () => {});"))]).toEqual([2]);
});
