import { appendFileSync, openSync } from 'node:fs';
import { createNode } from '../../lib/index.js';
import { type Ask, Load, type Report } from './load-contract.js';

/**
 * Serves until it is killed: its arguments are a URL, its server's name, a file, and how many clients there are. The file gets a line
 * for each plain call before it is answered, and for each call that was not meant for this server, so that no death makes it forget.
 */
const [url = '', server = '', file = '', clients = '0'] = process.argv.slice(2);
const node = await createNode(url, { name: server });
const records = openSync(file, 'a');
const heardFrom = new Set<string>();

const tell = (report: Report): void => {
  process.send?.(report);
};

const take = ({ token, meant }: Ask): string => {
  if (meant !== '' && meant !== server) appendFileSync(records, `stray ${token}\n`);
  const client = token.slice(0, token.indexOf(' '));
  if (!heardFrom.has(client)) {
    heardFrom.add(client);
    if (heardFrom.size === Number(clients)) tell({ is: 'in use' });
  }
  return token;
};

const hold = ({ token }: Ask, { signal }: { readonly signal: AbortSignal }): Promise<never> => {
  tell({ is: 'held', token });
  signal.addEventListener('abort', () => {
    tell({ is: 'let go', token });
  });
  return new Promise<never>(() => undefined);
};

await node.serve(Load, {
  again: take,
  once: (ask) => {
    appendFileSync(records, `once ${ask.token}\n`);
    return take(ask);
  },
  hold,
  holdAgain: hold,
});
process.on('disconnect', () => {
  void node.close();
});
tell({ is: 'ready' });
