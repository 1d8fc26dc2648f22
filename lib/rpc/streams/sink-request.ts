import { Kind } from '../../core/envelope.js';
import type { SkeinError } from '../../core/errors.js';
import type { SinkOptions } from '../options.js';
import type { Sending, Terms } from '../terms.js';
import type { Sink } from '../sink.js';
import { type UnaryCall, UnaryRequest } from '../unary-call.js';
import { feed } from './feed.js';
import { SentFlows } from './sent-flows.js';

/** A sink under way: what is sent is a source's items, and one value comes back. */
export class SinkRequest extends UnaryRequest {
  override readonly kind = Kind.open;
  override readonly stream: SentFlows;

  constructor(sending: Sending, source: unknown, terms: Terms, call: UnaryCall, sink: Sink, options: SinkOptions | undefined) {
    super(sending, openingOf(options), terms, call, sink);
    this.stream = new SentFlows(this.id, 0, terms.wholeDeadline, sending.ports.clock);
    feed(this, source, options?.progress, sending.ports);
  }

  override send(): void {
    super.send();
    this.stream.outflow?.begin();
  }

  override reply(payload: unknown): void {
    if (this.isSettled) return;
    this.stream.progress?.complete();
    this.stream.close();
    super.reply(payload);
  }

  failItems(error: SkeinError): void {
    this.withdrawWith(error);
  }

  protected override failed(error: SkeinError): void {
    this.stream.fail(error);
    super.failed(error);
  }
}

/** What a sink or a channel is opened with. */
export const openingOf = (options: object | undefined): unknown => (options && 'open' in options ? options.open : undefined);
