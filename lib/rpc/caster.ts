import { Observable } from 'rxjs';
import { Kind } from '../core/envelope.js';
import { SkeinError } from '../core/errors.js';
import type { CastOptions } from './options.js';
import { endOf, passThrough } from './pass-through.js';
import { CastReceipt, type Confirmed, type Undeliverable } from './receipt.js';
import { Request } from './request.js';
import { agree, asUnsent, type Sending, type Terms } from './terms.js';

class CastRequest extends Request {
  override readonly kind = Kind.cast;
  readonly #confirm: Confirmed['state'];
  readonly #receipt: CastReceipt;
  readonly #failed: (error: SkeinError, server: string) => void;

  constructor(
    sending: Sending,
    payload: unknown,
    terms: Terms,
    confirm: Confirmed['state'],
    receipt: CastReceipt,
    failed: (error: SkeinError, server: string) => void,
  ) {
    super(sending, payload, terms);
    this.#confirm = confirm;
    this.#receipt = receipt;
    this.#failed = failed;
  }

  override reply(): void {
    this.fail(new SkeinError('protocol-error', { reason: 'a cast was answered as a call is' }, { ran: 'unknown' }));
  }

  override accept(): void {
    if (this.#confirm === 'accepted') this.#confirmAs('accepted');
    else if (!this.isSettled) this.#tell((receipt) => receipt.show({ state: 'accepted', server: this.server }));
  }

  override done(): void {
    this.#confirmAs('done');
  }

  protected override failed(error: SkeinError): void {
    this.#tell((receipt) => receipt.fail(error));
    if (!this.#receipt.isWatched) this.#failed(error, this.server);
  }

  #confirmAs(state: Confirmed['state']): void {
    if (!this.end('ok')) return;
    this.#tell((receipt) => {
      receipt.show({ state, server: this.server });
      receipt.complete();
    });
  }

  #tell(tell: (receipt: CastReceipt) => void): void {
    this.within(() => {
      tell(this.#receipt);
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
    return this.#castBy(input, () => agree(this.#sending, options, confirm === 'done' ? confirm : undefined), confirm);
  }

  /** Sends at once, by terms that are agreed. */
  castAgreed(input: unknown, terms: Terms): CastReceipt {
    return this.#castBy(input, () => terms, this.#confirm);
  }

  #castBy(input: unknown, termsOf: () => Terms, confirm: Confirmed['state']): CastReceipt {
    const receipt = new CastReceipt();
    try {
      const terms = termsOf();
      if (this.#sending.ports.interceptors.client.length > 0) this.#castThrough(input, terms, confirm, receipt);
      else {
        const failed = (error: SkeinError, server: string): void => {
          reportUnlessWatched(this.#sending, receipt, error, server);
        };
        new CastRequest(this.#sending, input, terms, confirm, receipt, failed).send();
      }
    } catch (thrown) {
      const error = asUnsent(thrown);
      receipt.fail(error);
      reportUnsent(this.#sending, receipt, error);
    }
    return receipt;
  }

  /** The receipt shows what befalls what is sent, and ends as the interceptors let it; one that they complete by themselves was confirmed by no server. */
  #castThrough(input: unknown, terms: Terms, confirm: Confirmed['state'], receipt: CastReceipt): void {
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
            receipt.show(state);
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
        receipt.fail(error);
        reportUnlessWatched(this.#sending, receipt, error as SkeinError, server);
      },
      complete: () => {
        if (!isConfirmed) receipt.show({ state: confirm, server: '' });
        receipt.complete();
      },
    });
  }

  #sendOne(input: unknown, terms: Terms, confirm: Confirmed['state'], receipt: CastReceipt): CastRequest | undefined {
    let request: CastRequest;
    try {
      request = new CastRequest(this.#sending, input, terms, confirm, receipt, () => undefined);
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
export const reportUnsent = (sending: Sending, receipt: Watchable, error: SkeinError): void => {
  sending.ports.meter.counter(`requests.${error.code}`).total += 1;
  reportUnlessWatched(sending, receipt, error, '');
};

/** Who casts has this turn to look at the receipt; a failure that no one has looked at by then is told to the node's owner. */
const reportUnlessWatched = ({ operation, ports }: Sending, receipt: Watchable, error: SkeinError, server: string): void => {
  ports.clock.schedule(() => {
    if (receipt.isWatched) return;
    const { topic, method } = operation;
    const failure: Undeliverable = { topic, method, server, error };
    ports.meter.counter('casts.undeliverable').total += 1;
    ports.logger.warn(`a cast of ${topic}.${method} failed, and no one watches its receipt`, { error, server });
    ports.undeliverable$.next(failure);
  }, 0);
};

interface Watchable {
  readonly isWatched: boolean;
}
