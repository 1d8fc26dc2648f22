import { protocolMajor } from '../core/envelope.js';
import { isSkeinError, SkeinError } from '../core/errors.js';
import { limits } from '../core/limits.js';

/** The other side said goodbye, or its wire ended. */
export class Gone extends Error {
  /** The goodbye's code; undefined where the wire ended without one. */
  readonly code: string | undefined;
  constructor(reason: string, code?: string) {
    super(reason);
    this.name = 'Gone';
    this.code = code;
  }
}

/** What a goodbye says, by its code. */
export const farewells = {
  /** Who says it simply leaves. */
  closed: 'closed',
  /** Who says it has answered all that it has read and heeded, and has started nothing else, nor will. */
  drained: 'drained',
} as const;

/** Whether one side does not let the other one in, or no longer; both sides log that. */
export const isRefusal = (error: unknown): boolean =>
  isSkeinError(error, 'protocol-error', 'unsupported-version') ||
  (error instanceof Gone && error.code !== undefined && !hasLeft(error));

/** Whether the peer has said goodbye, and so does not come back as who it was. */
export const hasLeft = (error: unknown): boolean =>
  error instanceof Gone && (error.code === farewells.closed || hasDrained(error));

/** Whether the peer has said that what it has not answered was not started, and will not be. */
export const hasDrained = (error: unknown): boolean => error instanceof Gone && error.code === farewells.drained;

/** Whether another server may well start what one has refused so. */
export const mayGoElsewhere = ({ code }: SkeinError): boolean =>
  code === 'overloaded' || code === 'closed' || code === 'no-server';

/** What becomes of requests that were sent. A suspect peer that is lost was silent, whatever it is that ended the wait. */
export const whyLost = (address: string, wasSuspect: boolean, heartbeatMs: number): SkeinError =>
  wasSuspect
    ? new SkeinError('peer-silent', { silenceMs: limits.suspectBeats * heartbeatMs })
    : new SkeinError('link-lost', { peer: address });

/** What becomes of requests that never left: a peer that refuses this protocol says so, else there was no way to it. */
export const whyUnsent = (address: string, cause: unknown): SkeinError => {
  if (isSkeinError(cause, 'unsupported-version', 'protocol-error')) return cause;
  const wasRefused = cause instanceof Gone && cause.code === 'unsupported-version';
  const reason = `${address} could not be reached: ${cause instanceof Error ? cause.message : String(cause)}`;
  return wasRefused
    ? new SkeinError(
        'unsupported-version',
        { wanted: `protocol ${String(protocolMajor)}`, served: [] },
        { message: reason, cause },
      )
    : new SkeinError('undeliverable', { reason }, { cause });
};

/** What all that is under way ends with when its node closes. */
export const nodeClosed = (): SkeinError => new SkeinError('closed', { what: 'the node' });
