import { inspect } from 'node:util';
import { isSkeinError } from '../../core/errors.js';
import type { Mark, Step } from './diagram.js';
import { draw, formatMs, say, saySeen } from './draw.js';
import { matches, matchesError } from './matches.js';
import type { Expected, Seen } from './seen.js';

/** Where what was seen parts from what was expected, as a diagram of both; undefined where it does not. */
export const judge = (expected: Expected, seen: readonly Seen[]): string | undefined => {
  const gaps = gapsOf(seen);
  const count = Math.max(expected.steps.length, seen.length);
  for (let i = 0; i < count; i += 1) {
    const why = parting(expected, expected.steps[i], seen[i], gaps[i] ?? 0);
    if (why !== undefined) return `${draw(expected, seen, gaps, i)}\n\n${why}`;
  }
  return undefined;
};

/** Whole ms between each and the one before it. */
const gapsOf = (seen: readonly Seen[]): readonly number[] => {
  const frames = seen.map(({ atMs }) => Math.round(atMs));
  return frames.map((frame, i) => frame - (frames[i - 1] ?? 0));
};

const parting = (expected: Expected, step: Step | undefined, seen: Seen | undefined, gapMs: number): string | undefined => {
  if (!seen) return `expected ${say(step as Step, expected)}, and nothing came.`;
  const [came, at] = [saySeen(seen), formatMs(Math.round(seen.atMs))];
  if (!step) return `expected nothing more, and at ${at} came ${came}.`;
  if (seen.kind !== step.mark.kind || !isMeant(expected, step.mark, seen.value)) {
    return `expected ${say(step, expected)}, and at ${at} came ${came}.`;
  }
  if (gapMs >= step.gapMs && gapMs <= step.gapMs + step.withinMs) return undefined;
  const latest = step.withinMs === 0 ? '' : ` to ${formatMs(step.gapMs + step.withinMs)}`;
  return `expected it ${formatMs(step.gapMs)}${latest} after the mark before it, and it came at ${at}, after ${formatMs(gapMs)}.`;
};

const isMeant = ({ values, error }: Expected, mark: Mark, value: unknown): boolean => {
  if (mark.kind === 'next') {
    return Object.hasOwn(values, mark.token) ? matches(values[mark.token], value) : isItself(mark.token, value);
  }
  if (mark.kind !== 'error') return true;
  if (mark.token === undefined) return error === undefined || matchesError(error, value);
  if (Object.hasOwn(values, mark.token)) return matchesError(values[mark.token], value);
  return isNamed(mark.token, value);
};

/** What has no value is a text, a number, a flag or nothing. */
const isItself = (token: string, value: unknown): boolean =>
  typeof value === 'string' ? value === token : (typeof value !== 'object' || value === null) && inspect(value) === token;

const isNamed = (name: string, error: unknown): boolean =>
  (isSkeinError(error) && error.code === name) ||
  (error instanceof Error ? error.name === name || error.message === name : error === name);
