import { Observable, type Subscriber } from 'rxjs';
import { SkeinError } from '../../core/errors.js';
import type { Clock } from '../../ports/clock.js';
import type { Listening, Wire } from '../../ports/network.js';
import { Connection } from './connection.js';
import type { End } from './end.js';
import { type Route, straightRoute } from './route.js';

export interface FabricOptions {
  /** Messages that one direction of a wire holds before `send` waits; 100 by default, as over ZeroMQ. */
  readonly highWater?: number;
  /** How long dialling waits where nothing comes back, in ms; 3,000 by default. */
  readonly connectTimeoutMs?: number;
  /** The way from one host to another, asked for both directions of a new connection; straight by default. */
  readonly routes?: (from: string, to: string) => Route;
}

/** The hosts of who dials and of the listener that is dialled; without hosts all are one. */
export interface Hosts {
  readonly from: string;
  readonly to: string;
}

interface Listener {
  readonly host: string;
  readonly subscriber: Subscriber<Listening | Wire>;
  readonly ends: Set<End>;
}

/** An end that is open, where it is, and how to end its dial without a word. */
interface Standing {
  readonly host: string;
  readonly connection: Connection;
  readonly silence: () => void;
}

/**
 * Joins dialers to listeners within one process, with ZeroMQ's manners: messages are whole and in order, each direction holds
 * so many of them and then holds the sender back, a listener hears of a wire with its first message, and nothing is delivered
 * within the turn that sends it. Bytes are passed on, not copied.
 */
export class Fabric {
  readonly #clock: Clock;
  readonly #options: Required<FabricOptions>;
  readonly #listeners = new Map<string, Listener>();
  readonly #ends = new Map<End, Standing>();
  #count = 0;

  constructor(clock: Clock, { highWater = 100, connectTimeoutMs = 3_000, routes = () => straightRoute }: FabricOptions = {}) {
    this.#clock = clock;
    this.#options = { highWater, connectTimeoutMs, routes };
  }

  /** A number that no one else was given, to make a free address with. */
  next(): number {
    this.#count += 1;
    return this.#count;
  }

  listen(address: string, host = ''): Observable<Listening | Wire> {
    return new Observable((subscriber) => {
      if (this.#listeners.has(address)) {
        subscriber.error(new SkeinError('undeliverable', { reason: `${address} is taken: someone listens there` }));
        return;
      }
      const listener: Listener = { host, subscriber, ends: new Set() };
      this.#listeners.set(address, listener);
      subscriber.add(() => {
        if (this.#listeners.get(address) === listener) this.#listeners.delete(address);
        for (const end of [...listener.ends]) end.close();
      });
      subscriber.next({ listening: address });
    });
  }

  dial(address: string, hosts: Hosts = { from: '', to: '' }): Observable<Wire> {
    return new Observable((subscriber) => {
      const fail = (reason: string): void => {
        subscriber.error(new SkeinError('undeliverable', { reason }));
      };
      const timeout = this.#clock.schedule(() => {
        fail(`${address} does not answer`);
      }, this.#options.connectTimeoutMs);
      const connection = this.#connect(address, hosts, {
        onOpened: (wire) => {
          timeout.unsubscribe();
          subscriber.next(wire);
        },
        onRefused: () => {
          fail(`nobody listens on ${address}`);
        },
        onGone: () => {
          subscriber.complete();
        },
      });
      const silence = (): void => {
        timeout.unsubscribe();
      };
      this.#ends.set(connection.dialled, { host: hosts.from, connection, silence });
      subscriber.add(timeout);
      subscriber.add(() => {
        connection.dialled.close();
      });
      connection.knock();
    });
  }

  /** As if the host's processes had died: its listeners are gone, its wires too, and nobody on it hears anything any more. */
  vanish(host: string): void {
    for (const [address, listener] of [...this.#listeners]) if (listener.host === host) this.#listeners.delete(address);
    for (const [end, standing] of [...this.#ends]) {
      if (standing.host !== host) continue;
      this.#ends.delete(end);
      standing.silence();
      end.vanish();
    }
  }

  /** Ends the wires between two hosts, with what is on its way there; dialling that has not arrived goes on. */
  break(a: string, b: string): void {
    const known = new Map([...this.#ends].map(([end, { host }]) => [end, host]));
    for (const [end, { connection }] of [...this.#ends]) {
      if (end !== connection.served) continue;
      const hosts = [known.get(connection.dialled), known.get(connection.served)];
      if (!hosts.includes(a) || !hosts.includes(b)) continue;
      connection.served.break();
      connection.dialled.break();
    }
  }

  /** Goes on with what waited while routes were cut. */
  resume(): void {
    for (const connection of new Set([...this.#ends.values()].map((standing) => standing.connection))) connection.resume();
  }

  /** What is open: the ends of wires, each by the name of its peer, and the listeners' addresses. */
  open(): { readonly wires: readonly string[]; readonly listeners: readonly string[] } {
    return { wires: [...this.#ends.keys()].map((end) => end.wire.address), listeners: [...this.#listeners.keys()] };
  }

  #connect(
    address: string,
    { from, to }: Hosts,
    on: { onOpened(wire: Wire): void; onRefused(): void; onGone(): void },
  ): Connection {
    let listener: Listener | undefined;
    const connection = new Connection(
      {
        clock: this.#clock,
        highWater: this.#options.highWater,
        listenerName: address,
        dialerName: `${address}#${from === '' ? '' : `${from}-`}${String(this.next())}`,
        there: this.#options.routes(from, to),
        back: this.#options.routes(to, from),
      },
      {
        ...on,
        onKnock: () => {
          listener = this.#listeners.get(address);
          if (listener === undefined) return false;
          listener.ends.add(connection.served);
          this.#ends.set(connection.served, { host: to, connection, silence: () => undefined });
          return true;
        },
        onServed: (wire) => {
          listener?.subscriber.next(wire);
        },
        onGone: (end) => {
          this.#ends.delete(end);
          listener?.ends.delete(end);
          if (end === connection.dialled) on.onGone();
        },
      },
    );
    return connection;
  }
}
