/** Appends 1,000 lines to five journals: npx tsx examples/stream-handler/main.ts [FOLDER] */
import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createNode, requests, settle } from 'skein';
import { Journals, Unwritable } from './contract.js';
import { JournalFolder } from './journals.js';

const folder = process.argv[2] ?? (await mkdtemp(join(tmpdir(), 'journals-')));
const journals = new JournalFolder(folder);

await using server = await createNode('zmq+memory://journals');
await server.serve(Journals, { append: requests(journals.append) });

await using node = await createNode('zmq+memory://journals');
const client = node.client(Journals);

const names = ['arrivals', 'departures', 'orders', 'payments', 'visits'];
const lines = Array.from({ length: 1_000 }, (_, index) => ({
  journal: names[index % names.length] ?? '',
  line: `line ${String(Math.floor(index / names.length) + 1)}`,
}));
const numbers = await Promise.all(lines.map((line) => client.append(line)));

const written = await Promise.all((await readdir(folder)).map((file) => readFile(join(folder, file), 'utf8')));
const inOrder = written.every((text) =>
  text
    .trimEnd()
    .split('\n')
    .every((line, index) => line === `line ${String(index + 1)}`),
);
console.log(`${String(numbers.length)} lines in ${String(written.length)} journals, ${inOrder ? 'in order' : 'out of order'}`);
console.log(journals.writes < lines.length / 10 ? 'few writes' : `${String(journals.writes)} writes`);

const outcome = await settle(client.append({ journal: 'no/such/folder', line: 'lost' }));
if (!outcome.ok && outcome.error instanceof Unwritable) console.log(`not written: ${outcome.error.data.file}`);
