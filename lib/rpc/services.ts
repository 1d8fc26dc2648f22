import { concat, defer, EMPTY, firstValueFrom, NEVER, ReplaySubject, Subject, takeUntil, tap } from 'rxjs';
import type { Actor } from '../actors/actor.js';
import type { Context } from '../core/context.js';
import { invalidArgument, SkeinError } from '../core/errors.js';
import { checkTarget, encodeTarget } from '../core/target.js';
import { boundProblems, checkContract, type Contract, type MethodOptions } from './contract.js';
import { checkDrain, type Draining, type DrainOptions, finish, unfinishedAt } from './drain.js';
import type { DrainReport } from './drain-report.js';
import { checkHandlers, type Handlers } from './handlers.js';
import type { RequestStream } from './request-stream.js';
import type { RpcPorts } from './rpc-ports.js';
import { Service } from './service.js';

export interface ServeOptions<C extends Contract = Contract> {
  /** Default the node's name. */
  readonly server?: string;
  /** Default `default`. */
  readonly exchange?: string;
  /** How much of a method this server takes on, in the place of what the contract says. */
  readonly methods?: { readonly [K in keyof C['methods']]?: Pick<MethodOptions, 'concurrency' | 'queue'> };
}

/** Throws `invalid-argument` for options that there are not, bounds of no method, and bounds that are none. */
const checkServeOptions = ({ name, methods }: Contract, options: ServeOptions): void => {
  if (typeof options !== 'object' || (options as unknown) === null) throw invalidArgument('options of serve must be an object');
  const problems = [
    ...Object.keys(options)
      .filter((key) => !['server', 'exchange', 'methods'].includes(key))
      .map((key) => `serve has no option ${key}: there are server, exchange and methods`),
    ...Object.entries(options.methods ?? {}).flatMap(([method, bound]) =>
      Object.hasOwn(methods, method)
        ? boundProblems(method, (bound ?? {}) as MethodOptions)
        : [`the option methods names ${method}, and ${name} has no such method`],
    ),
  ];
  if (problems.length > 0) throw invalidArgument(...problems);
};

/**
 * A server that the directory lists, until it is drained or closed, or another process takes its name. `close` refuses what waits and
 * what comes from then on; what was started goes on.
 */
export interface Served extends Draining {
  readonly server: string;
}

/** A server of this node. */
interface Running {
  readonly service: Service;
  readonly actor: Actor;
  /** Takes it off the directory, and lets it finish. */
  readonly retire: () => void;
}

/** Runs the servers of one node, each as an actor. */
export class Services {
  readonly #parent: Actor;
  readonly #ports: RpcPorts;
  readonly #own: { readonly server: string; readonly labels: Context };
  readonly #running = new Map<string, Running>();

  /** `own` is what servers of this node are called, and what is told of them, where they do not say otherwise. */
  constructor(parent: Actor, ports: RpcPorts, own: { readonly server: string; readonly labels: Context }) {
    this.#parent = parent;
    this.#ports = ports;
    this.#own = own;
  }

  /** Resolves once the directory lists the server; rejects with what keeps it from being listed. */
  async serve<C extends Contract>(contract: C, handlers: Handlers<C>, options: ServeOptions<C> = {}): Promise<Served> {
    checkContract(contract);
    checkServeOptions(contract, options);
    const { server = this.#own.server, exchange = 'default', methods = {} } = options;
    const key = encodeTarget(checkTarget({ exchange, topic: contract.name, server }));
    checkHandlers(contract, handlers);
    const running = this.#running.get(key);
    if (running) {
      const what = `${contract.name} ${running.service.version}`;
      throw invalidArgument(`this node already serves ${what} as ${server}: give another server name`);
    }
    const name = { exchange, server, labels: this.#own.labels };
    const service = new Service(contract, handlers, name, methods, this.#ports);
    return this.#handle(await this.#run(key, service));
  }

  /** Takes all servers off the directory; what was accepted is finished. */
  retire(): void {
    for (const { retire } of this.#running.values()) retire();
  }

  /** Whether nothing that was accepted is left to do, by servers that have retired. */
  windUp(): boolean {
    return [...this.#running.values()].filter(({ service }) => !service.windUp()).length === 0;
  }

  /** Whether someone waits for what the drain of the node will say. */
  get isAsked(): boolean {
    return [...this.#running.values()].some(({ service }) => service.isAsked);
  }

  /** What is left to do, in words. */
  unfinished(): readonly string[] {
    return unfinishedAt(
      [...this.#running.values()].map(({ service }) => service),
      this.#ports,
    );
  }

  #handle({ service, actor, retire }: Running): Served {
    const close = (): Promise<void> => {
      actor.stop();
      return Promise.resolve();
    };
    let draining: Promise<DrainReport> | undefined;
    const leave = async (options: DrainOptions): Promise<DrainReport> => {
      retire();
      const unfinished = (): readonly string[] => unfinishedAt([service], this.#ports);
      const report = await finish(() => service.windUp() || actor.isStopped, unfinished, options, this.#ports);
      await close();
      return report;
    };
    const drain = async (options: DrainOptions = {}): Promise<DrainReport> => {
      checkDrain(options);
      return (draining ??= leave(options));
    };
    return { server: service.server, drain, close, [Symbol.asyncDispose]: () => drain().then(() => undefined) };
  }

  async #run(key: string, service: Service): Promise<Running> {
    const listed$ = new ReplaySubject<'registered'>(1);
    const retired$ = new Subject<void>();
    let isRetired = false;
    const actor = this.#parent.spawn(
      `${service.topic}@${service.server}`,
      (self) => {
        for (const [name, stream] of service.streams) superviseStream(self, name, stream);
        const serving$ = this.#ports.transport.serve(service).pipe(
          tap({
            next: (state) => {
              self.say(state);
              listed$.next(state);
            },
            error: (error: unknown) => {
              listed$.error(error);
            },
            complete: () => {
              this.#ports.logger.warn(`another process took the name of ${self.path}: it serves no more`);
            },
          }),
          takeUntil(retired$),
        );
        // One that is retired lives until it is stopped.
        return concat(
          serving$,
          defer(() => (isRetired ? NEVER : EMPTY)),
        );
      },
      { supervise: 'stop', mailbox: service.mailbox },
    );
    const retire = (): void => {
      isRetired = true;
      actor.say('draining');
      retired$.next();
    };
    const running: Running = { service, actor, retire };
    this.#running.set(key, running);
    actor.stopped$.subscribe({
      complete: () => {
        this.#running.delete(key);
        service.close();
        listed$.error(new SkeinError('closed', { what: `server ${service.server}` }));
      },
      error: (error: unknown) => {
        listed$.error(error);
      },
    });
    await firstValueFrom(listed$, { defaultValue: undefined });
    return running;
  }
}

/** Runs a method's stream below its server, anew when it ends; where it stays ended, its requests are refused. */
const superviseStream = (server: Actor, method: string, stream: RequestStream): void => {
  const retire = (): void => {
    stream.retire();
  };
  server.spawn(method, () => stream.run()).stopped$.subscribe({ complete: retire, error: retire });
};
