import { type ErrorRecord, Kind } from '../core/envelope.js';
import { writeError, writeThrown } from '../core/error-record.js';
import { SkeinError } from '../core/errors.js';
import { limits } from '../core/limits.js';
import type { Counter } from '../ports/meter.js';
import type { Desk, Incoming } from '../ports/transport.js';
import type { Course, Coursed } from './course.js';
import { isDeclared } from './declared-error.js';
import type { Outcome } from './first-value.js';
import { isA, Refused, ToldAlready } from './outcomes.js';
import type { RpcPorts } from './rpc-ports.js';
import { InvalidInput } from './schema.js';
import { courseOf } from './streams/courses.js';
import { Work } from './work.js';

/** A handler as it is called, whatever its types. */
export type AnyHandler = (input: never, work: Work) => unknown;

/** Who decides when a request of one method may start. */
export interface Queue {
  admit(request: Incoming): void;
  /** A request that was started is done with. */
  finish(): void;
}

/** One method of one server: validates, runs the handler and answers. A throw is an answer, and ends nothing else. */
export class MethodDesk implements Desk {
  readonly name: string;
  readonly #method: Coursed;
  readonly #course: Course;
  readonly #handler: AnyHandler;
  readonly #queue: Queue;
  readonly #ports: RpcPorts;
  readonly #failed: Counter;
  readonly #expected: Counter;
  readonly #late: Counter;
  readonly #cancelled: Counter;
  calls = 0;
  failures = 0;
  /** Of those that failed otherwise, with errors that the contract declares. */
  expected = 0;

  constructor(name: string, method: Coursed, handler: AnyHandler, queue: Queue, ports: RpcPorts) {
    this.name = name;
    this.#method = method;
    this.#course = courseOf(method, ports);
    this.#handler = handler;
    this.#queue = queue;
    this.#ports = ports;
    this.#failed = ports.meter.counter('handlers.failed');
    this.#expected = ports.meter.counter('handlers.expected');
    this.#late = ports.meter.counter('handlers.late');
    this.#cancelled = ports.meter.counter('handlers.cancelled');
  }

  admit(request: Incoming): void {
    if (this.#course.kinds.includes(request.kind)) this.#queue.admit(request);
    else {
      const message = `${this.name} is a ${this.#method.verb}, and was asked for as something else`;
      request.refuse(writeError(new SkeinError('no-such-method', { method: this.name }, { message })));
    }
  }

  /** Starts the request; the queue is told when it is over. */
  start(request: Incoming): void {
    this.calls += 1;
    const work = new Work(request);
    let result: unknown;
    try {
      const input = this.#course.input(request, work);
      if (input instanceof Promise) {
        this.#await(request, work, (outcome) => this.#handleLater(input, request, work, outcome));
        return;
      }
      // Valid at once, as most are: then the handler runs at once too.
      result = this.#handle(input, work);
      if (!this.#course.isOutcome(result)) {
        this.#await(request, work, (outcome) => this.#follow(result, request, work, outcome));
        return;
      }
    } catch (error) {
      this.#fail(request, error);
      return;
    }
    this.#succeed(request, result);
  }

  /** What comes back stops it, also before the input is there. */
  #handleLater(input: Promise<unknown>, request: Incoming, work: Work, outcome: Outcome): () => void {
    let stop: (() => void) | undefined;
    let isStopped = false;
    const handle = (valid: unknown): void => {
      if (isStopped) return;
      const result = this.#handle(valid, work);
      if (this.#course.isOutcome(result)) outcome.value(result);
      else stop = this.#follow(result, request, work, outcome);
    };
    input.then(handle).catch(outcome.error);
    return () => {
      isStopped = true;
      stop?.();
    };
  }

  #follow(result: unknown, request: Incoming, work: Work, outcome: Outcome): () => void {
    try {
      return this.#ports.ambient.run(work, this.#course.follow, result, outcome, request, work);
    } catch (error) {
      outcome.error(error);
      return ignore;
    }
  }

  #handle(input: unknown, work: Work): unknown {
    return this.#ports.ambient.run(work, this.#handler, input as never, work);
  }

  /** Watches over work that takes time: its deadline, and whoever cancels it. */
  #await(request: Incoming, work: Work, begin: (outcome: Outcome) => () => void): void {
    const { wheel } = this.#ports;
    let isOver = false;
    const once = (end: () => void): void => {
      if (isOver) return;
      isOver = true;
      wheel.remove(request);
      end();
    };
    const stop = begin({
      value: (value) => {
        if (isOver) this.#late.total += 1;
        once(() => {
          this.#succeed(request, value);
        });
      },
      error: (error) => {
        once(() => {
          this.#fail(request, error);
        });
      },
    });
    if (isOver) return;
    wheel.add(request);
    request.onCancel = (reason) => {
      once(() => {
        this.#cancelled.total += 1;
        if (request.kind === Kind.cast) {
          this.#ports.logger.warn(`an accepted cast of ${this.name} was stopped`, { error: reason });
        }
        work.cancel(reason);
        this.#stop(stop);
        this.#queue.finish();
      });
    };
  }

  /** What a handler throws on its way out is its own affair, and no one else's. */
  #stop(stop: () => void): void {
    try {
      stop();
    } catch (error) {
      this.#ports.logger.error(`the handler of ${this.name} failed as it was stopped`, { error });
    }
  }

  #succeed(request: Incoming, value: unknown): void {
    try {
      if (request.kind === Kind.cast || !this.#course.hasValue) request.done();
      else {
        const { codec } = this.#ports;
        const bytes = codec.measure(value);
        request.reply(codec.keep(value), bytes);
      }
    } catch (error) {
      this.#fail(request, new Error(`the handler of ${this.name} returned what cannot be sent`, { cause: error }));
      return;
    }
    this.#queue.finish();
  }

  #fail(request: Incoming, error: unknown): void {
    if (isA(error, Refused)) this.#refuse(request, error.why);
    else if (isDeclared(error, this.#method.errors)) {
      this.expected += 1;
      this.#expected.total += 1;
      this.#ports.logger.debug(`the handler of ${this.name} failed as its contract expects`, { error });
      this.#tell(request, error);
    } else {
      this.failures += 1;
      this.#failed.total += 1;
      if (isA(error, InvalidInput)) {
        const record = this.#sendable(writeError(error));
        // An item that its schema refuses finds the handler at work.
        if (request.stream) request.fail(record);
        else request.refuse(record);
      } else {
        this.#ports.logger[isA(error, ToldAlready) ? 'debug' : 'error'](`the handler of ${this.name} failed`, { error });
        this.#tell(request, error);
      }
    }
    this.#queue.finish();
  }

  #tell(request: Incoming, error: unknown): void {
    request.fail(this.#sendable(writeThrown(error, this.#ports.sendStacks)));
  }

  /** It was refused before its handler started. A cast's sender may have been told that it was accepted, and hears no more of it. */
  #refuse(request: Incoming, error: SkeinError): void {
    this.#ports.meter.counter('handlers.refused').total += 1;
    const isCast = request.kind === Kind.cast;
    if (isCast) this.#ports.meter.counter('casts.dropped').total += 1;
    this.#ports.logger[isCast ? 'warn' : 'debug'](`a ${isCast ? 'cast' : 'call'} of ${this.name} was refused`, { error });
    request.refuse(this.#sendable(writeError(error)));
  }

  /** The record itself, or what is left of it without what cannot be sent or is too much. */
  #sendable(record: ErrorRecord): ErrorRecord {
    try {
      const { codec } = this.#ports;
      if (codec.measure(record) < limits.framedBytesMin) return codec.keep(record) as ErrorRecord;
    } catch {
      // Its details are the handler's own, and may be anything; the message still tells.
    }
    const { code } = (record.details ?? {}) as { readonly code?: unknown };
    const details = typeof code === 'string' ? { code: code.slice(0, limits.nameBytesMax) } : undefined;
    const { errorMessageMax, nameBytesMax } = limits;
    return {
      code: record.code,
      name: record.name?.slice(0, nameBytesMax),
      message: record.message.slice(0, errorMessageMax),
      details,
    };
  }
}

const ignore = (): void => undefined;
