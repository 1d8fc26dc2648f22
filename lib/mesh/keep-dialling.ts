import { type Observable, switchMap, tap, throwError, throwIfEmpty, timeout } from 'rxjs';
import { limits } from '../core/limits.js';
import { redial } from '../operators/redial.js';
import type { Vital } from '../operators/watch-silence.js';
import type { Wire } from '../ports/network.js';
import { Gone, isRefusal } from './gone.js';
import type { MeshPorts } from './mesh-ports.js';

/** What a link does with its wires. */
export interface Dialling {
  readonly address: string;
  /** The conversation on a wire; its first sign of life is the welcome. */
  readonly meet: (wire: Wire) => Observable<Vital>;
  readonly onVital: (vital: Vital) => void;
  /** The wire is gone, or there was none to be had; another will be tried. */
  readonly onLost: (error: unknown) => void;
}

/** Dials and talks for as long as it is subscribed, again after each loss, with growing waits where no wire is to be had. */
export const keepDialling = (
  { address, meet, onVital, onLost }: Dialling,
  { network, random, clock, logger }: MeshPorts,
): Observable<Vital> => {
  const tooLate = () => throwError(() => new Gone('no welcome came in time'));
  return network.dial(address).pipe(
    throwIfEmpty(() => new Gone(`the wire to ${address} ended before it was there`)),
    switchMap(meet),
    timeout({ first: limits.handshakeMs, scheduler: clock, with: tooLate }),
    tap((vital) => {
      if (vital === 'lost') throw new Gone(`${address} was silent for too long`);
      onVital(vital);
    }),
    tap({ error: onLost }),
    redial({
      backoff: limits.redial,
      random,
      clock,
      onFailure: (error, waitMs) => {
        const line = `the link to ${address} is down, next try in ${String(Math.round(waitMs))} ms`;
        if (isRefusal(error)) logger.warn(line, { error });
        else logger.info(line, { error });
      },
    }),
  );
};
