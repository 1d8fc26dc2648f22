import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import { limits } from '../../core/limits.js';
import type { Clock } from '../../node/system.js';
import { within } from './waiting.js';
import { childrenOf, endGroup, haveEnded, isGroupAlive, signal, signalGroup } from './groups.js';
import type { Guard } from './guard.js';
import type { ServicePlan } from './up-file.js';

/** How a program ended. */
export interface Ending {
  /** In words: `exit code 3`, `SIGKILL`. */
  readonly how: string;
  readonly code: number | null;
  readonly signal: string | null;
  readonly isWell: boolean;
  /** It will not be better next time. */
  readonly isHopeless: boolean;
  readonly ranMs: number;
}

export interface RunPorts {
  readonly clock: Clock;
  readonly guard: Guard;
  /** Prints a line; gives something to wait for where more would be too much. */
  readonly print: (stream: 'stdout' | 'stderr', text: string) => Promise<void> | undefined;
}

/** One run of a service's program, with all that it starts in turn. */
export class Run {
  readonly pid: number | undefined;
  /** Resolves once all of it has ended and was printed; never rejects. */
  readonly ended: Promise<Ending>;
  readonly #plan: ServicePlan;
  readonly #ports: RunPorts;
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  #hasExited = false;
  #wasKilled = false;
  /** What its shell ran when it was told to end, and until when that may take. */
  #told: readonly number[] = [];
  #stopsBy = 0;

  constructor(plan: ServicePlan, env: NodeJS.ProcessEnv, ports: RunPorts) {
    this.#plan = plan;
    this.#ports = ports;
    const { command, cwd } = plan;
    const [program, args, shell] = typeof command === 'string' ? [command, [], true] : [command[0], command.slice(1), false];
    this.#child = spawn(program, args, { cwd, env, shell, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    this.pid = this.#child.pid;
    if (this.pid !== undefined) ports.guard.add(this.pid, plan.stopMs);
    this.ended = this.#follow();
  }

  get wasKilled(): boolean {
    return this.#wasKilled;
  }

  /**
   * Tells the program to end, and kills it and all that it started where it takes longer than the plan says. The others of its group
   * are told once it has ended: they are its own to end. A shell tells no one and ends at once, so what it runs is told too.
   */
  stop(): void {
    if (this.#hasExited || this.pid === undefined) return;
    this.#stopsBy = this.#ports.clock.now() + this.#plan.stopMs;
    if (typeof this.#plan.command === 'string') this.#told = childrenOf(this.pid);
    for (const pid of this.#told) signal(pid, 'SIGTERM');
    this.#child.kill('SIGTERM');
    const late = this.#ports.clock.schedule(() => {
      this.kill();
    }, this.#plan.stopMs);
    this.#child.once('exit', () => {
      late.unsubscribe();
    });
  }

  /** At once. */
  kill(): void {
    if (this.pid !== undefined && isGroupAlive(this.pid) && signalGroup(this.pid, 'SIGKILL')) this.#wasKilled = true;
  }

  async #follow(): Promise<Ending> {
    const { clock, guard } = this.#ports;
    const startedAt = clock.now();
    const printed = Promise.all([this.#pump('stdout'), this.#pump('stderr')]);
    const { code, signal, error } = await this.#exit();
    this.#hasExited = true;
    const ranMs = clock.now() - startedAt;
    if (this.pid !== undefined) {
      if (!(await haveEnded(this.#told, this.#stopsBy - clock.now(), clock))) this.kill();
      if (isGroupAlive(this.pid) && (await endGroup(this.pid, this.#plan.stopMs, clock)) === 'killed') this.#wasKilled = true;
      guard.remove(this.pid);
    }
    // Who left the group may hold the pipe for ever.
    await within(printed, limits.flushMs, clock);
    this.#child.stdout.destroy();
    this.#child.stderr.destroy();
    // Whoever reads what is printed may have stopped to.
    await within(printed, limits.flushMs, clock);
    const how = error ? `it cannot be started: ${error.message}` : (signal ?? inWords(code));
    const isHopeless = ['ENOENT', 'EACCES', 'ENOTDIR'].includes(error?.code ?? '');
    return { how, code, signal, isWell: code === 0, isHopeless, ranMs };
  }

  #exit(): Promise<Exit> {
    return new Promise((resolve) => {
      this.#child.once('exit', (code, signal) => {
        resolve({ code, signal, error: undefined });
      });
      this.#child.once('error', (error) => {
        if (this.pid === undefined) resolve({ code: null, signal: null, error });
      });
    });
  }

  /** Hands on whole lines, and at the end what there is. */
  async #pump(name: 'stdout' | 'stderr'): Promise<void> {
    const { print } = this.#ports;
    let rest = '';
    try {
      for await (const text of this.#child[name].setEncoding('utf8') as AsyncIterable<string>) {
        const lines = (rest + text).split(/\r?\n/);
        rest = lines.pop() ?? '';
        if (rest.length > limits.lineMax) {
          lines.push(rest);
          rest = '';
        }
        for (const line of lines) await print(name, line);
      }
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      // Unless it was cut off, as above.
      if (code !== 'ERR_STREAM_PREMATURE_CLOSE') await print(name, `its ${name} cannot be read any more: ${message}`);
    }
    if (rest !== '') await print(name, rest);
  }
}

interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
  readonly error: NodeJS.ErrnoException | undefined;
}

/** A shell tells of the signal that ended its program by a code of its own. */
const inWords = (code: number | null): string => {
  const signal = Object.entries(constants.signals).find(([, number]) => number + 128 === code)?.[0];
  return `exit code ${String(code)}${signal === undefined ? '' : `, as of ${signal}`}`;
};
