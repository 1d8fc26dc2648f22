import type { Clock } from '../../node/system.js';
import type { UpEvent } from './events.js';
import type { Listed } from './listed.js';
import { type Outcome, Replica, type ReplicaPorts } from './replica.js';
import type { ServicePlan } from './up-file.js';

export interface SupervisorPorts extends ReplicaPorts {
  readonly clock: Clock;
  /** The environment of the replica of that name. */
  readonly envOf: (plan: ServicePlan, name: string) => NodeJS.ProcessEnv;
}

/** `api-1`, `api-2`: no two replicas of a file have one name. */
export const replicaNames = ({ name, replicas }: ServicePlan): readonly string[] =>
  Array.from({ length: replicas }, (_, i) => `${name}-${String(i + 1)}`);

/** All replicas of all services. */
export class Supervisor {
  readonly #plans: readonly ServicePlan[];
  readonly #replicas: readonly Replica[];
  readonly #print: (event: UpEvent) => unknown;
  readonly #outcomes = new Map<string, Outcome>();
  readonly #running = new Map<string, Promise<unknown>>();
  readonly #rolling = new Map<string, { again: boolean }>();
  readonly #onEnd: () => void;
  #signals = 0;

  /** `onEnd` is told each time that nothing runs any more. */
  constructor(plans: readonly ServicePlan[], ports: SupervisorPorts, onEnd: () => void) {
    this.#plans = plans;
    this.#print = ports.print;
    this.#onEnd = onEnd;
    this.#replicas = plans.flatMap((plan) =>
      replicaNames(plan).map((name) => new Replica(plan, name, ports.envOf(plan, name), ports)),
    );
  }

  get isStopping(): boolean {
    return this.#signals > 0;
  }

  /** The replicas that failed, also to end well as they were told to, or had to be killed. */
  get failed(): readonly string[] {
    return [...this.#outcomes].filter(([, how]) => how === 'failed' || how === 'killed').map(([name]) => name);
  }

  start(): void {
    for (const replica of this.#replicas) this.#run(replica);
  }

  /** Tells all to end, each service once those have that it is to outlast; the second time kills all at once. */
  stop(why: string): void {
    this.#signals += 1;
    if (this.#signals === 1) {
      this.#print({ event: 'stopping', why });
      for (const plan of this.#plans) void this.#stopInTurn(plan);
    } else {
      for (const replica of this.#replicas) replica.kill();
    }
    if (this.#running.size === 0) this.#onEnd();
  }

  async #stopInTurn({ name, stopAfter }: ServicePlan): Promise<void> {
    const first = this.#replicas.filter(({ service }) => stopAfter.includes(service));
    const running = first.flatMap((replica) => this.#running.get(replica.name) ?? []);
    if (running.length > 0) await Promise.all(running);
    for (const replica of this.#replicas) if (replica.service === name) replica.stop();
  }

  /** Restarts the replicas of a service, one after another, each once the one before it is listed again; or has them go through it again. */
  async roll(service: string, listed: Listed): Promise<void> {
    const under = this.#rolling.get(service);
    if (under) {
      under.again = true;
      return;
    }
    const state = { again: true };
    this.#rolling.set(service, state);
    while (state.again && !this.isStopping) {
      state.again = false;
      for (const replica of this.#replicas) {
        if (replica.service === service && !this.isStopping) await this.#reload(replica, listed);
      }
    }
    this.#rolling.delete(service);
  }

  async #reload(replica: Replica, listed: Listed): Promise<void> {
    const former = listed.runsOf(replica.name);
    const wasRunning = this.#running.has(replica.name);
    const started = replica.reload();
    if (!wasRunning) this.#run(replica);
    await started;
    const running = this.#running.get(replica.name);
    // What never served is not waited for.
    if (former.size > 0 && running) await listed.untilAnother(replica.name, former, running);
  }

  #run(replica: Replica): void {
    this.#outcomes.delete(replica.name);
    const running = replica.run().then((outcome) => {
      this.#outcomes.set(replica.name, outcome);
      this.#running.delete(replica.name);
      if (this.#running.size === 0) this.#onEnd();
    });
    this.#running.set(replica.name, running);
  }
}
