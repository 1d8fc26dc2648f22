import { lastValueFrom, share } from 'rxjs';
import type { Wire } from '../../lib/ports/network.js';

/** A wire whose messages are heard until it is gone. */
export const opened = (wire: Wire) => {
  const message$ = wire.message$.pipe(share());
  const gone = lastValueFrom(message$, { defaultValue: undefined });
  /** What is sent belongs to the wire. */
  const send = (...frames: readonly Uint8Array[]): Promise<unknown> =>
    lastValueFrom(wire.send(frames), { defaultValue: undefined });
  return { message$, gone, send };
};

export type Opened = ReturnType<typeof opened>;
