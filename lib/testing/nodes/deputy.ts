import { from, type Observable, of, ReplaySubject, switchMap, firstValueFrom, type Unsubscribable } from 'rxjs';
import type { Node } from '../../node/node.js';
import { type CallSink, LazyCall } from '../../operators/lazy-call.js';
import { passDemand } from '../../operators/pass-demand.js';
import { demand, fromDemand, type Stream } from '../../operators/stream.js';
import type { Client } from '../../rpc/client.js';
import type { Contract } from '../../rpc/contract.js';
import type { ClientOptions } from '../../rpc/options.js';
import { Place } from '../time/place.js';
import type { Member } from './member.js';

type Send = (...args: readonly unknown[]) => unknown;
type Sends = Readonly<Record<string, unknown>>;

/** A client of whichever node runs on that host when something is sent; what is sent before it is up waits for it. */
export const deputyOf = <C extends Contract>(member: Member, contract: C, options: ClientOptions | undefined): Client<C> =>
  deputise(member, contract, (node) => node.client(contract, options)) as unknown as Client<C>;

const deputise = (member: Member, contract: Contract, clientOf: (node: Node) => Sends): Sends => {
  const bound =
    (name: string, args: readonly unknown[], of = clientOf) =>
    (node: Node): unknown =>
      (of(node)[name] as Send)(...args);
  const call =
    (name: string): Send =>
    (...args) =>
      new DeputyCall(member, `${contract.name}.${name}`, bound(name, args));
  const stream =
    (name: string): Send =>
    (...args) => {
      const place = new Place();
      const give = (asked$: Observable<number>) => (node: Node) => (bound(name, args)(node) as Stream<unknown>)[demand](asked$);
      // What is wanted before the node is up waits for it.
      return fromDemand(passDemand((asked$) => member.ask(`${contract.name}.${name}`, give(asked$), place)));
    };
  const methods = Object.entries(contract.methods);
  const casts = methods.filter(([, { verb }]) => verb === 'cast').map(([name]) => name);
  const fanoutOf = (node: Node): Sends => clientOf(node).$fanout as Sends;
  const cast =
    (name: string): Send =>
    (...args) =>
      pending(member, `${contract.name}.${name}`, bound(name, args), 'state$');
  const fan =
    (name: string): Send =>
    (...args) =>
      pending(member, `${contract.name}.${name}`, bound(name, args, fanoutOf), 'outcome$');
  const again =
    (name: string): Send =>
    (...args) =>
      deputise(member, contract, (node) => bound(name, args)(node) as Sends);
  const senders = { call, cast, stream, sink: call, channel: stream };
  return Object.freeze({
    ...Object.fromEntries(methods.map(([name, { verb }]) => [name, senders[verb](name)])),
    ...Object.fromEntries(['$ping', '$describe', '$drain'].map((name) => [name, call(name)])),
    ...Object.fromEntries(['$on', '$with'].map((name) => [name, again(name)])),
    $fanout: Object.freeze(Object.fromEntries(casts.map((name) => [name, fan(name)]))),
    $canSend: (...args: readonly unknown[]) => bound('$canSend', args)(member.node),
  });
};

/** A call that the node of the moment makes; its repeats are those of one call as long as that node runs. */
class DeputyCall extends LazyCall<unknown> {
  readonly #member: Member;
  readonly #what: string;
  readonly #place = new Place();
  readonly #make: (node: Node) => unknown;
  #made: { readonly node: Node; readonly call: Observable<unknown> } | undefined;

  constructor(member: Member, what: string, make: (node: Node) => unknown) {
    super();
    this.#member = member;
    this.#what = what;
    this.#make = make;
  }

  protected override send(sink: CallSink<unknown>): Unsubscribable {
    return this.#member
      .ask(
        this.#what,
        (node) => {
          if (this.#made?.node !== node) this.#made = { node, call: this.#make(node) as Observable<unknown> };
          return this.#made.call;
        },
        this.#place,
      )
      .subscribe(sink);
  }
}

/** A receipt of what is cast as soon as the node is up. */
const pending = (
  member: Member,
  what: string,
  send: (node: Node) => unknown,
  states: 'state$' | 'outcome$',
): PromiseLike<unknown> => {
  type Sent = PromiseLike<unknown> & Readonly<Record<typeof states, Observable<unknown>>>;
  const sent$ = new ReplaySubject<Sent>(1);
  member.ask(what, (node) => of(send(node) as Sent)).subscribe(sent$);
  const seen = (look: (sent: Sent) => Observable<unknown>): Observable<unknown> =>
    sent$.pipe(switchMap((sent) => member.ask(what, () => look(sent))));
  return {
    get [states]() {
      return seen((sent) => sent[states]);
    },
    then: (fulfilled, rejected) =>
      firstValueFrom(
        seen((sent) => from(sent)),
        { defaultValue: undefined },
      ).then(fulfilled, rejected),
  };
};
