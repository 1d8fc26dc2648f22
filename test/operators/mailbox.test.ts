import fc from 'fast-check';
import { map } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { Mailbox } from '../../lib/operators/mailbox.js';
import { marbles } from '../../lib/testing.js';
import { readyOf } from './ready-of.js';

interface Letter {
  readonly weight: number;
  dead: boolean;
}

const weigh = ({ weight }: Letter): number => weight;
const isDead = ({ dead }: Letter): boolean => dead;

const fill = <T>(mailbox: Mailbox<T>, max = Infinity): T[] => {
  const batch: T[] = [];
  mailbox.fill(batch, max);
  return batch;
};

describe('Mailbox', () => {
  it('does what an array with bounds on number and weight does', () => {
    const plan = fc.array(
      fc.oneof(
        { weight: 5, arbitrary: fc.record({ do: fc.constant('offer' as const), weight: fc.nat(10) }) },
        { weight: 2, arbitrary: fc.record({ do: fc.constant('fill' as const), max: fc.nat(5) }) },
        { weight: 2, arbitrary: fc.record({ do: fc.constant('die' as const), at: fc.nat(20) }) },
        { weight: 1, arbitrary: fc.record({ do: fc.constant('drain' as const) }) },
      ),
      { maxLength: 200 },
    );
    const options = { max: 8, weightMax: 30, batchWeightMax: 12, weigh, isDead };
    fc.assert(
      fc.property(plan, (steps) => {
        const mailbox = new Mailbox<Letter>(options);
        let model: Letter[] = [];
        const sum = (): number => model.reduce((total, { weight }) => total + weight, 0);
        const fits = (weight: number): boolean => model.length === 0 || (model.length < 8 && sum() + weight <= 30);
        for (const step of steps) {
          if (step.do === 'offer') {
            const letter = { weight: step.weight, dead: false };
            if (!fits(step.weight)) model = model.filter(({ dead }) => !dead);
            expect(mailbox.offer(letter)).toBe(fits(step.weight));
            if (fits(step.weight)) model.push(letter);
          } else if (step.do === 'fill') {
            const expected: Letter[] = [];
            let weight = 0;
            while (expected.length < step.max && weight < 12) {
              const letter = model.shift();
              if (!letter) break;
              if (letter.dead) continue;
              expected.push(letter);
              weight += letter.weight;
            }
            expect(fill(mailbox, step.max)).toEqual(expected);
          } else if (step.do === 'die') {
            const letter = model[step.at];
            if (!letter || letter.dead) continue;
            letter.dead = true;
            mailbox.died();
            while (model[0]?.dead === true) model.shift();
          } else {
            expect(mailbox.drain()).toEqual(model);
            model = [];
          }
          expect([mailbox.size, mailbox.weight, mailbox.hasReady]).toEqual([model.length, sum(), model.length > 0]);
        }
      }),
    );
  });

  it('refuses one more than it holds, and takes it once there is room', () => {
    const mailbox = new Mailbox<number>({ max: 2 });
    expect([mailbox.offer(1), mailbox.offer(2), mailbox.offer(3)]).toEqual([true, true, false]);
    expect(fill(mailbox, 1)).toEqual([1]);
    expect(mailbox.offer(3)).toBe(true);
    expect(fill(mailbox)).toEqual([2, 3]);
    expect(mailbox.max).toBe(2);
  });

  it('lets one value in that alone is heavier than all may be', () => {
    const mailbox = new Mailbox<number>({ max: 8, weigh: (value) => value, weightMax: 10 });
    expect(mailbox.offer(50)).toBe(true);
    expect(mailbox.offer(1)).toBe(false);
    expect(fill(mailbox)).toEqual([50]);
    expect(mailbox.weight).toBe(0);
  });

  it('makes room for the living by burying the dead', () => {
    const mailbox = new Mailbox<Letter>({ max: 2, weigh, weightMax: 10, isDead });
    const [a, b, c] = [4, 6, 9].map((weight) => ({ weight, dead: false })) as [Letter, Letter, Letter];
    mailbox.offer(a);
    mailbox.offer(b);
    expect(mailbox.offer(c)).toBe(false);
    for (const letter of [a, b]) {
      letter.dead = true;
      mailbox.died();
    }
    expect(mailbox.offer(c)).toBe(true);
    expect([mailbox.size, mailbox.weight]).toEqual([1, 9]);
    expect(fill(mailbox)).toEqual([c]);
  });

  it('ends a batch behind the value that makes it too heavy', () => {
    const mailbox = new Mailbox<number>({ max: 8, weigh: (value) => value, batchWeightMax: 10 });
    for (const value of [6, 6, 6, 20, 1]) mailbox.offer(value);
    expect([fill(mailbox), fill(mailbox), fill(mailbox)]).toEqual([[6, 6], [6, 20], [1]]);
  });

  it('tells that it is ready once for each time that it was found empty', () =>
    marbles(({ hot, expectObservable, clock }) => {
      const offers = '  -a-b---c-d--|';
      const reads = '   -----r-----r-';
      const expected = '-x-----x-----';
      const startMs = clock.now();
      const mailbox = new Mailbox<string>({ max: 8 });
      hot(offers).subscribe((value) => mailbox.offer(value));
      hot(reads).subscribe(() => fill(mailbox));
      expectObservable(readyOf(mailbox).pipe(map(() => 'x'))).toBe(expected);
      expect(clock.now()).toBe(startMs);
    }));

  it('tells again after a drain, and not while a batch left something behind', () => {
    const mailbox = new Mailbox<number>({ max: 8 });
    let told = 0;
    mailbox.watch(() => (told += 1));
    mailbox.offer(1);
    mailbox.offer(2);
    fill(mailbox, 1);
    mailbox.offer(3);
    expect(told).toBe(1);
    expect(mailbox.drain()).toEqual([2, 3]);
    mailbox.offer(4);
    expect(told).toBe(2);
  });
});
