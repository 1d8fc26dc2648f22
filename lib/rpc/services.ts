import { firstValueFrom, ReplaySubject, tap } from 'rxjs';
import type { Actor } from '../actors/actor.js';
import type { Context } from '../core/context.js';
import { invalidArgument, SkeinError } from '../core/errors.js';
import { checkTarget, encodeTarget } from '../core/target.js';
import type { Contract } from './contract.js';
import { checkHandlers, type Handlers } from './handlers.js';
import type { RequestStream } from './request-stream.js';
import type { RpcPorts } from './rpc-ports.js';
import { Service, type ServiceBounds } from './service.js';

export interface ServeOptions {
  /** Default the node's name. */
  readonly server?: string;
  /** Default `default`. */
  readonly exchange?: string;
}

/** A server that the directory lists, until it is closed or another process takes its name. */
export interface Served extends AsyncDisposable {
  readonly server: string;
  /** Takes it off the directory and refuses what comes from now on; what was started goes on. Idempotent. */
  close(): Promise<void>;
}

/** Runs the servers of one node, each as an actor. */
export class Services {
  readonly #parent: Actor;
  readonly #ports: RpcPorts;
  readonly #bounds: ServiceBounds;
  readonly #own: { readonly server: string; readonly labels: Context };
  readonly #running = new Map<string, Service>();

  /** `own` is what servers of this node are called, and what is told of them, where they do not say otherwise. */
  constructor(parent: Actor, ports: RpcPorts, bounds: ServiceBounds, own: { readonly server: string; readonly labels: Context }) {
    this.#parent = parent;
    this.#ports = ports;
    this.#bounds = bounds;
    this.#own = own;
  }

  /** Resolves once the directory lists the server; rejects with what keeps it from being listed. */
  async serve<C extends Contract>(contract: C, handlers: Handlers<C>, options: ServeOptions = {}): Promise<Served> {
    const { server = this.#own.server, exchange = 'default' } = options;
    const key = encodeTarget(checkTarget({ exchange, topic: contract.name, server }));
    checkHandlers(contract, handlers);
    const running = this.#running.get(key);
    if (running) {
      const what = `${contract.name} ${running.version}`;
      throw invalidArgument(`this node already serves ${what} as ${server}: give another server name`);
    }
    const name = { exchange, server, labels: this.#own.labels };
    const service = new Service(contract, handlers, name, this.#bounds, this.#ports);
    const actor = await this.#run(key, service);
    const close = (): Promise<void> => {
      actor.stop();
      return Promise.resolve();
    };
    return { server, close, [Symbol.asyncDispose]: close };
  }

  async #run(key: string, service: Service): Promise<Actor> {
    const listed$ = new ReplaySubject<'registered'>(1);
    const actor = this.#parent.spawn(
      `${service.topic}@${service.server}`,
      (self) => {
        for (const [name, stream] of service.streams) superviseStream(self, name, stream);
        return this.#ports.transport.serve(service).pipe(
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
        );
      },
      { supervise: 'stop', mailbox: service.mailbox },
    );
    this.#running.set(key, service);
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
    return actor;
  }
}

/** Runs a method's stream below its server, anew when it ends; where it stays ended, its requests are refused. */
const superviseStream = (server: Actor, method: string, stream: RequestStream): void => {
  const retire = (): void => {
    stream.retire();
  };
  server.spawn(method, () => stream.run()).stopped$.subscribe({ complete: retire, error: retire });
};
