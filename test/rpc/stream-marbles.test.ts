import { map, NEVER, Subject, timer } from 'rxjs';
import { describe, it } from 'vitest';
import { bounded, channel, consume, contract, type Handlers, isSkeinError, type Node, sink, stream } from '../../lib/index.js';
import { simulate } from '../../lib/testing.js';

const Flow = contract('flow', '1', {
  give: stream<undefined, string>(),
  take: sink<string, number>(),
  swap: channel<string, string>(),
});

const serve =
  (own: Partial<Handlers<typeof Flow>>) =>
  (node: Node): unknown =>
    node.serve(Flow, { give: () => [], take: () => 0, swap: () => [], ...own });

/** Takes so long for each item. */
const slowly = (ms: number) => consume((item: string) => timer(ms).pipe(map(() => item)));

/** Values, demand and faults on one timeline. */
describe('a stream', () => {
  it('brings each item as it comes, and asks for as many as there is credit for', () =>
    simulate({ seed: 1 }, ({ node, stream: source, expectObservable, expectDemand }) => {
      const items = '   a 1s b 1s (c |)';
      const expected = 'a 1s b 1s (c |)';
      // The first is asked for alone, since nobody knows yet what an item weighs.
      const demand = '  (1 15)';
      const item$ = source(items);
      node('server', serve({ give: () => item$ }));
      expectObservable(node('client').client(Flow).give(undefined, { credit: 16 })).toBe(expected);
      expectDemand(item$).toBe(demand);
    }));

  it('is asked for more as its items are consumed', () =>
    simulate({ seed: 1 }, ({ node, stream: source, expectObservable, expectDemand }) => {
      const items = '   (abcdefgh|)';
      const expected = '1s a 1s b 1s c 1s d 1s e 1s f 1s g 1s (h|)';
      const demand = '  (1 3) 2s 2 2s 2';
      const item$ = source(items);
      node('server', serve({ give: () => item$ }));
      expectObservable(node('client').client(Flow).give(undefined, { credit: 4 }).pipe(slowly(1_000))).toBe(expected);
      expectDemand(item$).toBe(demand);
    }));

  it('ends at both ends once its link is cut for too long', () =>
    simulate({ seed: 1 }, ({ node, stream: source, link, expectObservable }) => {
      const items = '   a 1s b 1s c 1s d 1s e 1s f';
      const cut = '     2500ms x';
      const expected = 'a 1s b 1s c 1400ms #peer-silent';
      const stopped = ' 3400ms stopped';
      const stopped$ = new Subject<string>();
      const give: Handlers<typeof Flow>['give'] = (_, { signal }) => {
        signal.addEventListener('abort', () => {
          stopped$.next('stopped');
        });
        return source(items);
      };
      node('server', serve({ give }), { heartbeatMs: 100 });
      link('client<>server', cut);
      expectObservable(node('client', undefined, { heartbeatMs: 100 }).client(Flow).give()).toBe(expected);
      expectObservable(stopped$).toBe(stopped);
    }));

  it('ends where its server is killed, behind what had come', () =>
    simulate({ seed: 1 }, ({ node, stream: source, expectObservable }) => {
      const items = '   a 1s b 1s c';
      const killed = '  1500ms k';
      const expected = 'a 1s b 500ms #link-lost';
      node('server', serve({ give: () => source(items) })).faults(killed);
      expectObservable(node('client').client(Flow).give()).toBe(expected);
    }));

  it('ends its source once its consumer lets go of it', () =>
    simulate({ seed: 1 }, ({ node, cold, expectObservable, expectSubscriptions }) => {
      const items = '       a 1s b 1s c 1s d';
      const subscription = '^ 1500ms !';
      const expected = '    a 1s b';
      const item$ = cold(items);
      node('server', serve({ give: () => bounded(item$, { overflow: 'fail' }) }));
      expectObservable(node('client').client(Flow).give(), subscription).toBe(expected);
      expectSubscriptions(item$).toBe(subscription);
    }));

  it('of a hot source has the latest for who is late', () =>
    simulate({ seed: 1 }, ({ node, hot, expectObservable }) => {
      const items = '   5ms a 10ms b 10ms c 10ms d 10ms e 1s f';
      const expected = '40ms a 35ms d 35ms e 970ms f';
      const item$ = hot(items);
      node('server', serve({ give: () => bounded(item$, { overflow: 'latest' }) }));
      expectObservable(node('client').client(Flow).give(undefined, { credit: 1 }).pipe(slowly(35))).toBe(expected);
    }));
});

describe('a sink', () => {
  it('is fed as its handler consumes', () =>
    simulate({ seed: 1 }, ({ node, stream: source, expectObservable, expectDemand }) => {
      const items = '   (abc|)';
      const expected = '3s (n|)';
      const demand = '  (1 255)';
      const item$ = source(items);
      const take: Handlers<typeof Flow>['take'] = async (sent$) => {
        let count = 0;
        await sent$.pipe(slowly(1_000)).forEach(() => (count += 1));
        return count;
      };
      node('server', serve({ take }));
      expectObservable(node('client').client(Flow).take(item$)).toBe(expected, { n: 3 });
      expectDemand(item$).toBe(demand);
    }));

  it('fails as its server is killed, and lets go of its source', () =>
    simulate({ seed: 1 }, ({ node, cold, expectObservable, expectSubscriptions }) => {
      const items = '   a 1s b 1s c';
      const killed = '  1500ms k';
      const expected = '1500ms #link-lost';
      const item$ = cold(items);
      node('server', serve({ take: (sent$) => sent$.forEach(() => undefined).then(() => 0) })).faults(killed);
      expectObservable(
        node('client')
          .client(Flow)
          .take(bounded(item$, { overflow: 'fail' })),
      ).toBe(expected);
      expectSubscriptions(item$).toBe('^ 1500ms !');
    }));
});

describe('a channel', () => {
  it('goes both ways, each at its own pace', () =>
    simulate({ seed: 1 }, ({ node, stream: source, expectObservable, expectDemand }) => {
      const items = '   a 1s b 1s (c|)';
      const replies = ' 500ms x 1s y 1s (z|)';
      const [item$, reply$] = [source(items), source(replies)];
      const swap: Handlers<typeof Flow>['swap'] = (sent$) => {
        sent$.pipe(slowly(10)).subscribe();
        return reply$;
      };
      node('server', serve({ swap }));
      expectObservable(node('client').client(Flow).swap(item$, { credit: 2 })).toBe(replies);
      expectDemand(item$).toBe('(1 255)');
      expectDemand(reply$).toBe('1 500ms (1 1) 1s 1');
    }));

  it('is over with its replies, whoever still sends', () =>
    simulate({ seed: 1 }, ({ node, stream: source, cold, expectObservable, expectSubscriptions }) => {
      const item$ = cold('a 1s b 1s c 1s d');
      const swap: Handlers<typeof Flow>['swap'] = (sent$) => {
        sent$.subscribe({ error: () => undefined });
        return source('x 1500ms |');
      };
      node('server', serve({ swap }));
      expectObservable(
        node('client')
          .client(Flow)
          .swap(bounded(item$, { overflow: 'fail' })),
      ).toBe('x 1500ms |');
      expectSubscriptions(item$).toBe('^ 1500ms !');
    }));

  it('is stopped by whoever asked for it', () =>
    simulate({ seed: 1 }, ({ node, expectObservable }) => {
      const stopped$ = new Subject<string>();
      const swap: Handlers<typeof Flow>['swap'] = (sent$, { signal }) => {
        sent$.subscribe({
          error: (error: unknown) => {
            stopped$.next(isSkeinError(error) ? error.code : 'another');
          },
        });
        signal.addEventListener('abort', () => stopped$.next('aborted'));
        return bounded(NEVER, { overflow: 'latest' });
      };
      node('server', serve({ swap }));
      expectObservable(
        node('client')
          .client(Flow)
          .swap(bounded(NEVER, { overflow: 'latest' })),
        '^ 2s !',
      ).toBe('');
      expectObservable(stopped$).toBe('2s (aborted cancelled)');
    }));
});
