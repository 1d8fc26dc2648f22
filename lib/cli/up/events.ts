import { constants } from 'node:os';
import { createColors } from 'picocolors';
import type { Clock } from '../../node/system.js';
import { Output } from '../output.js';

/** What happens to the replicas of services, as `--json` prints it, one a line. */
export type UpEvent =
  | { readonly event: 'started'; readonly replica: string; readonly service: string; readonly pid: number }
  | { readonly event: 'line'; readonly replica: string; readonly stream: 'stdout' | 'stderr'; readonly text: string }
  | (Ended & { readonly event: 'crashed'; readonly failures: number; readonly restartMs: number })
  | (Ended & { readonly event: 'failed'; readonly failures: number })
  | (Ended & { readonly event: 'done' | 'stopped' | 'killed' })
  | { readonly event: 'changed'; readonly service: string; readonly path: string }
  | { readonly event: 'unwatched'; readonly service: string; readonly error: string }
  | { readonly event: 'stopping'; readonly why: string }
  | { readonly event: 'ended'; readonly failed: readonly string[] };

interface Ended {
  readonly replica: string;
  readonly how: string;
  readonly code: number | null;
  readonly signal: string | null;
}

/** Where the events go. */
export interface Printer {
  /** Gives something to wait for where more would be too much. */
  print(event: UpEvent): Promise<void> | undefined;
}

interface Look {
  readonly json: boolean;
  readonly colour: boolean;
  /** Names of all replicas. */
  readonly replicas: readonly string[];
  /** What is printed on is gone. */
  readonly onBroken: () => void;
}

const own = 'skein';

/** Prints on this process' own streams: lines of programs on the one that they wrote to, all else on stdout. */
export const makePrinter = ({ json, colour, replicas, onBroken }: Look, clock: Clock): Printer => {
  const out = new Output(process.stdout, onBroken);
  const err = new Output(process.stderr, onBroken);
  if (json) {
    return { print: (event) => out.write(JSON.stringify({ at: new Date(clock.now()).toISOString(), ...event })) };
  }
  const width = Math.max(own.length, ...replicas.map((name) => name.length));
  const prefix = prefixer(width, colour, replicas);
  return {
    print: (event) => {
      if (event.event !== 'line') return out.write(`${prefix(own)}${sentenceOf(event)}`);
      return (event.stream === 'stdout' ? out : err).write(`${prefix(event.replica)}${event.text}`);
    },
  };
};

const prefixer = (width: number, colour: boolean, replicas: readonly string[]) => {
  const paint = createColors(colour);
  const paints = [paint.cyan, paint.green, paint.yellow, paint.magenta, paint.blue];
  const prefixes = new Map(replicas.map((name, i) => [name, paints[i % paints.length]?.(`${name.padEnd(width)} |`) ?? '']));
  prefixes.set(own, paint.bold(`${own.padEnd(width)} |`));
  return (name: string): string => `${prefixes.get(name) ?? ''} `;
};

const sentenceOf = (event: Exclude<UpEvent, { readonly event: 'line' }>): string => {
  switch (event.event) {
    case 'started':
      return `${event.replica} started (pid ${String(event.pid)})`;
    case 'crashed':
      return `${event.replica} ${crashOf(event)}; it starts again in ${String(Math.round(event.restartMs))} ms`;
    case 'failed':
      return `${event.replica} stays down after ${times(event.failures)}: ${event.how}`;
    case 'done':
      return `${event.replica} is done`;
    case 'stopped':
      return `${event.replica} has stopped${isAsTold(event) ? '' : `, but not well: ${event.how}`}`;
    case 'killed':
      return `${event.replica} was killed, for it had not ended`;
    case 'changed':
      return `${event.path} changed: ${event.service} starts again`;
    case 'unwatched':
      return `not all files of ${event.service} can be watched: ${event.error}`;
    case 'stopping':
      return `${event.why}: all are told to end; once more kills them`;
    case 'ended':
      return event.failed.length === 0 ? 'all have ended' : `all have ended; failed: ${event.failed.join(', ')}`;
  }
};

/** Programs that are told to end by SIGTERM do so well, or by that signal, of which a shell tells by a code. */
export const isAsTold = ({ code, signal }: Pick<Ended, 'code' | 'signal'>): boolean => code === 0 || isByTerm({ code, signal });

const isByTerm = ({ code, signal }: Pick<Ended, 'code' | 'signal'>): boolean =>
  signal === 'SIGTERM' || code === 128 + constants.signals.SIGTERM;

/** What is told to end by someone else has not crashed, but it is to run. */
const crashOf = (event: Ended): string =>
  isByTerm(event) ? 'was told to end by SIGTERM, and not from here' : `crashed: ${event.how}`;

const times = (failures: number): string => (failures === 1 ? '1 failure' : `${String(failures)} failures in a row`);
