import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');

/** The titles that a part declares, each behind that of its group. */
const titlesOf = (part: string): readonly string[] => {
  let group = '';
  const titles: string[] = [];
  for (const [, kind, title = ''] of read(`${part}.ts`).matchAll(
    /\b(describe|it)(?:\.each\(.*\)|\.runIf\(copies\))?\(\s*'((?:[^'\\]|\\.)*)'/g,
  )) {
    if (kind === 'describe') group = title;
    else titles.push(`${group} ${title}`);
  }
  return titles;
};

const parts = [
  'addressing',
  'admission',
  'calls',
  'casts',
  'declared-errors',
  'delivery',
  'dispatch',
  'errors',
  'faults',
  'interceptors',
  'leaving',
  'nested',
  'recovery',
  'schemas',
  'streams',
  'time',
  'values',
  'versions',
  'whole-stream',
];

/** What the page says of a part: the rest of a table's cell, or of a sentence. */
const quotedOf = (part: string, page: string): readonly string[] =>
  [...page.matchAll(new RegExp(`\`${part}\`: (.+?)(?: *\\||\\.\\n)`, 'g'))].map(([, title = '']) => title);

describe('docs/semantics.md', () => {
  const page = read('../../docs/semantics.md');

  it.each(parts)('quotes tests of %s that there are', (part) => {
    const titles = titlesOf(part);
    const quoted = quotedOf(part, page);
    expect(quoted).not.toEqual([]);
    expect(quoted.filter((title) => !titles.some((known) => known === title || known === `addressing ${title}`))).toEqual([]);
  });

  it('quotes nothing else', () => {
    const named = [...page.matchAll(/^.*`([\w-]+)`: /gm)].map(([, part]) => part);
    expect(named.filter((part) => !parts.includes(part ?? ''))).toEqual([]);
  });
});
