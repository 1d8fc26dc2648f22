import { SkeinError } from '../../core/errors.js';
import { textOfThrown } from '../../core/error-record.js';
import { Kind } from '../../core/envelope.js';
import type { RpcPorts } from '../rpc-ports.js';
import { Outflow } from './outflow.js';
import { Progress, type SentFlows } from './sent-flows.js';

/** A request that sends items, as they see it. */
interface Fed {
  readonly stream: SentFlows;
  /** Its items have failed, and with them the request. */
  failItems(error: SkeinError): void;
  within(tell: () => void): void;
}

/** Lets the request send what its source gives; `progress` is told how far the server is. Throws `invalid-argument` for what cannot be held back. */
export const feed = (
  request: Fed,
  source: unknown,
  progress: { next(consumed: number): void } | undefined,
  { codec, logger }: Pick<RpcPorts, 'codec' | 'logger'>,
): void => {
  const { stream } = request;
  stream.progress = progress && new Progress(telling(request, progress, logger));
  stream.outflow = new Outflow(stream.id, source, {
    codec,
    wake: () => {
      stream.wake();
    },
    within: (ask) => {
      request.within(ask);
    },
    stray: (error) => {
      logger.warn('the source of the items to send failed as it was let go of', { error });
    },
    progress: stream.progress,
    over: {
      value: () => {
        stream.say(Kind.end);
      },
      error: (cause) => {
        const message = `the items to send failed: ${textOfThrown(cause)}`;
        request.failItems(new SkeinError('cancelled', { reason: cause }, { ran: 'unknown', message, cause }));
      },
    },
  });
};

/** What it throws is its owner's to hear of, and nothing to the link. */
const telling =
  (request: Fed, progress: { next(consumed: number): void }, logger: RpcPorts['logger']) =>
  (consumed: number): void => {
    request.within(() => {
      try {
        progress.next(consumed);
      } catch (error) {
        logger.error('who was told of the progress of a stream failed', { error });
      }
    });
  };
