import { describe, expect, it } from 'vitest';
import { readDiagram } from '../../lib/testing/marbles/diagram.js';

/** `+gap~within mark`, of all steps. */
const read = (diagram: string): string =>
  readDiagram(diagram)
    .map(({ mark, gapMs, withinMs }) => {
      const token = mark.kind === 'next' ? mark.token : mark.kind === 'error' ? `#${mark.token ?? ''}` : mark.kind;
      return `+${String(gapMs)}${withinMs > 0 ? `~${String(withinMs)}` : ''} ${token}`;
    })
    .join(', ');

describe('a diagram', () => {
  it.each([
    ['', ''],
    ['-', ''],
    ['a', '+0 a'],
    ['a-b|', '+0 a, +2 b, +1 complete'],
    ['a-b', '+0 a, +2 b'],
    ['--a--#', '+2 a, +3 #'],
    ['ab|', '+0 a, +1 b, +1 complete'],
    ['^--!', '+0 subscribe, +3 unsubscribe'],
  ])('has a frame of 1 ms for each sign: %s', (diagram, steps) => {
    expect(read(diagram)).toBe(steps);
  });

  it.each([
    ['a b |', '+0 a, +1 b, +1 complete'],
    ['order reply', '+0 order, +1 reply'],
    ['order 5s reply 200ms |', '+0 order, +5000 reply, +200 complete'],
    ['5s x 4s o', '+5000 x, +4000 o'],
    ['1.5s a 1m b 2h c', '+1500 a, +60000 b, +7200000 c'],
    ['a 1s 500ms b', '+0 a, +1500 b'],
    ['- 5s a', '+5001 a'],
    ['a- 5s b', '+0 a, +5002 b'],
    ['  a     5s   b  ', '+0 a, +5000 b'],
    ['d50ms 2s l10% 1s d10ms..50ms', '+0 d50ms, +2000 l10%, +1000 d10ms..50ms'],
  ])('has words between spaces, and pauses that are exact: %s', (diagram, steps) => {
    expect(read(diagram)).toBe(steps);
  });

  it.each([
    ['(ab|)', '+0 a, +0 b, +0 complete'],
    ['(one two |)', '+0 one, +0 two, +0 complete'],
    ['a(bc)d', '+0 a, +1 b, +0 c, +1 d'],
    ['a 5s (b|) 1s c', '+0 a, +5000 b, +0 complete, +1000 c'],
    ['( word )', '+0 word'],
  ])('has one instant in parentheses: %s', (diagram, steps) => {
    expect(read(diagram)).toBe(steps);
  });

  it.each([
    ['5s #closed', '+5000 #closed'],
    ['a #deadline-exceeded', '+0 a, +1 #deadline-exceeded'],
    ['(a #no-server)', '+0 a, +0 #no-server'],
    ['-#', '+1 #'],
  ])('names errors: %s', (diagram, steps) => {
    expect(read(diagram)).toBe(steps);
  });

  it.each([
    ['within 3s a', '+0~3000 a'],
    ['a within 3s b', '+0 a, +0~3000 b'],
    ['a 2s within 3s b 1s c', '+0 a, +2000~3000 b, +1000 c'],
    ['a within 1s (b|)', '+0 a, +0~1000 b, +0 complete'],
  ])('lets what is behind "within" come later: %s', (diagram, steps) => {
    expect(read(diagram)).toBe(steps);
  });

  it.each([
    ['(a', 'this parenthesis is not closed:\n  (a\n  ^'],
    ['a)', 'no parenthesis is open here:\n  a)\n   ^'],
    ['a ()', 'nothing stands in these parentheses:\n  a ()\n     ^'],
    ['(a(b))', 'parentheses cannot stand in parentheses:\n  (a(b))\n    ^'],
    ['(a-b)', 'no time passes in parentheses:\n  (a-b)\n    ^'],
    ['a within b', 'a time must stand behind "within", such as "within 3s":\n  a within b\n    ^'],
    ['a within 3s', 'a mark must stand behind "within" and its time:\n  a within 3s\n             ^'],
  ])('that cannot be read shows where: %s', (diagram, message) => {
    expect(() => readDiagram(diagram)).toThrow(
      expect.objectContaining({ code: 'invalid-argument', message: `[invalid-argument] ${message}` }),
    );
  });

  it('is a text', () => {
    expect(() => readDiagram(5 as never)).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
  });
});
