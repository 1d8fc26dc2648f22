import { syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers';
import timersPromises from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Watch } from '../current.js';
import { VirtualTimer } from './virtual-timer.js';

const real = { clear: clearTimeout };

/** Node's longest timer; one that is to take longer takes 1 ms. */
const timerMsMax = 2 ** 31 - 1;

type Callback = (...args: unknown[]) => void;
type PromiseOptions = { readonly signal?: AbortSignal; readonly ref?: boolean } | undefined;

/**
 * Puts virtual time in the place of what users' code reads and sets: `setTimeout`, `setInterval`, `setImmediate` and what clears them,
 * also of `node:timers` and `node:timers/promises`, `Date`, `performance.now()` and `AbortSignal.timeout`; and seeded chance in that of
 * `Math.random`. Whoever took hold of
 * the real ones before keeps them. Each timer is set by the clock of whose code sets it.
 */
export class VirtualGlobals {
  readonly #watch: () => Watch;
  readonly #active = new Set<VirtualTimer>();
  readonly #undo: (() => void)[] = [];
  #lastId = 0;

  /** By the watch of whose code it is that looks. */
  constructor(watch: () => Watch) {
    this.#watch = watch;
  }

  /** What is still to come and keeps a process alive, each in words. */
  get pending(): readonly string[] {
    return [...this.#active].filter((timer) => timer.hasRef()).map((timer) => timer.describe());
  }

  install(): void {
    const own = this.#timers();
    for (const target of [globalThis, timers]) for (const [name, value] of Object.entries(own)) this.#put(target, name, value);
    for (const [name, value] of Object.entries(this.#promised())) this.#put(timersPromises, name, value);
    this.#put(globalThis, 'Date', this.#date());
    this.#put(performance, 'now', () => this.#watch().uptime());
    this.#put(Math, 'random', () => this.#watch().chance());
    this.#put(AbortSignal, 'timeout', (ms: number) => this.#signal(ms));
    syncBuiltinESMExports();
  }

  /** Puts the real ones back, and takes back what is still to come. */
  uninstall(): void {
    for (const timer of [...this.#active]) timer.close();
    for (const undo of this.#undo.splice(0).reverse()) undo();
    syncBuiltinESMExports();
  }

  #put(target: object, name: string, value: unknown): void {
    const before = Object.getOwnPropertyDescriptor(target, name);
    Object.defineProperty(target, name, { configurable: true, enumerable: true, writable: true, value });
    this.#undo.push(() => {
      if (before) Object.defineProperty(target, name, before);
      else Reflect.deleteProperty(target, name);
    });
  }

  #set(
    kind: ConstructorParameters<typeof VirtualTimer>[1]['kind'],
    callback: Callback,
    delay: unknown,
    args: unknown[],
  ): VirtualTimer {
    if (typeof callback !== 'function') throw new TypeError('The "callback" argument must be of type function');
    const wanted = Number(delay);
    const ms = kind === 'setImmediate' ? 0 : wanted >= 1 && wanted <= timerMsMax ? Math.trunc(wanted) : 1;
    this.#lastId += 1;
    const run = (): void => {
      callback(...args);
    };
    return new VirtualTimer(this.#watch().clock, { kind, ms, callback: run }, this.#active, this.#lastId);
  }

  /** A real one was set before, by what goes on for longer than the scenario. */
  #clear(timer: unknown): void {
    if (timer instanceof VirtualTimer) timer.close();
    else if (typeof timer === 'object' && timer !== null) real.clear(timer as NodeJS.Timeout);
    else for (const one of this.#active) if (String(one.id) === String(timer)) one.close();
  }

  #timers() {
    const clear = (timer: unknown): void => {
      this.#clear(timer);
    };
    const { setTimeout: sleep, setImmediate: turn } = this.#promised();
    const setTimeout = (callback: Callback, ms?: number, ...args: unknown[]) => this.#set('setTimeout', callback, ms, args);
    const setImmediate = (callback: Callback, ...args: unknown[]) => this.#set('setImmediate', callback, 0, args);
    return {
      setTimeout: Object.assign(setTimeout, { [promisify.custom]: sleep }),
      setImmediate: Object.assign(setImmediate, { [promisify.custom]: turn }),
      setInterval: (callback: Callback, ms?: number, ...args: unknown[]) => this.#set('setInterval', callback, ms, args),
      clearTimeout: clear,
      clearInterval: clear,
      clearImmediate: clear,
    };
  }

  #promised() {
    const after = <T>(
      kind: 'setTimeout' | 'setImmediate',
      ms: unknown,
      value: T,
      { signal, ref = true }: PromiseOptions = {},
    ): Promise<T> =>
      new Promise((resolve, reject) => {
        const abort = (): void => {
          timer?.close();
          reject(new AbortError(signal));
        };
        const done = (): void => {
          signal?.removeEventListener('abort', abort);
          resolve(value);
        };
        const timer = signal?.aborted === true ? undefined : this.#set(kind, done, ms, []);
        if (!timer) abort();
        else signal?.addEventListener('abort', abort, { once: true });
        if (!ref) timer?.unref();
      });
    const setTimeout = <T>(ms?: number, value?: T, options?: PromiseOptions) => after('setTimeout', ms, value, options);
    const setImmediate = <T>(value?: T, options?: PromiseOptions) => after('setImmediate', 0, value, options);
    return {
      setTimeout,
      setImmediate,
      setInterval: <T>(ms?: number, value?: T, options?: PromiseOptions) => this.#ticks(ms, value, options),
      scheduler: {
        wait: (ms: number, options?: PromiseOptions) => setTimeout(ms, undefined, options),
        yield: () => setImmediate(),
      },
    };
  }

  /** Ticks on while whoever takes them is busy; those that it missed come at once. */
  async *#ticks<T>(ms: unknown, value: T, { signal, ref = true }: PromiseOptions = {}): AsyncGenerator<T> {
    let missed = 0;
    let wake: (() => void) | undefined;
    const tell = (): void => {
      wake?.();
    };
    const tick = (): void => {
      missed += 1;
      tell();
    };
    const timer = this.#set('setInterval', tick, ms, []);
    if (!ref) timer.unref();
    signal?.addEventListener('abort', tell, { once: true });
    try {
      for (;;) {
        if (signal?.aborted === true) throw new AbortError(signal);
        for (; missed > 0; missed -= 1) yield value;
        await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      timer.close();
      signal?.removeEventListener('abort', tell);
    }
  }

  #date(): DateConstructor {
    const now = (): number => Math.floor(this.#watch().clock.now());
    return new Proxy(Date, {
      apply: (real) => new real(now()).toString(),
      construct: (real, args, target) => Reflect.construct(real, args.length === 0 ? [now()] : args, target) as object,
      get: (real, name, receiver) => (name === 'now' ? now : (Reflect.get(real, name, receiver) as unknown)),
    });
  }

  #signal(ms: number): AbortSignal {
    const controller = new AbortController();
    const expire = (): void => {
      controller.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'));
    };
    this.#set('setTimeout', expire, ms, []).unref();
    return controller.signal;
  }
}

/** As Node's timers throw it. */
class AbortError extends Error {
  readonly code = 'ABORT_ERR';

  constructor(signal: AbortSignal | undefined) {
    super('The operation was aborted', { cause: signal?.reason });
    this.name = 'AbortError';
  }
}
