import { inspect } from 'node:util';
import { textOfThrown } from '../../core/error-record.js';
import { isSkeinError } from '../../core/errors.js';
import type { Mark, Step } from './diagram.js';
import { matches } from './matches.js';
import type { Expected, Seen } from './seen.js';

/** Both as diagrams, one above the other, with a sign where they part. */
export const draw = (expected: Expected, seen: readonly Seen[], gaps: readonly number[], parting: number): string => {
  const wanted = cells(expected.steps.map(({ gapMs, withinMs, mark }) => ({ gapMs, withinMs, text: textOf(mark) })));
  const came = cells(seen.map((one, i) => ({ gapMs: gaps[i] ?? 0, withinMs: 0, text: nameOf(one, expected) })));
  const widths = Array.from({ length: Math.max(wanted.length, came.length) }, (_, i) =>
    Math.max(wanted[i]?.length ?? 0, came[i]?.length ?? 0),
  );
  const [from, to] = [Math.max(0, parting - shownBefore), parting + shownBehind];
  const line = (texts: readonly string[]): string => {
    const shown = texts.slice(from, to).map((text, i) => text.padEnd(widths[from + i] ?? 0));
    return [...(from > 0 ? ['…'] : []), ...shown, ...(texts.length > to ? ['…'] : [])].join(' ').trimEnd();
  };
  const before = widths.slice(from, parting).reduce((sum, width) => sum + width + 1, from > 0 ? 2 : 0);
  return [`  expected  ${line(wanted)}`, `  seen      ${line(came)}`, `            ${' '.repeat(before)}^`].join('\n');
};

/** Marks that are shown before the one where they part, and from there on. */
const shownBefore = 40;
const shownBehind = 20;

interface Cell {
  readonly gapMs: number;
  readonly withinMs: number;
  readonly text: string;
}

/** Each mark with the pause before it, so that side by side they make a diagram. */
const cells = (marks: readonly Cell[]): readonly string[] =>
  marks.map(({ gapMs, withinMs, text }, i) => {
    const isFirst = i === 0;
    const follows = !isFirst && gapMs === 0 && withinMs === 0;
    const next = marks[i + 1];
    const isFollowed = next?.gapMs === 0 && next.withinMs === 0;
    const isNone = gapMs === (isFirst || withinMs > 0 ? 0 : 1) || follows;
    const pause = isNone ? '' : `${formatMs(gapMs)} `;
    const allowance = withinMs === 0 ? '' : `within ${formatMs(withinMs)} `;
    const grouped = `${isFollowed && !follows ? '(' : ''}${text}${follows && !isFollowed ? ')' : ''}`;
    return `${pause}${allowance}${grouped}`;
  });

const signOf: { readonly [K in Mark['kind']]?: string } = { complete: '|', subscribe: '^', unsubscribe: '!' };

const textOf = (mark: Mark): string => {
  if (mark.kind === 'next') return mark.token;
  return mark.kind === 'error' ? `#${mark.token ?? ''}` : (signOf[mark.kind] ?? '');
};

/** What a diagram would call it. */
const nameOf = ({ kind, value }: Seen, { values }: Expected): string => {
  if (kind === 'error') return `#${isSkeinError(value) ? value.code : value instanceof Error ? value.name : short(value)}`;
  if (kind !== 'next') return signOf[kind] ?? '';
  const known = Object.keys(values).find((name) => matches(values[name], value));
  return known ?? short(value);
};

const short = (value: unknown): string => {
  const text = (typeof value === 'string' ? value : whole(value)).replace(/\s+/g, ' ');
  return text.length > shortMax ? `${text.slice(0, shortMax - 1)}…` : text;
};

const shortMax = 24;

const whole = (value: unknown): string =>
  value instanceof Error ? textOfThrown(value) : inspect(value, { breakLength: Infinity, depth: 4 });

export const say = ({ mark }: Step, { values, error }: Expected): string => {
  switch (mark.kind) {
    case 'next':
      return Object.hasOwn(values, mark.token) ? `${mark.token} = ${whole(values[mark.token])}` : whole(mark.token);
    case 'error':
      return mark.token === undefined
        ? `the error ${error === undefined ? '' : whole(error)}`.trimEnd()
        : `the error ${mark.token}`;
    case 'complete':
      return 'completion';
    case 'subscribe':
      return 'a subscription';
    case 'unsubscribe':
      return 'an unsubscription';
  }
};

export const saySeen = ({ kind, value }: Seen): string => {
  if (kind === 'next') return whole(value);
  if (kind === 'error') return `the error ${whole(value)}`;
  return kind === 'complete' ? 'completion' : kind === 'subscribe' ? 'a subscription' : 'an unsubscription';
};

/** As a diagram says it. */
export const formatMs = (ms: number): string => (ms >= 1_000 && ms % 1_000 === 0 ? `${String(ms / 1_000)}s` : `${String(ms)}ms`);
