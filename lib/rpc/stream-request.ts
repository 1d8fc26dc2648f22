import { Observable, type Observer } from 'rxjs';
import type { Ambient } from './ambient.js';
import { firstValue, isValue, type Reply } from './first-value.js';
import type { Answer, Request } from './requests.js';
import type { HandlerContext, Work } from './work.js';

/** Where a request stands: before the stream, in it, answered (also by the stream's end), or given up by its caller. */
type State = 'held' | 'within' | 'answered' | 'withdrawn';

type Outcome = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: unknown };

/** What requests need of their stream. */
export interface StreamTools {
  readonly ambient: Ambient;
  /** Told of work that fails as it is stopped. */
  readonly failedToStop: (error: unknown) => void;
}

/** An answer as the stream emits it. */
export class StreamAnswer {
  readonly request: StreamRequest;
  readonly outcome: Outcome;

  constructor(request: StreamRequest, outcome: Outcome) {
    this.request = request;
    this.outcome = outcome;
  }
}

/** Runs `work` as what it is to the process: nothing that belongs to any one request. */
export const apart = <T>(ambient: Ambient, work: () => T): T => ambient.run(undefined, work);

/** One request on its way through a stream. */
export class StreamRequest implements Request<unknown, unknown> {
  readonly input: unknown;
  readonly #work: Work;
  readonly #sink: Observer<unknown>;
  readonly #tools: StreamTools;
  state: State = 'held';

  /** Its answer goes to `sink`. */
  constructor(input: unknown, work: Work, sink: Observer<unknown>, tools: StreamTools) {
    this.input = input;
    this.#work = work;
    this.#sink = sink;
    this.#tools = tools;
  }

  get context(): HandlerContext {
    return this.#work;
  }

  /** Whether it is a request of that stream's. */
  isOf(tools: StreamTools): boolean {
    return this.#tools === tools;
  }

  reply(value: unknown): Answer<unknown> {
    return answerOf(this, { ok: true, value });
  }

  fail(error: unknown): Answer<unknown> {
    return answerOf(this, { ok: false, error });
  }

  answer(work: (input: unknown, context: HandlerContext) => Reply<unknown>): Observable<Answer<unknown>> {
    return new Observable((subscriber) => {
      if (this.state !== 'within') {
        subscriber.complete();
        return undefined;
      }
      const { ambient, failedToStop } = this.#tools;
      let stop: (() => void) | undefined;
      let isOver = false;
      const give = (answer: Answer<unknown>): void => {
        isOver = true;
        stop = undefined;
        // What stands behind it in the stream is no part of this request.
        apart(ambient, () => {
          subscriber.next(answer);
          subscriber.complete();
        });
      };
      const leave = this.#work.onCancel(() => {
        apart(ambient, () => {
          subscriber.complete();
        });
      });
      const start = (): void => {
        const result = work(this.input, this.#work);
        if (isValue(result)) {
          give(this.reply(result));
          return;
        }
        const stopping = firstValue(result, {
          value: (value) => {
            give(this.reply(value));
          },
          error: (error) => {
            give(this.fail(error));
          },
        });

        if (!isOver) stop = stopping;
      };
      try {
        ambient.run(this.#work, start);
      } catch (error) {
        give(this.fail(error));
      }
      return () => {
        leave();
        try {
          stop?.();
        } catch (error) {
          failedToStop(error);
        }
      };
    });
  }

  /** Its one end, as its caller gets it. */
  settle(outcome: Outcome): void {
    this.state = 'answered';
    if (outcome.ok) {
      this.#sink.next(outcome.value);
      this.#sink.complete();
    } else this.#sink.error(outcome.error);
  }

  /** Ends what still works on it. */
  abandon(reason: Parameters<Work['cancel']>[0]): void {
    this.#work.cancel(reason);
  }
}

const answerOf = (request: StreamRequest, outcome: Outcome): Answer<unknown> =>
  new StreamAnswer(request, outcome) as unknown as Answer<unknown>;
