import { firstValueFrom, Subject } from 'rxjs';
import { createNode, isSkeinError, type SkeinError } from '../../lib/index.js';
import { type Ask, type Kind, Load, type Order, type Report } from './load-contract.js';

/**
 * Calls at a steady rate, whatever becomes of the calls, until it is told to finish or is killed: its arguments are a URL, its name,
 * calls a second, and the names of the servers. By turns it makes calls that may be repeated and calls that may not, to any server and
 * to each by its name.
 */
const [url = '', name = '', rate = '0', ...servers] = process.argv.slice(2);
const node = await createNode(url, { name });
const client = node.client(Load, { timeoutMs: 30_000 });
const pinned = servers.map((server) => ({ server, client: client.$on(server) }));
const retries = 100;

const tell = (report: Report): void => {
  process.send?.(report);
};

const answered = { again: 0, once: 0 };
const answeredBy = new Set<string>();
const settled$ = new Subject<void>();
let underWay = 0;
let sent = 0;

const settle = (): void => {
  underWay -= 1;
  settled$.next();
};

const fail = (kind: Kind, { meant }: Ask, { code, ran, message, details }: SkeinError): void => {
  tell({ is: 'failed', kind, meant, code, ran, message, peer: 'peer' in details ? details.peer : undefined });
  settle();
};

const succeed = (kind: Kind, { token, meant }: Ask, answer: string): void => {
  if (answer !== token) throw new Error(`${token} was answered with ${answer}`);
  answered[kind] += 1;
  if (meant !== '' && !answeredBy.has(meant)) {
    answeredBy.add(meant);
    if (answeredBy.size === servers.length) tell({ is: 'in use' });
  }
};

const makeCall = (): void => {
  const kind = sent % 2 === 0 ? 'again' : 'once';
  const target = sent % 4 < 2 ? undefined : pinned[(sent >> 2) % pinned.length];
  const ask: Ask = { token: `${name} ${String(process.pid)} ${String(sent)}`, meant: target?.server ?? '' };
  sent += 1;
  underWay += 1;
  (target?.client ?? client)[kind](ask, kind === 'again' ? { retries } : {}).subscribe({
    next: (answer) => succeed(kind, ask, answer),
    error: (error: unknown) => {
      if (!isSkeinError(error)) throw error;
      fail(kind, ask, error);
    },
    complete: settle,
  });
};

const startedAt = performance.now();
const beat = setInterval(() => {
  const due = ((performance.now() - startedAt) * Number(rate)) / 1_000;
  while (sent < due) makeCall();
}, 4);

let holds = new AbortController();

const finish = async (): Promise<void> => {
  clearInterval(beat);
  const seconds = (performance.now() - startedAt) / 1_000;
  while (underWay > 0) await firstValueFrom(settled$);
  tell({ is: 'finished', answered, seconds });
};

process.on('message', (order: Order) => {
  switch (order.do) {
    case 'hold': {
      const { token, meant } = order.ask;
      const options = { signal: holds.signal, ...(order.method === 'holdAgain' && { retries }) };
      const server = client.$on(meant);
      const held = order.method === 'hold' ? server.hold(order.ask, options) : server.holdAgain(order.ask, options);
      held.subscribe({
        error: (error: unknown) => {
          if (!isSkeinError(error)) throw error;
          tell({ is: 'ended', token, code: error.code });
        },
      });
      break;
    }
    case 'let go':
      holds.abort();
      holds = new AbortController();
      break;
    case 'finish':
      void finish();
      break;
  }
});
process.on('disconnect', () => {
  void node.close();
});
tell({ is: 'ready' });
