import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { callChart, tables } from './benchmarks-page.js';
import { withFigures } from './pages.js';
import { chart, table } from './scale-page.js';

/** Writes what docs/scale.md shows of docs/scale.json, and docs/benchmarks.md of docs/benchmarks.json; both pages say how these are measured. */
const docs = fileURLToPath(new URL('../../docs/', import.meta.url));
const read = (name: string): unknown => JSON.parse(readFileSync(`${docs}${name}.json`, 'utf8'));
const write = (name: string, figures: string): void => {
  writeFileSync(`${docs}${name}.md`, withFigures(readFileSync(`${docs}${name}.md`, 'utf8'), figures));
};

const sizes = read('scale') as Parameters<typeof table>[0];
for (const name of ['convergence', 'load', 'cost'] as const) writeFileSync(`${docs}scale-${name}.svg`, chart(name, sizes));
write('scale', table(sizes));

const rows = read('benchmarks') as Parameters<typeof tables>[0];
writeFileSync(`${docs}benchmarks-calls.svg`, callChart(rows));
write('benchmarks', tables(rows));
