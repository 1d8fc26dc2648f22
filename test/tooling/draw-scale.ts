import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chart, table } from './scale-page.js';

/** `npm run bench -- scale --nodes … --json docs/scale.json` measures; this writes what docs/scale.md shows of it. */
const docs = fileURLToPath(new URL('../../docs/', import.meta.url));
const rows = JSON.parse(readFileSync(`${docs}scale.json`, 'utf8')) as Parameters<typeof table>[0];
for (const name of ['convergence', 'load', 'cost'] as const) writeFileSync(`${docs}scale-${name}.svg`, chart(name, rows));
const page = readFileSync(`${docs}scale.md`, 'utf8');
const [before = '', , after = ''] = page.split(/(<!-- figures -->\n)[\s\S]*(?=<!-- end of figures -->)/);
const shown = `${before}<!-- figures -->\n\n${table(rows)}\n${after}`;
writeFileSync(`${docs}scale.md`, shown);
