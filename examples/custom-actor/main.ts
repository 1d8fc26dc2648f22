import { filter, firstValueFrom } from 'rxjs';
import { createNode } from 'skein';
import { crew, type Outcome, type Sum, tally } from './crew.js';
import { showTree } from './show-tree.js';

const files = process.argv.slice(2);
if (files.length === 0) {
  console.error('Counts the lines of files: npx tsx examples/custom-actor/main.ts FILE…');
  process.exit(2);
}

await using node = await createNode('zmq+memory://custom-actor');
const sums = node.spawn(tally, { name: 'tally' });
const counting = node.spawn(crew(2, sums), { name: 'crew', mailbox: { max: 100, overflow: 'block' } });

const outcomes = await Promise.all(files.map((file) => counting.ask<Outcome>((reply) => ({ file, reply }))));
for (const [index, outcome] of outcomes.entries()) {
  const told = 'lines' in outcome ? `${String(outcome.lines)} lines` : String(outcome.problem);
  console.log(`${files[index]!}: ${told}`);
}

// Whoever failed is running again before long.
const tree = await firstValueFrom(
  counting.status$.pipe(filter(({ children }) => children.every(({ state }) => state === 'running'))),
);
const sum = await sums.ask<Sum>((reply) => ({ reply }));
console.log(`${String(sum.lines)} lines in ${String(sum.files)} files`);
console.log(showTree(tree));
