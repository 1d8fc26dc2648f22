import { backoffMs } from '../../core/backoff.js';
import { limits } from '../../core/limits.js';
import type { Random } from '../../node/system.js';
import { isAsTold, type UpEvent } from './events.js';
import { type Ending, Run, type RunPorts } from './run.js';
import type { ServicePlan } from './up-file.js';

export interface ReplicaPorts extends Omit<RunPorts, 'print'> {
  readonly random: Random;
  readonly print: (event: UpEvent) => Promise<void> | undefined;
}

/** How a replica ended for good. */
export type Outcome = 'done' | 'failed' | 'stopped' | 'killed';

/** One replica of a service: runs its program, and again when it crashes, waiting longer after each failure in a row. */
export class Replica {
  readonly name: string;
  readonly service: string;
  readonly #plan: ServicePlan;
  readonly #env: NodeJS.ProcessEnv;
  readonly #ports: ReplicaPorts;
  #run: Run | undefined;
  #isStopping = false;
  #isReloading = false;
  /** Ends the wait before the next start. */
  #wake: (() => void) | undefined;
  #started: (() => void)[] = [];

  constructor(plan: ServicePlan, name: string, env: NodeJS.ProcessEnv, ports: ReplicaPorts) {
    this.name = name;
    this.service = plan.name;
    this.#plan = plan;
    this.#env = env;
    this.#ports = ports;
  }

  /** Resolves once it has ended for good; may be run again then. */
  async run(): Promise<Outcome> {
    let failures = 0;
    while (!this.#isStopping) {
      const { ending, wasKilled } = await this.#runOnce();
      if (this.#isStopping) {
        const outcome = this.#end(wasKilled ? 'killed' : 'stopped', ending);
        // What it says of itself at its end, such as that something is lost, counts.
        return outcome === 'stopped' && !isAsTold(ending) ? 'failed' : outcome;
      }
      if (this.#isReloading) {
        if (wasKilled) this.#tell('killed', ending, {});
        failures = 0;
        continue;
      }
      if (ending.isWell) return this.#end('done', ending);
      failures = ending.ranMs >= limits.steadyMs ? 1 : failures + 1;
      if (failures > this.#plan.restartsMax || ending.isHopeless) return this.#end('failed', ending, { failures });
      const restartMs = backoffMs(failures - 1, limits.restart, this.#ports.random.next());
      this.#tell('crashed', ending, { failures, restartMs });
      await this.#pause(restartMs);
      if (this.#isReloading) failures = 0;
    }
    return 'stopped';
  }

  /** Ends its program, for good. */
  stop(): void {
    this.#isStopping = true;
    this.#run?.stop();
    this.#wake?.();
  }

  kill(): void {
    this.stop();
    this.#run?.kill();
  }

  /** Ends its program and starts it anew; resolves once that is started, or will not be. What has ended for good is to be run again. */
  reload(): Promise<void> {
    const started = new Promise<void>((resolve) => this.#started.push(resolve));
    this.#isReloading = true;
    this.#run?.stop();
    this.#wake?.();
    return started;
  }

  async #runOnce(): Promise<{ readonly ending: Ending; readonly wasKilled: boolean }> {
    this.#isReloading = false;
    const { name, service } = this;
    const print = (stream: 'stdout' | 'stderr', text: string) =>
      this.#ports.print({ event: 'line', replica: name, stream, text });
    const run = new Run(this.#plan, this.#env, { ...this.#ports, print });
    this.#run = run;
    if (run.pid !== undefined) void this.#ports.print({ event: 'started', replica: name, service, pid: run.pid });
    this.#tellStarted();
    const ending = await run.ended;
    this.#run = undefined;
    return { ending, wasKilled: run.wasKilled };
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#ports.clock.schedule(() => this.#wake?.(), ms);
      this.#wake = () => {
        this.#wake = undefined;
        timer.unsubscribe();
        resolve();
      };
    });
  }

  #end(outcome: Outcome, ending: Ending, more: object = {}): Outcome {
    this.#tell(outcome, ending, more);
    this.#tellStarted();
    return outcome;
  }

  #tellStarted(): void {
    for (const resolve of this.#started.splice(0)) resolve();
  }

  #tell(event: Outcome | 'crashed', { how, code, signal }: Ending, more: object): void {
    void this.#ports.print({ event, replica: this.name, how, code, signal, ...more } as UpEvent);
  }
}
