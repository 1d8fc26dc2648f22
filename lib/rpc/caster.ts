import { Observable } from 'rxjs';
import { Kind } from '../core/envelope.js';
import { SkeinError } from '../core/errors.js';
import type { CastOptions } from './options.js';
import { endOf, passThrough } from './pass-through.js';
import { CastReceipt, type CastWatch, type Confirmed, type Undeliverable } from './receipt.js';
import { Request } from './request.js';
import { agree, asUnsent, type Sending, type Terms } from './terms.js';

class CastRequest extends Request {
  override readonly kind = Kind.cast;
  readonly #sending: Sending;
  readonly #confirm: Confirmed['state'];
  readonly #watch: CastWatch;

  constructor(
    sending: Sending,
    payload: unknown,
    terms: Terms,
    confirm: Confirmed['state'],
    watch: CastWatch,
    keptBytes?: number,
  ) {
    super(sending, payload, terms, undefined, keptBytes);
    this.#sending = sending;
    this.#confirm = confirm;
    this.#watch = watch;
  }

  override reply(): void {
    this.fail(new SkeinError('protocol-error', { reason: 'a cast was answered as a call is' }, { ran: 'unknown' }));
  }

  override accept(): void {
    if (this.#confirm === 'accepted') this.#confirmAs('accepted');
    else if (!this.isSettled) {
      this.within(() => {
        this.#watch.show({ state: 'accepted', server: this.server });
      });
    }
  }

  override done(): void {
    this.#confirmAs('done');
  }

  protected override failed(error: SkeinError): void {
    this.within(() => {
      this.#watch.fail(error);
    });
    reportUnlessWatched(this.#sending, this.#watch, error, this.server);
  }

  #confirmAs(state: Confirmed['state']): void {
    if (!this.end('ok')) return;
    this.within(() => {
      this.#watch.show({ state, server: this.server });
      this.#watch.complete();
    });
  }
}

/** A method that a client casts: what all its casts have in common. */
export class Caster {
  readonly #sending: Sending;
  readonly #confirm: Confirmed['state'];

  constructor(sending: Sending, confirm: Confirmed['state']) {
    this.#sending = sending;
    this.#confirm = confirm;
  }

  /** Sends at once. What keeps it from being sent stands in the receipt. */
  cast(input: unknown, options: CastOptions | undefined): CastReceipt {
    const confirm = options?.confirm ?? this.#confirm;
    const receipt = new CastReceipt();
    try {
      this.#cast(input, agree(this.#sending, options, confirm === 'done' ? confirm : undefined), confirm, receipt);
    } catch (thrown) {
      this.#fail(thrown, receipt);
    }
    return receipt;
  }

  /** Sends at once, by terms that are agreed, what was kept and measured. */
  castAgreed(kept: unknown, bytes: number, terms: Terms, confirm: Confirmed['state'], watch: CastWatch): void {
    try {
      this.#cast(kept, terms, confirm, watch, bytes);
    } catch (thrown) {
      this.#fail(thrown, watch);
    }
  }

  #cast(input: unknown, terms: Terms, confirm: Confirmed['state'], watch: CastWatch, keptBytes?: number): void {
    const { interceptors, codec } = this.#sending.ports;
    if (interceptors.client.length > 0) {
      // What they do to it is for this cast alone.
      const own = keptBytes === undefined ? input : codec.copy(input);
      this.#castThrough(own, terms, confirm, watch);
    } else new CastRequest(this.#sending, input, terms, confirm, watch, keptBytes).send();
  }

  #fail(thrown: unknown, watch: CastWatch): void {
    const error = asUnsent(thrown);
    watch.fail(error);
    reportUnsent(this.#sending, watch, error);
  }

  /** The receipt shows what befalls what is sent, and ends as the interceptors let it; one that they complete by themselves was confirmed by no server. */
  #castThrough(input: unknown, terms: Terms, confirm: Confirmed['state'], watch: CastWatch): void {
    let server = '';
    let isConfirmed = false;
    const send = (handed: unknown, renewed: Terms): Observable<never> =>
      new Observable((subscriber) => {
        const own = new CastReceipt();
        // Its failure is told as that of the receipt that the sender has.
        own.isWatched = true;
        let request: CastRequest | undefined = undefined;
        own.quietState$.subscribe({
          next: (state) => {
            if (state.state === 'queued') return;
            isConfirmed ||= state.state === confirm;
            watch.show(state);
          },
          error: (error: unknown) => {
            server = request?.server ?? '';
            subscriber.error(error);
          },
          complete: () => {
            subscriber.complete();
          },
        });
        request = this.#sendOne(handed, renewed, confirm, own);
        return () => request?.cancel('an interceptor let go of it');
      });
    passThrough(this.#sending, terms, input, send, endOf).subscribe({
      error: (error: unknown) => {
        watch.fail(error);
        reportUnlessWatched(this.#sending, watch, error as SkeinError, server);
      },
      complete: () => {
        if (!isConfirmed) watch.show({ state: confirm, server: '' });
        watch.complete();
      },
    });
  }

  #sendOne(input: unknown, terms: Terms, confirm: Confirmed['state'], receipt: CastReceipt): CastRequest | undefined {
    let request: CastRequest;
    try {
      request = new CastRequest(this.#sending, input, terms, confirm, receipt);
    } catch (thrown) {
      const error = asUnsent(thrown);
      this.#sending.ports.meter.counter(`requests.${error.code}`).total += 1;
      receipt.fail(error);
      return undefined;
    }
    request.send();
    return request;
  }
}

/** What was never sent is counted and told like what was. */
export const reportUnsent = (sending: Sending, watch: Watched, error: SkeinError): void => {
  sending.ports.meter.counter(`requests.${error.code}`).total += 1;
  reportUnlessWatched(sending, watch, error, '');
};

/** Who casts has this turn to look at the receipt; a failure that no one has looked at by then is told to the node's owner. */
const reportUnlessWatched = ({ operation, ports }: Sending, watch: Watched, error: SkeinError, server: string): void => {
  if (watch.isWatched) return;
  ports.clock.schedule(() => {
    if (watch.isWatched) return;
    const { topic, method } = operation;
    const failure: Undeliverable = { topic, method, server, error };
    ports.meter.counter('casts.undeliverable').total += 1;
    ports.logger.warn(`a cast of ${topic}.${method} failed, and no one watches its receipt`, { error, server });
    ports.undeliverable$.next(failure);
  }, 0);
};

type Watched = Pick<CastWatch, 'isWatched'>;
