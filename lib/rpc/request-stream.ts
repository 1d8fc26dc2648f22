import { defer, Observable, Subject, type Subscription } from 'rxjs';
import { SkeinError } from '../core/errors.js';
import type { AnyHandler } from './method-desk.js';
import { Refused, ToldAlready } from './outcomes.js';
import type { Request, Requests } from './requests.js';
import type { RpcPorts } from './rpc-ports.js';
import { apart, StreamAnswer, StreamRequest, type StreamTools } from './stream-request.js';
import type { Work } from './work.js';

/** One subscription to the user's stream. */
interface Run {
  readonly entry: Subject<StreamRequest>;
  /** Whether nothing new enters: it only finishes what it has. */
  isLeaving: boolean;
  inner: Subscription | undefined;
  /** Ends the run well. */
  complete(): void;
}

/**
 * A method that is handled as one stream. To its desk it is a handler like any other, one that puts each request into the stream
 * and gives back what becomes of it; so validation, deadlines, cancellation and places at work are the desk's. Requests wait here
 * while no one is subscribed; they have their places then, which bounds them.
 */
export class RequestStream {
  readonly #name: string;
  readonly #handler: Requests<unknown, unknown>;
  readonly #ports: RpcPorts;
  readonly #tools: StreamTools;
  readonly #held = new Set<StreamRequest>();
  readonly #within = new Set<StreamRequest>();
  #run: Run | undefined;
  #isLettingIn = false;
  /** Whether it has emitted what is no answer; it is told once. */
  #hasStrayed = false;
  #turn: Subscription | undefined;
  /** What its requests are refused with, once it will not run any more. */
  #retired: Refused | undefined;

  /** `name` is what it is called in logs. */
  constructor(name: string, handler: Requests<unknown, unknown>, ports: RpcPorts) {
    this.#name = name;
    this.#handler = handler;
    this.#ports = ports;
    const failedToStop = (error: unknown): void => {
      ports.logger.error(`the work on a request of ${name} failed as it was stopped`, { error });
    };
    this.#tools = { ambient: ports.ambient, failedToStop };
  }

  /** What the method's desk calls for each request. */
  readonly handle: AnyHandler = (input: unknown, work: Work): Observable<unknown> =>
    new Observable((sink) => {
      if (this.#retired) {
        sink.error(this.#retired);
        return undefined;
      }
      const request = new StreamRequest(input, work, sink, this.#tools);
      this.#held.add(request);
      this.#letIn();
      return () => {
        this.#forget(request);
      };
    });

  /**
   * The user's stream, while subscribed; errors when it ends, whichever way, unless it was told to finish. Who unsubscribes
   * lets it finish what is in it: its requests complete, and it is let go once all of them have their answers, at the latest at their
   * deadlines. One at a time.
   */
  run(): Observable<never> {
    return new Observable((subscriber) => {
      const run: Run = { entry: new Subject(), isLeaving: false, inner: undefined, complete: () => subscriber.complete() };
      this.#run = run;
      const end = (error: unknown): void => {
        if (this.#run === run) this.#run = undefined;
        if (!run.isLeaving || this.#within.size > 0) this.#failAll(error);
        if (run.isLeaving) run.complete();
        else subscriber.error(error);
      };
      run.inner = apart(this.#ports.ambient, () =>
        defer(() => this.#handler.handle(this.#requestsOf(run))).subscribe({
          next: (answer) => {
            this.#settle(answer);
          },
          error: end,
          complete: () => {
            end(new Error(`the stream of ${this.#name} completed`));
          },
        }),
      );
      return () => {
        this.#leave(run);
      };
    });
  }

  /** Requests that are in the stream. */
  get within(): number {
    return this.#within.size;
  }

  /** Nothing more comes: what the stream gathers may be answered now. */
  finish(): void {
    if (this.#run) this.#leave(this.#run);
  }

  /** It will not run any more: what waits for it, and what comes, is refused. */
  retire(): void {
    const error = new Refused(new SkeinError('closed', { what: `the stream of ${this.#name}` }));
    this.#retired = error;
    this.#turn?.unsubscribe();
    const held = [...this.#held];
    this.#held.clear();
    for (const request of held) request.settle({ ok: false, error });
  }

  /** Those who subscribe in one turn get the same requests: what waited enters once the turn is over. */
  #requestsOf({ entry }: Run): Observable<Request<unknown, unknown>> {
    return new Observable((subscriber) => {
      const subscription = entry.subscribe(subscriber);
      if (this.#held.size > 0) {
        this.#turn ??= this.#ports.clock.schedule(() => {
          this.#turn = undefined;
          this.#letIn();
        }, 0);
      }
      return subscription;
    });
  }

  /** One that is answered at once may bring the next one here: the loop goes on, instead of one inside it. */
  #letIn(): void {
    if (this.#isLettingIn || this.#turn) return;
    this.#isLettingIn = true;
    apart(this.#ports.ambient, () => {
      for (const request of this.#held) {
        const run = this.#run;
        if (run?.entry.observed !== true) break;
        this.#held.delete(request);
        this.#within.add(request);
        request.state = 'within';
        run.entry.next(request);
      }
    });
    this.#isLettingIn = false;
  }

  #settle(answer: unknown): void {
    const { meter } = this.#ports;
    if (!(answer instanceof StreamAnswer) || !answer.request.isOf(this.#tools)) {
      meter.counter('handlers.stray').total += 1;
      this.#warnOfStray();
      return;
    }
    const { request, outcome } = answer;
    if (request.state === 'within') request.settle(outcome);
    else meter.counter(request.state === 'withdrawn' ? 'handlers.late' : 'handlers.stray').total += 1;
  }

  #warnOfStray(): void {
    if (this.#hasStrayed) return;
    this.#hasStrayed = true;
    const advice = 'emit what request.reply(…), request.fail(…) or request.answer(…) gives';
    this.#ports.logger.warn(`the stream of ${this.#name} emitted what is no answer to a request of its own: ${advice}`);
  }

  /** The request is over, by its answer or without one. */
  #forget(request: StreamRequest): void {
    if (request.state !== 'answered') request.state = 'withdrawn';
    this.#held.delete(request);
    this.#within.delete(request);
    this.#letGo();
  }

  /** Ends all that the stream has not answered. */
  #failAll(error: unknown): void {
    const unanswered = [...this.#within];
    this.#within.clear();
    const { logger, meter } = this.#ports;
    meter.counter('streams.ended').total += 1;
    logger.error(`the stream of ${this.#name} ended, and ${String(unanswered.length)} requests in it fail`, { error });
    const message = `the stream of ${this.#name} ended before it answered`;
    for (const request of unanswered) {
      request.settle({ ok: false, error: new ToldAlready(message, { cause: error }) });
      request.abandon(new SkeinError('cancelled', { reason: message }));
    }
  }

  #leave(run: Run): void {
    if (this.#run !== run) return;
    run.isLeaving = true;
    // What buffers may answer now.
    apart(this.#ports.ambient, () => {
      run.entry.complete();
    });
    this.#letGo();
  }

  #letGo(): void {
    const run = this.#run;
    if (run?.isLeaving !== true || this.#within.size > 0) return;
    this.#run = undefined;
    run.inner?.unsubscribe();
    run.complete();
  }
}
