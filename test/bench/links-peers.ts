import { NEVER } from 'rxjs';
import { createNode, Matchmaker, override, type Registration } from 'skein';
import { Links, Told } from './links-contract.js';

/** A process with many nodes, each of which serves; tells where they are, and ends with its parent. */
const [url = '', from = '', count = ''] = process.argv.slice(2);
const registrations: Registration[] = [];
const overrides = [override(Matchmaker, [], () => new Told(NEVER, (registration) => registrations.push(registration)))];
for (let i = 0; i < Number(count); i += 1) {
  const node = await createNode(url, { name: `peer-${String(Number(from) + i)}`, overrides });
  await node.serve(Links, { echo: (value) => value, note: () => undefined });
}
process.once('disconnect', () => process.exit());
process.send?.(registrations);
