import { call, contract } from '../../lib/index.js';

/** What is asked of a server: a token that no other request has, and whom it is meant for; no one in particular where that is empty. */
export interface Ask {
  readonly token: string;
  readonly meant: string;
}

/** What the servers of a loaded cluster serve; each method answers with the token. */
export const Load = contract('load', '1.0', {
  again: call<Ask, string>({ idempotent: true }),
  once: call<Ask, string>(),
  /** Are never answered, and are over only when no one wants them any more. */
  hold: call<Ask, string>(),
  holdAgain: call<Ask, string>({ idempotent: true }),
});

export type Kind = 'again' | 'once';
export type HoldKind = 'hold' | 'holdAgain';

/** What a test tells a client. */
export type Order =
  | { readonly do: 'hold'; readonly method: HoldKind; readonly ask: Ask }
  /** Lets go of all that it holds. */
  | { readonly do: 'let go' }
  /** Sends no more, and reports once all that it sent is settled. */
  | { readonly do: 'finish' };

/** A call that failed. */
export interface Failed {
  readonly is: 'failed';
  readonly kind: Kind;
  readonly meant: string;
  readonly code: string;
  readonly ran: string;
  readonly message: string;
  /** The address of the peer that was lost, where that is why. */
  readonly peer: string | undefined;
}

/** What clients and servers tell a test. */
export type Report =
  | { readonly is: 'ready' }
  /** A server has heard from each of the clients; or a client has been answered by each of the servers. */
  | { readonly is: 'in use' }
  /** A request that is to be held has arrived, or is over on the server. */
  | { readonly is: 'held' | 'let go'; readonly token: string }
  /** What became of it for its client. */
  | { readonly is: 'ended'; readonly token: string; readonly code: string }
  | Failed
  | { readonly is: 'finished'; readonly answered: { readonly [K in Kind]: number }; readonly seconds: number };
